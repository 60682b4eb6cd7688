import ESPAnalysis
import NetworkPrimitives
import NetworkSimulation
import Testing

private func octets(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
}

private func at(_ milliseconds: Int64) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
}

@Suite struct `A packet's identity` {
    private func identity(_ octets: [UInt8], sequence: UInt32 = 1, seed: UInt64 = 42) -> UInt64 {
        let hash = PacketIdentityHash(seed: seed)
        return octets.withRawSpan { hash.identity(sequence: sequence, payload: $0) }
    }

    @Test(arguments: 0...48)
    func `depends on every bit of up to 48 octets`(count: Int) {
        let original = octets(count, seed: 5)
        var seen: Set<UInt64> = [identity(original)]
        for bit in 0..<count * 8 {
            var changed = original
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(seen.insert(identity(changed)).inserted)
        }
        #expect(seen.insert(identity(original, sequence: 2)).inserted)
        #expect(seen.insert(identity(original, seed: 43)).inserted)
        #expect(identity(original) == identity(original))
    }

    @Test func `tells lengths apart even of zeros`() {
        let identities = (0...48).map { identity([UInt8](repeating: 0, count: $0)) }
        #expect(Set(identities).count == 49)
    }

    @Test func `leaves octets after the 48th out`() {
        let long = octets(100, seed: 9)
        #expect(identity(long) == identity(Array(long.prefix(48))))
        #expect(identity(long) == identity(long.prefix(48) + octets(3, seed: 1)))
    }

    @Test func `spreads close packets over all bits`() {
        // 2¹⁶ packets that differ in sequence only, on 2¹⁶ places: about 1/e of the places stay
        // empty.
        let payload = [UInt8](repeating: 0, count: 24)
        for shift in [0, 16, 32, 48] {
            var places: Set<UInt16> = []
            for sequence in UInt32(0)..<65536 {
                places.insert(
                    UInt16(
                        truncatingIfNeeded: identity(payload, sequence: sequence) >> UInt64(shift)))
            }
            #expect((41_000...41_860).contains(places.count))
        }
    }
}

@Suite struct `The packet identity table` {
    @Test func `knows a copy and tells its age from the first`() {
        var table = PacketIdentityTable(capacity: 1024, seed: 1)
        #expect(table.sight(77, stream: 0, at: at(1000), hopLimit: 60) == .first)
        #expect(
            table.sight(77, stream: 0, at: at(1003), hopLimit: 60)
                == .copy(age: .milliseconds(3), hopLimitDiffers: false))
        #expect(
            table.sight(77, stream: 0, at: at(9000), hopLimit: 59)
                == .copy(age: .seconds(8), hopLimitDiffers: true))
        #expect(
            table.sight(77, stream: 0, at: at(9001), hopLimit: 60)
                == .copy(age: .milliseconds(8001), hopLimitDiffers: false))
    }

    @Test func `keeps equal octets of two streams apart`() {
        var table = PacketIdentityTable(capacity: 1024, seed: 1)
        for stream in UInt32(0)..<100 {
            #expect(table.sight(5, stream: stream, at: at(1), hopLimit: 60) == .first)
        }
        #expect(
            table.sight(5, stream: 99, at: at(2), hopLimit: 60)
                == .copy(age: .milliseconds(1), hopLimitDiffers: false))
    }

    @Test func `tells ages of stamps beyond 2⁵⁶ ns and before 0`() {
        var table = PacketIdentityTable(capacity: 64, seed: 1)
        let starts: [Int64] = [.min, -5, (1 << 56) - 3, .max - 100]
        for (index, start) in starts.enumerated() {
            let identity = UInt64(index + 1)
            let first = MonotonicInstant(nanoseconds: start)
            #expect(table.sight(identity, stream: 0, at: first, hopLimit: 1) == .first)
            #expect(
                table.sight(
                    identity, stream: 0, at: first + .nanoseconds(10), hopLimit: 1)
                    == .copy(age: .nanoseconds(10), hopLimitDiffers: false))
        }
    }

    @Test func `forgets the oldest of a line first`() {
        var table = PacketIdentityTable(capacity: 4, seed: 1)
        for identity in UInt64(1)...4 {
            _ = table.sight(identity, stream: 0, at: at(Int64(identity)), hopLimit: 60)
        }
        // A copy does not make its packet younger.
        #expect(
            table.sight(1, stream: 0, at: at(5), hopLimit: 60)
                == .copy(age: .milliseconds(4), hopLimitDiffers: false))
        #expect(table.sight(5, stream: 0, at: at(6), hopLimit: 60) == .first)
        #expect(
            table.sight(2, stream: 0, at: at(7), hopLimit: 60)
                == .copy(age: .milliseconds(5), hopLimitDiffers: false))
        #expect(table.sight(1, stream: 0, at: at(8), hopLimit: 60) == .first)
    }

    @Test
    func `remembers nearly all of the last fifth of its capacity, and no more than it has room`() {
        var table = PacketIdentityTable(capacity: 4096, seed: 3)
        let count = UInt64(40_960)
        for identity in 0..<count {
            #expect(table.sight(identity, stream: 0, at: at(0), hopLimit: 60) == .first)
        }
        func known(_ identities: Range<UInt64>) -> Int {
            identities.count { identity in
                var copy = table
                return copy.sight(identity, stream: 0, at: at(0), hopLimit: 60) != .first
            }
        }
        #expect(known(count - 820..<count) > 810)
        // Of Poisson arrivals in a line, 4 to the capacity, fewer than four: 65 % of that half.
        #expect((1250...1410).contains(known(count - 4096..<count - 2048)))
        #expect(known(0..<count) == 4096)
    }
}
