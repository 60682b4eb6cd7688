import KernelState
import NetworkPrimitives
import Testing

/// Every parser, with anything but what it expects: an error or a value, never a trap.
@Suite struct HostileMessageTests {
    /// A parser by the size of its fixed struct; whether it took the octets.
    private struct Parser: Sendable {
        let fixedByteCount: Int
        let samples: [[UInt8]]
        let accepts: @Sendable ([UInt8]) -> Bool

        static let all = [
            Parser(fixedByteCount: 224, samples: CapturedMessage.associations) {
                succeeds($0) { (span) throws(KernelMessageError) in
                    _ = try SecurityAssociation(parsing: span)
                }
            },
            Parser(fixedByteCount: 168, samples: CapturedMessage.policies) {
                succeeds($0) { (span) throws(KernelMessageError) in
                    _ = try SecurityPolicy(parsing: span)
                }
            },
            Parser(fixedByteCount: 16, samples: CapturedMessage.links) {
                succeeds($0) { (span) throws(KernelMessageError) in
                    _ = try LinkState(parsing: span)
                }
            },
            Parser(fixedByteCount: 8, samples: []) {
                succeeds($0) { (span) throws(KernelMessageError) in
                    _ = try AddressState(parsing: span)
                }
            },
            Parser(fixedByteCount: 12, samples: []) {
                succeeds($0) { (span) throws(KernelMessageError) in
                    _ = try RouteState.routes(parsing: span)
                }
            },
            Parser(fixedByteCount: 12, samples: []) {
                succeeds($0) { (span) throws(KernelMessageError) in
                    // Another family's is stepped over, which is not to take it.
                    guard try RoutingRule.rule(parsing: span) != nil else {
                        throw .badValue(field: "family", value: 0)
                    }
                }
            },
            Parser(fixedByteCount: 12, samples: []) {
                succeeds($0) { (span) throws(KernelMessageError) in
                    // Another family's is stepped over, which is not to take it.
                    guard try NeighborState.neighbor(parsing: span) != nil else {
                        throw .badValue(field: "family", value: 0)
                    }
                }
            },
            event(0x10, 224, CapturedMessage.associations),
            event(0x11, 24, [EventMessage.deletion.octets]),
            event(0x17, 280, [EventMessage.acquisition.octets]),
            event(0x18, 232, [EventMessage.expiry(isHard: true).octets]),
            event(0x26, 64, [EventMessage.mapping.octets]),
        ]

        private static func event(
            _ type: Int, _ fixedByteCount: Int, _ samples: [[UInt8]]
        ) -> Parser {
            Parser(fixedByteCount: fixedByteCount, samples: samples) {
                succeeds($0) { (span) throws(KernelMessageError) in
                    _ = try KernelEvent.xfrm(span, type: type)
                }
            }
        }

        private static func succeeds(
            _ octets: [UInt8], _ parser: (RawSpan) throws(KernelMessageError) -> Void
        ) -> Bool {
            switch parse(octets, parser) {
            case .success: true
            case .failure: false
            }
        }
    }

    /// The lengths at which a message ends between two attributes, in its padding included.
    private func ends(of message: [UInt8], after fixedByteCount: Int) -> Set<Int> {
        var ends: Set<Int> = [fixedByteCount]
        var start = fixedByteCount
        while start + 4 <= message.count {
            let length = Int(message[start]) | Int(message[start + 1]) << 8
            let next = start + (length + 3) / 4 * 4
            ends.formUnion(start + length...next)
            start = next
        }
        return ends
    }

    @Test func `rejects every truncation that is not at the end of an attribute`() {
        for parser in Parser.all {
            for sample in parser.samples {
                let ends = ends(of: sample, after: parser.fixedByteCount)
                #expect(parser.accepts(sample))
                for length in 0..<sample.count {
                    let accepted = parser.accepts(Array(sample.prefix(length)))
                    // A device whose name is cut off has no name, so is rejected there too.
                    let mayAccept =
                        ends.contains(length) && (parser.fixedByteCount != 16 || length > 16)
                    #expect(accepted == mayAccept, "\(length) of \(sample.count) octets")
                }
            }
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `random octets never trap`(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        var accepted = 0
        for _ in 0..<2_000 {
            let count = Int.random(in: 0...700, using: &generator)
            let octets = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            for parser in Parser.all where parser.accepts(octets) { accepted += 1 }
        }
        // Random octets hardly ever are a message.
        #expect(accepted < 200, "seed \(seed)")
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `damaged messages never trap`(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        var rejected = 0
        for parser in Parser.all {
            for sample in parser.samples {
                for _ in 0..<200 {
                    var octets = sample
                    for _ in 0..<Int.random(in: 1...8, using: &generator) {
                        let index = Int.random(in: 0..<octets.count, using: &generator)
                        octets[index] = UInt8.random(in: 0...255, using: &generator)
                    }
                    if Bool.random(using: &generator) {
                        octets.removeLast(Int.random(in: 0...octets.count, using: &generator))
                    }
                    if !parser.accepts(octets) { rejected += 1 }
                }
            }
        }
        #expect(rejected > 100, "seed \(seed)")
    }
}
