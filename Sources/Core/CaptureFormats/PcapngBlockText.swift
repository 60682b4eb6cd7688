import NetworkPrimitives

/// A pcapng block as it is put together: its fields, then its options.
struct PcapngBlockText {
    /// The most octets of a text that are written; an option holds 65 535.
    static let maximumTextLength = 8192
    /// The most comments of a block: with more, readers with a bound would refuse the block.
    static let maximumComments = 12

    private var octets: [UInt8] = []
    private var hasOptions = false

    init(_ type: UInt32) {
        append(type)
        // Its length, once that is known.
        append(0 as UInt32)
    }

    mutating func append(_ value: UInt32) {
        for shift in stride(from: 0 as UInt32, to: 32, by: 8) {
            octets.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// A number of 64 bits, low half first.
    mutating func append(_ value: UInt64) {
        append(UInt32(truncatingIfNeeded: value))
        append(UInt32(truncatingIfNeeded: value >> 32))
    }

    /// Nanoseconds since 1970, high half first, unlike all other numbers of 64 bits.
    mutating func append(stamp: WallTime) {
        let nanoseconds = UInt64(max(0, stamp.nanoseconds))
        append(UInt32(truncatingIfNeeded: nanoseconds >> 32))
        append(UInt32(truncatingIfNeeded: nanoseconds))
    }

    /// Octets, filled up to a multiple of four.
    mutating func appendPadded(_ octets: RawSpan) {
        self.octets.append(octets)
        pad()
    }

    private mutating func pad() {
        while octets.count % 4 != 0 { octets.append(0) }
    }

    mutating func addOption(_ code: UInt16, _ value: [UInt8]) {
        precondition(value.count <= 0xffff, "an option of 16 bits")
        hasOptions = true
        append(UInt32(code) | UInt32(value.count) << 16)
        octets += value
        pad()
    }

    mutating func addOption(_ code: UInt16, _ value: UInt64) {
        hasOptions = true
        append(UInt32(code) | 8 << 16)
        append(value)
    }

    /// A text option; nil and empty leave it out, a long one is cut between two characters.
    mutating func addText(_ code: UInt16, _ text: String?) {
        guard let text, !text.isEmpty else { return }
        var value = Array(text.utf8.prefix(Self.maximumTextLength))
        if value.count < text.utf8.count {
            // Octets that go on with a character are 10xxxxxx (RFC 3629 §3).
            while let last = value.last, last & 0xc0 == 0x80 { value.removeLast() }
            if let last = value.last, last & 0x80 != 0 { value.removeLast() }
        }
        addOption(code, value)
    }

    mutating func addComments(_ comments: [String]) {
        for comment in comments.prefix(Self.maximumComments) { addText(1, comment) }
    }

    /// The whole block.
    consuming func finished() -> [UInt8] {
        if hasOptions { append(0 as UInt32) }
        let length = UInt32(octets.count + 4)
        for index in 0..<4 {
            octets[4 + index] = UInt8(truncatingIfNeeded: length >> UInt32(8 * index))
        }
        append(length)
        return octets
    }
}
