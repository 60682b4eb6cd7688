/// The order of octets in the numbers of a capture file.
public enum CaptureByteOrder: CaseIterable, Hashable, Sendable {
    /// Most significant octet first.
    case big
    /// Least significant octet first.
    case little
}

/// Writes a classic pcap file into memory.
public struct SimulatedPcapFile: Sendable {
    /// The file so far.
    public private(set) var octets: [UInt8] = []
    private let order: CaptureByteOrder
    private let isNanoseconds: Bool
    private let snapLength: Int

    /// A file without packets.
    public init(
        linkType: UInt32 = 1, order: CaptureByteOrder = .little, nanoseconds: Bool = true,
        snapLength: Int = 262_144
    ) {
        self.order = order
        isNanoseconds = nanoseconds
        self.snapLength = snapLength
        put32(nanoseconds ? 0xa1b2_3c4d : 0xa1b2_c3d4)
        octets.append(2, as: UInt16.self, order)
        octets.append(4, as: UInt16.self, order)
        put32(0)
        put32(0)
        put32(UInt32(snapLength))
        put32(linkType)
    }

    /// Adds a packet that arrived at `time`, in nanoseconds since 1970, cut to the snapshot length.
    public mutating func append(_ frame: [UInt8], at time: Int64, wireLength: Int? = nil) {
        let fraction = time % 1_000_000_000
        put32(UInt32(truncatingIfNeeded: time / 1_000_000_000))
        put32(UInt32(truncatingIfNeeded: isNanoseconds ? fraction : fraction / 1000))
        put32(UInt32(min(frame.count, snapLength)))
        put32(UInt32(wireLength ?? frame.count))
        octets += frame.prefix(snapLength)
    }

    private mutating func put32(_ value: UInt32) {
        octets.append(value, as: UInt32.self, order)
    }
}

/// Writes a pcapng file into memory: one or more sections of interfaces and packets.
public struct SimulatedPcapngFile: Sendable {
    /// The file so far.
    public private(set) var octets: [UInt8] = []
    private var order: CaptureByteOrder
    /// Ticks per second of the section's interfaces, as powers of ten.
    private var exponents: [Int] = []
    private var snapLengths: [Int] = []

    /// A file with one section that is empty.
    public init(order: CaptureByteOrder = .little) {
        self.order = order
        beginSection(order: order)
    }

    /// Begins a section: interfaces count from 0 again.
    public mutating func beginSection(order: CaptureByteOrder = .little) {
        self.order = order
        exponents = []
        snapLengths = []
        var body: [UInt8] = []
        body.append(0x1a2b_3c4d, as: UInt32.self, order)
        body.append(1, as: UInt16.self, order)
        body.append(0, as: UInt16.self, order)
        body.append(.max, as: UInt64.self, order)
        appendBlock(type: 0x0a0d_0d0a, body)
    }

    /// Adds an interface whose stamps count seconds times 10 to the power of −`exponent`; its number.
    ///
    /// 6 for microseconds, which is the default of the format, up to 9.
    @discardableResult
    public mutating func addInterface(
        linkType: UInt32, name: String? = nil, exponent: Int = 9, snapLength: Int = 262_144
    ) -> Int {
        var body: [UInt8] = []
        body.append(UInt16(truncatingIfNeeded: linkType), as: UInt16.self, order)
        body.append(0, as: UInt16.self, order)
        body.append(UInt32(snapLength), as: UInt32.self, order)
        if let name { appendOption(2, Array(name.utf8), to: &body) }
        if exponent != 6 { appendOption(9, [UInt8(exponent)], to: &body) }
        if name != nil || exponent != 6 { appendOption(0, [], to: &body) }
        appendBlock(type: 1, body)
        exponents.append(exponent)
        snapLengths.append(snapLength)
        return exponents.count - 1
    }

    /// Adds a packet of an interface that arrived at `time`, in nanoseconds since 1970.
    public mutating func append(
        _ frame: [UInt8], interface: Int = 0, at time: Int64, wireLength: Int? = nil
    ) {
        var ticks = UInt64(bitPattern: time)
        for _ in exponents[interface]..<9 { ticks /= 10 }
        let captured = min(frame.count, snapLengths[interface])
        var body: [UInt8] = []
        body.reserveCapacity(captured + 24)
        body.append(UInt32(interface), as: UInt32.self, order)
        body.append(UInt32(truncatingIfNeeded: ticks >> 32), as: UInt32.self, order)
        body.append(UInt32(truncatingIfNeeded: ticks), as: UInt32.self, order)
        body.append(UInt32(captured), as: UInt32.self, order)
        body.append(UInt32(wireLength ?? frame.count), as: UInt32.self, order)
        body += frame.prefix(captured)
        pad(&body)
        appendBlock(type: 6, body)
    }

    /// Adds a packet of interface 0 without a stamp: a Simple Packet Block.
    public mutating func appendSimple(_ frame: [UInt8]) {
        var body: [UInt8] = []
        body.append(UInt32(frame.count), as: UInt32.self, order)
        body += frame.prefix(snapLengths[0])
        pad(&body)
        appendBlock(type: 3, body)
    }

    /// Adds a block of any type; `body` is padded to 32 bits.
    public mutating func appendBlock(type: UInt32, _ body: [UInt8]) {
        var body = body
        pad(&body)
        let length = UInt32(body.count + 12)
        octets.append(type, as: UInt32.self, order)
        octets.append(length, as: UInt32.self, order)
        octets += body
        octets.append(length, as: UInt32.self, order)
    }

    private func appendOption(_ code: UInt16, _ value: [UInt8], to body: inout [UInt8]) {
        body.append(code, as: UInt16.self, order)
        body.append(UInt16(value.count), as: UInt16.self, order)
        body += value
        pad(&body)
    }

    private func pad(_ octets: inout [UInt8]) {
        while octets.count % 4 != 0 { octets.append(0) }
    }
}

extension Array<UInt8> {
    /// Appends a number in a file's byte order.
    fileprivate mutating func append<Number: FixedWidthInteger>(
        _ number: Number, as type: Number.Type, _ order: CaptureByteOrder
    ) {
        for octet in 0..<(Number.bitWidth / 8) {
            let shift = 8 * (order == .little ? octet : Number.bitWidth / 8 - 1 - octet)
            append(UInt8(truncatingIfNeeded: number >> Number(shift)))
        }
    }
}
