import EchoProbing
import NetworkSimulation
import Testing

@Suite struct EchoIdentifierPoolTests {
    @Test func `gives each identifier to one owner, and never 0`() {
        var pool = EchoIdentifierPool(generator: SeededGenerator(seed: 1))
        var taken: Set<UInt16> = []
        for owner in 0..<20_000 {
            let identifier = pool.take(for: owner)
            #expect(identifier != 0)
            #expect(taken.insert(identifier).inserted)
            #expect(pool.owner(of: identifier) == owner)
        }
    }

    @Test func `takes identifiers back one by one and by owner`() {
        var pool = EchoIdentifierPool(generator: SeededGenerator(seed: 2))
        let (first, second, other) = (pool.take(for: 1), pool.take(for: 1), pool.take(for: 2))
        pool.release(first)
        #expect(pool.owner(of: first) == nil)
        #expect(pool.owner(of: second) == 1)
        pool.releaseAll(of: 1)
        #expect(pool.owner(of: second) == nil)
        #expect(pool.owner(of: other) == 2)
    }

    @Test func `an identifier that was given back and taken again belongs to its new owner`() {
        var pool = EchoIdentifierPool(generator: SeededGenerator(seed: 3))
        let first = pool.take(for: 1)
        pool.release(first)
        // Draw until the same identifier comes up for another owner.
        var taken = pool.take(for: 2)
        while taken != first {
            pool.release(taken)
            taken = pool.take(for: 2)
        }
        pool.releaseAll(of: 1)
        #expect(pool.owner(of: first) == 2, "what an owner once held is not its own any more")
        pool.releaseAll(of: 2)
        #expect(pool.owner(of: first) == nil)
        pool.release(first)
        #expect(pool.owner(of: first) == nil, "given back twice")
    }

    /// The end of an examination of 1000 tunnels, role by role, while as many are watched.
    @Test func `gives 4000 owners' identifiers back without a walk through all of them`() {
        var pool = EchoIdentifierPool(generator: SeededGenerator(seed: 4))
        var kept: [UInt16] = []
        for owner in 0..<4000 {
            _ = pool.take(for: owner)
            _ = pool.take(for: owner)
            kept.append(pool.take(for: 4000 + owner))
        }
        let time = ContinuousClock().measure {
            for owner in 0..<4000 { pool.releaseAll(of: owner) }
        }
        for (index, identifier) in kept.enumerated() {
            #expect(pool.owner(of: identifier) == 4000 + index)
        }
        // 4000 walks through 12 000 entries take seconds; this takes milliseconds in a debug build.
        #expect(time < .milliseconds(500))
    }
}
