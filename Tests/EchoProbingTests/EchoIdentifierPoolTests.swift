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
}
