public import NetworkPrimitives

/// The IPsec protocol of an SA or a policy template.
public enum IPsecProtocol: Hashable, Sendable {
    /// Encapsulating Security Payload, RFC 4303.
    case esp
    /// Authentication Header, RFC 4302.
    case ah
    /// Any other by its IP protocol number, like 108 for IPComp.
    case other(UInt8)

    /// Makes a protocol from its IP protocol number.
    public init(number: UInt8) {
        switch number {
        case 50: self = .esp
        case 51: self = .ah
        default: self = .other(number)
        }
    }
}

/// How much of a packet an SA wraps, XFRM_MODE_… in linux/xfrm.h.
public enum IPsecMode: Hashable, Sendable {
    /// The payload only; the IP header stays. RFC 4301 §3.2.
    case transport
    /// The whole packet, under a new IP header. RFC 4301 §3.2.
    case tunnel
    /// Bound end-to-end tunnel.
    case beet
    /// Any other by the kernel's number.
    case other(UInt8)

    /// Makes a mode from the kernel's number.
    public init(number: UInt8) {
        switch number {
        case 0: self = .transport
        case 1: self = .tunnel
        case 4: self = .beet
        default: self = .other(number)
        }
    }
}

/// What stands between the outer IP header and ESP.
public enum Encapsulation: Hashable, Sendable {
    /// Nothing: IP protocol 50.
    case esp
    /// UDP, RFC 3948, with the ports of a packet this SA sends or takes.
    case udp(sourcePort: UInt16, destinationPort: UInt16)
    /// Another kind by the kernel's number, like 7 for TCP (RFC 9329).
    case other(UInt16)
}

/// A cipher or an integrity algorithm by name and lengths; never its key.
public struct Algorithm: Hashable, Sendable {
    /// The kernel's name, like `rfc4106(gcm(aes))`.
    public var name: String
    /// The key's length in bits, without the salt that some AEAD ciphers append to it.
    public var keyBits: Int
    /// The length of the integrity check value in bits; nil for a cipher that has none.
    public var integrityCheckBits: Int?

    /// Makes an algorithm's name and lengths.
    public init(name: String, keyBits: Int, integrityCheckBits: Int? = nil) {
        self.name = name
        self.keyBits = keyBits
        self.integrityCheckBits = integrityCheckBits
    }
}

/// A security association in the kernel, XFRM_MSG_NEWSA, without its keys.
public struct SecurityAssociation: Equatable, Sendable {
    /// The SPI.
    public var spi: SPI
    /// The outer source address.
    public var source: IPAddress
    /// The outer destination address.
    public var destination: IPAddress
    /// The IPsec protocol.
    public var `protocol`: IPsecProtocol
    /// How much of a packet it wraps.
    public var mode: IPsecMode
    /// The number that ties SAs to policy templates; 0 for none.
    public var requestID: UInt32
    /// The mark a packet must have under `markMask`.
    public var mark: UInt32
    /// The bits of `mark` that count; 0 when the SA takes every packet.
    public var markMask: UInt32
    /// The XFRM interface id; nil for none.
    public var interfaceID: UInt32?
    /// What stands between the outer IP header and ESP.
    public var encapsulation: Encapsulation
    /// The AEAD or encryption algorithm; nil for none.
    public var cipher: Algorithm?
    /// The integrity algorithm beside a cipher that has none of its own; nil for none.
    public var integrity: Algorithm?
    /// The anti-replay window in packets; 0 when the kernel checks nothing.
    public var replayWindow: UInt32
    /// Whether sequence numbers have 64 bits (ESN, RFC 4303 §2.2.1).
    public var extendedSequenceNumbers: Bool
    /// Packets wrapped or unwrapped since the SA was installed.
    public var packets: UInt64
    /// Octets of inside packets since the SA was installed.
    public var bytes: UInt64
    /// When it was installed; nil if not told.
    public var addedAt: WallTime?
    /// When it last carried a packet, in whole seconds; nil if never, or if not told (Linux keeps
    /// it for ESP since 6.2).
    public var lastUsed: WallTime?
    /// When the key daemon is asked to replace it; nil for never.
    public var softExpiresAt: WallTime?
    /// When the kernel removes it; nil for never.
    public var hardExpiresAt: WallTime?
    /// The direction it was installed for (Linux 6.10 and later); nil if not told.
    public var direction: TrafficDirection?
    /// Packets it refused, by reason.
    public var statistics: Statistics

    /// When it ends by what it carried, apart from time.
    public var volumeLimits = VolumeLimits()
    /// The highest sequence number sent; nil if not told, 64 bits wide with ESN.
    public var sentSequence: UInt64?
    /// The highest sequence number that passed the integrity check; nil if not told, and 0 as long as
    /// the kernel checks no replay window.
    public var receivedSequence: UInt64?
    /// The device that does the cryptography; nil when this host's processors do it.
    public var offload: Offload?
    /// The mark that packets get when it has wrapped or unwrapped them; nil when they keep theirs.
    public var outputMark: UInt32?

    /// Limits of what an SA carries, `struct xfrm_lifetime_cfg`; nil for none.
    public struct VolumeLimits: Hashable, Sendable {
        /// Octets after which the key daemon is asked to replace it.
        public var softBytes: UInt64?
        /// Octets after which the kernel removes it.
        public var hardBytes: UInt64?
        /// Packets after which the key daemon is asked to replace it.
        public var softPackets: UInt64?
        /// Packets after which the kernel removes it.
        public var hardPackets: UInt64?

        /// Makes no limits.
        public init() {}
    }

    /// Cryptography in a network device, `struct xfrm_user_offload`.
    public struct Offload: Hashable, Sendable {
        /// The device's index.
        public var interfaceIndex: Int
        /// Whether it does ESP as a whole (packet offload), and not the cipher alone.
        public var isWhole: Bool

        /// Makes an offload.
        public init(interfaceIndex: Int, isWhole: Bool) {
            self.interfaceIndex = interfaceIndex
            self.isWhole = isWhole
        }
    }

    /// Packets that an SA refused, `struct xfrm_stats`.
    public struct Statistics: Hashable, Sendable {
        /// Older than the anti-replay window reaches.
        public var replayWindow: UInt32
        /// Already received.
        public var replay: UInt32
        /// Wrong integrity check value.
        public var integrityFailed: UInt32

        /// Makes counts of refused packets.
        public init(replayWindow: UInt32 = 0, replay: UInt32 = 0, integrityFailed: UInt32 = 0) {
            self.replayWindow = replayWindow
            self.replay = replay
            self.integrityFailed = integrityFailed
        }
    }

    /// Makes an ESP tunnel-mode SA that has carried nothing yet.
    public init(spi: SPI, source: IPAddress, destination: IPAddress) {
        self.spi = spi
        self.source = source
        self.destination = destination
        `protocol` = .esp
        mode = .tunnel
        requestID = 0
        mark = 0
        markMask = 0
        encapsulation = .esp
        replayWindow = 0
        extendedSequenceNumbers = false
        packets = 0
        bytes = 0
        statistics = Statistics()
    }
}
