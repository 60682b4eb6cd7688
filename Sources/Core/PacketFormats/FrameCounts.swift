/// How many frames of each kind were seen, and how many were wrong in each way.
///
/// A value of fixed size: counting neither allocates nor hashes.
public struct FrameCounts: Sendable {
    /// ESP packets, first fragments among them.
    public private(set) var esp: UInt64 = 0
    /// ESP packets that were first fragments.
    public private(set) var espFragments: UInt64 = 0
    /// IKE datagrams.
    public private(set) var ike: UInt64 = 0
    /// NAT keepalives.
    public private(set) var natKeepalives: UInt64 = 0
    /// ICMP and ICMPv6 messages.
    public private(set) var icmp: UInt64 = 0
    /// Fragments other than the first, of whatever protocol.
    public private(set) var laterFragments: UInt64 = 0
    /// Readable frames of other protocols, TCP among them.
    public private(set) var other: UInt64 = 0
    private var faults = [17 of UInt64](repeating: 0)

    /// Makes counts of zero.
    public init() {}

    /// How many frames were wrong in the way `fault` names.
    public subscript(fault: FrameFault) -> UInt64 { faults[fault.index] }

    /// Frames that could not be read, for whatever reason.
    public var unreadable: UInt64 {
        FrameFault.allCases.reduce(0) { $0 &+ self[$1] }
    }

    /// All frames.
    public var frames: UInt64 {
        esp &+ ike &+ natKeepalives &+ icmp &+ laterFragments &+ other &+ unreadable
    }

    /// Counts one frame.
    public mutating func count(_ frame: DecodedFrame) {
        switch frame {
        case .esp(let datagram):
            esp &+= 1
            espFragments &+= datagram.ip.isFragment ? 1 : 0
        case .ike: ike &+= 1
        case .natKeepalive: natKeepalives &+= 1
        case .icmp: icmp &+= 1
        case .laterFragment: laterFragments &+= 1
        case .tcp, .other: other &+= 1
        case .unreadable(let fault): faults[fault.index] &+= 1
        }
    }

    /// Adds `more` to every counter.
    public mutating func add(_ more: FrameCounts) {
        esp &+= more.esp
        espFragments &+= more.espFragments
        ike &+= more.ike
        natKeepalives &+= more.natKeepalives
        icmp &+= more.icmp
        laterFragments &+= more.laterFragments
        other &+= more.other
        for index in faults.indices { faults[index] &+= more.faults[index] }
    }
}

extension FrameFault {
    /// The case's place in `allCases`.
    var index: Int {
        switch self {
        case .truncatedLink: 0
        case .truncatedIP: 1
        case .truncatedUDP: 2
        case .truncatedESP: 3
        case .malformedLink: 4
        case .malformedPPPoELength: 5
        case .malformedIP: 6
        case .malformedIPVersion: 7
        case .malformedIPHeaderLength: 8
        case .malformedIPLength: 9
        case .malformedExtensionHeader: 10
        case .malformedUDPLength: 11
        case .malformedESP: 12
        case .malformedSPI: 13
        case .unsupportedLink: 14
        case .unsupportedTagDepth: 15
        case .unsupportedExtensionDepth: 16
        }
    }
}
