public import NetworkPrimitives
public import PacketFormats

/// The last minute of a device: a ring for ESP and its fragments, and one for all that ESP must not push out.
///
/// Of dense ESP the first packets of each tenth of a second are kept, in the order in which they came:
/// then a minute fits and the order of senders' numbers shows. What thin traffic does not use may be
/// used later. IKE, ICMP and TCP openings are never left out.
public struct DeviceRings: Sendable {
    /// How long a recording reaches back.
    public static let span = Duration.seconds(60)
    /// A tenth of a second.
    private static let sliceNanoseconds: Int64 = 100_000_000
    /// Slices of which unused room is kept: five seconds.
    private static let savedSlices = 50

    /// ESP.
    public private(set) var esp: HeaderRing
    /// All else.
    public private(set) var control: HeaderRing
    /// How the device's frames begin: a LINKTYPE_ number; nil before it was ever open.
    public private(set) var linkType: UInt32?

    private let allowance: Int
    private var room: Int
    private var sliceEnd = Int64.min

    /// Makes empty rings.
    ///
    /// - Parameters:
    ///   - espByteCount: memory for ESP, in octets; 0 for a device that shows none.
    ///   - controlByteCount: memory for all else, in octets.
    public init(espByteCount: Int, controlByteCount: Int) {
        esp = HeaderRing(byteCount: espByteCount)
        control = HeaderRing(byteCount: controlByteCount)
        // A tenth for what begins before the minute does, and for where the memory ends.
        allowance = esp.byteCount / (600 + Self.savedSlices) * 9 / 10
        room = allowance * Self.savedSlices
    }

    /// Packets that the rings were given, recorded or not.
    public var seen: UInt64 {
        esp.recorded &+ esp.unrecorded &+ control.recorded &+ control.unrecorded
    }

    /// Says how frames begin from now on; packets of another kind are forgotten.
    public mutating func adopt(linkType next: UInt32) {
        guard linkType != next else { return }
        linkType = next
        esp.removeAll()
        control.removeAll()
    }

    /// Takes in an ESP packet.
    ///
    /// - Parameters:
    ///   - frame: its captured octets.
    ///   - payload: where its IV begins, as an offset into the frame.
    ///   - wireLength: the frame's length on the wire.
    ///   - arrival: when it passed.
    @inline(__always)
    public mutating func receiveESP(
        _ frame: RawSpan, payload: Int, wireLength: Int, at arrival: MonotonicInstant
    ) {
        if arrival.nanoseconds >= sliceEnd { beginSlice(at: arrival.nanoseconds) }
        if room <= 0 { return esp.leaveOut() }
        recordDense(frame, payload + HeaderSnap.vectorLength, wireLength, arrival)
    }

    private mutating func recordDense(
        _ frame: RawSpan, _ length: Int, _ wireLength: Int, _ arrival: MonotonicInstant
    ) {
        let length = min(length, frame.byteCount)
        room -= HeaderRing.cost(of: length)
        esp.record(frame, keeping: length, wireLength: wireLength, at: arrival, .unknown)
    }

    /// Takes in a later fragment, of which there may be as many as of ESP.
    ///
    /// - Parameters:
    ///   - frame: its captured octets.
    ///   - payload: what follows its IP header, as offsets into the frame.
    ///   - wireLength: the frame's length on the wire.
    ///   - arrival: when it passed.
    public mutating func receiveLaterFragment(
        _ frame: RawSpan, payload: Range<Int>, wireLength: Int, at arrival: MonotonicInstant
    ) {
        if arrival.nanoseconds >= sliceEnd { beginSlice(at: arrival.nanoseconds) }
        if room <= 0 { return esp.leaveOut() }
        recordDense(frame, payload.lowerBound, wireLength, arrival)
    }

    @inline(never)
    private mutating func beginSlice(at instant: Int64) {
        let saved = allowance * Self.savedSlices
        if sliceEnd == .min || instant - sliceEnd > Self.sliceNanoseconds * 600 {
            room = saved
        } else {
            let slices = Int((instant - sliceEnd) / Self.sliceNanoseconds) + 1
            room = min(saved, max(room, 0) + slices * allowance)
        }
        sliceEnd = (instant / Self.sliceNanoseconds + 1) * Self.sliceNanoseconds
    }

    /// Takes in a packet that is neither; one of which nothing is to be kept is left out.
    ///
    /// - Parameters:
    ///   - decoded: what it carries.
    ///   - frame: its captured octets.
    ///   - wireLength: the frame's length on the wire.
    ///   - arrival: when it passed.
    ///   - way: which way.
    public mutating func receive(
        _ decoded: DecodedFrame, _ frame: RawSpan, wireLength: Int,
        at arrival: MonotonicInstant, _ way: HeaderRing.Way = .unknown
    ) {
        guard let length = HeaderSnap.length(of: decoded, in: frame) else { return }
        control.record(frame, keeping: length, wireLength: wireLength, at: arrival, way)
    }
}
