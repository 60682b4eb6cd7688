@testable import Agent
import Glibc
import NetworkPrimitives
import Synchronization
import Testing

@Suite struct NameResolverTests {
    /// A lookup that hangs, as getaddrinfo(3) does without DNS, until it is released.
    private final class HangingLookup: Sendable {
        private let isReleased = Mutex(false)
        private let calls = Mutex(0)

        var callCount: Int { calls.withLock { $0 } }

        func release() { isReleased.withLock { $0 = true } }

        func answer() -> NameResolution {
            calls.withLock { $0 += 1 }
            // A resolver that waits for this makes the test fail late, not hang.
            for _ in 0..<20_000 where !isReleased.withLock({ $0 }) { usleep(1000) }
            return .addresses([ip("192.0.2.1")])
        }
    }

    private static let unresolved = NameResolution.pending(reason: "not resolved yet")

    @Test func `asking never waits for the lookup`() async {
        let lookup = HangingLookup()
        let resolver = NameResolver { _ in lookup.answer() }
        for _ in 1...100 { #expect(resolver.resolution(of: "a") == Self.unresolved) }
        #expect(!resolver.isIdle)
        lookup.release()
        #expect(
            await resolver.firstResolution(of: "a", within: .seconds(20))
                == .addresses([ip("192.0.2.1")]))
        #expect(lookup.callCount == 1, "one lookup at a time")
    }

    @Test func `the wait for a first answer ends at its limit`() async {
        let lookup = HangingLookup()
        let resolver = NameResolver { _ in lookup.answer() }
        #expect(
            await resolver.firstResolution(of: "a", within: .milliseconds(100)) == Self.unresolved)
        #expect(!resolver.isIdle, "the lookup itself goes on")
        lookup.release()
    }

    @Test func `names are looked up apart from each other`() async {
        let lookup = HangingLookup()
        let resolver = NameResolver { name in
            name == "slow" ? lookup.answer() : .addresses([ip("192.0.2.2")])
        }
        #expect(resolver.resolution(of: "slow") == Self.unresolved)
        #expect(
            await resolver.firstResolution(of: "quick", within: .seconds(20))
                == .addresses([ip("192.0.2.2")]))
        #expect(resolver.resolution(of: "slow") == Self.unresolved)
        lookup.release()
    }

    /// A resolver on a clock of its own; each step asks and waits until the lookup, if any, is over.
    private final class Steps: Sendable {
        let now = Mutex(MonotonicInstant.zero)
        let answer: Mutex<NameResolution>
        let calls = Mutex<[MonotonicInstant]>([])

        init(_ answer: NameResolution) { self.answer = Mutex(answer) }

        /// Asks once in a second for so long, and returns what is known at the end.
        func run(_ resolver: NameResolver, seconds: Int) async throws -> NameResolution {
            for _ in 0..<seconds {
                now.withLock { $0 = $0 + .seconds(1) }
                _ = resolver.resolution(of: "a")
                while !resolver.isIdle { try await Task.sleep(for: .microseconds(200)) }
            }
            return resolver.resolution(of: "a")
        }

        func resolver() -> NameResolver {
            NameResolver(
                lookUp: { [self] _ in
                    calls.withLock { $0.append(now.withLock { $0 }) }
                    return answer.withLock { $0 }
                }, clock: { [self] in now.withLock { $0 } })
        }
    }

    @Test func `a failure is tried again after 1, 2, 4 up to 60 s`() async throws {
        let steps = Steps(.pending(reason: "no such name"))
        let resolver = steps.resolver()
        #expect(try await steps.run(resolver, seconds: 300) == .pending(reason: "no such name"))
        let calls = steps.calls.withLock { $0.map { Int(($0 - .zero).seconds) } }
        let gaps = zip(calls.dropFirst(), calls).map { $0 - $1 }
        #expect(gaps == [1, 2, 4, 8, 16, 32, 60, 60, 60])
    }

    @Test func `a success is renewed after five minutes, and stays while the renewal fails`()
        async throws
    {
        let old = NameResolution.addresses([ip("192.0.2.1")])
        let steps = Steps(old)
        let resolver = steps.resolver()
        #expect(try await steps.run(resolver, seconds: 299) == old)
        #expect(steps.calls.withLock { $0.count } == 1)
        steps.answer.withLock { $0 = .pending(reason: "the server is away") }
        #expect(
            try await steps.run(resolver, seconds: 60) == old, "better an old address than none")
        #expect(steps.calls.withLock { $0.count } >= 5)
        let new = NameResolution.addresses([ip("192.0.2.2"), ip("2001:db8::2")])
        steps.answer.withLock { $0 = new }
        #expect(try await steps.run(resolver, seconds: 70) == new)
    }
}
