import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import Testing

/// What a TCP segment that opens a connection says about segment sizes.
@Suite struct TCPSynchronizationTests {
    /// The SYN of `ip netns exec a curl`, as Linux 6.12 sends it: MSS 1460, SACK, stamps, window scale.
    private static let linux: [UInt8] =
        [
            0xc3, 0x50, 0x01, 0xbb, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0, 0xa0, 0x02, 0xfa, 0xf0,
            0xfe, 0x30, 0, 0,
        ] + [2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7]

    private static func segment(_ options: [UInt8], flags: UInt8 = 2, words: Int? = nil) -> [UInt8]
    {
        let words = words ?? 5 + (options.count + 3) / 4
        return [0, 1, 0, 2] + [UInt8](repeating: 0, count: 8) + [UInt8(words << 4), flags]
            + [UInt8](repeating: 0, count: 6) + options
            + [UInt8](repeating: 0, count: (4 - options.count % 4) % 4)
    }

    private static func read(
        _ octets: [UInt8], length: Int? = nil
    ) throws(PacketError) -> TCPSynchronization {
        try octets.withRawSpan { span throws(PacketError) in
            try TCPSynchronization(parsing: span, length: length ?? octets.count)
        }
    }

    @Test func `reads what Linux sends`() throws {
        #expect(
            try Self.read(Self.linux)
                == TCPSynchronization(
                    sourcePort: 50_000, destinationPort: 443, isAcknowledgment: false,
                    maximumSegmentSize: 1460))
    }

    @Test func `tells a SYN-ACK, and what is no SYN`() throws {
        #expect(try Self.read(Self.segment([2, 4, 4, 0], flags: 0x12)).isAcknowledgment)
        for flags: UInt8 in [0x10, 0x18, 0x11, 0x04, 0] {
            #expect(throws: PacketError.unsupported) {
                try Self.read(Self.segment([], flags: flags))
            }
        }
    }

    @Test func `the option may stand anywhere, or not at all`() throws {
        #expect(try Self.read(Self.segment([])).maximumSegmentSize == nil)
        #expect(try Self.read(Self.segment([1, 1, 2, 4, 2, 0x18])).maximumSegmentSize == 536)
        #expect(try Self.read(Self.segment([0, 2, 4, 2, 0x18])).maximumSegmentSize == nil)
        #expect(try Self.read(Self.segment([3, 3, 7, 2, 4, 0, 0])).maximumSegmentSize == 0)
        #expect(
            try Self.read(Self.segment([2, 4, 5, 180, 2, 4, 5, 80])).maximumSegmentSize == 1360)
    }

    @Test func `what contradicts itself is malformed`() {
        for options: [UInt8] in [
            [2, 3, 1, 1], [2, 5, 1, 1], [8, 1], [8, 0], [5, 9, 1], [1, 1, 1, 2],
        ] {
            #expect(throws: PacketError.malformed(.optionLength), "\(options)") {
                try Self.read(Self.segment(options))
            }
        }
        for words in [0, 4, 6, 15] {
            #expect(throws: PacketError.malformed(.dataOffset), "\(words)") {
                try Self.read(Self.segment([], words: words))
            }
        }
        #expect(throws: PacketError.malformed(.dataOffset)) {
            try Self.read(Array(Self.linux.prefix(19)))
        }
    }

    @Test func `what the capture cut is truncated, never something else`() throws {
        for count in 0..<Self.linux.count {
            let cut = Array(Self.linux.prefix(count))
            let error = #expect(throws: PacketError.self) {
                try Self.read(cut, length: Self.linux.count)
            }
            guard case .truncated(let needed, count) = error else {
                Issue.record("\(count): \(String(describing: error))")
                continue
            }
            #expect(needed > count)
        }
    }

    @Test func `takes any octets`() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<20_000 {
            var octets = Self.linux
            for _ in 0...generator.below(4) {
                octets[Int(generator.below(Int64(octets.count)))] = UInt8(
                    truncatingIfNeeded: generator.next())
            }
            let cut = Int(generator.below(Int64(octets.count + 1)))
            _ = try? Self.read(Array(octets.prefix(cut)), length: octets.count)
        }
    }
}
