import Testing

@testable import Agent

@Suite struct HookTests {
    @Test func `nothing is called until it is set`() {
        let hook = Hook<@Sendable (Int) -> Int>()
        #expect(hook.function == nil)
        hook.set { $0 + 1 }
        #expect(hook.function?(1) == 2)
        hook.set(nil)
        #expect(hook.function == nil)
    }

    /// Bare in a mutex it would be wrapped once more by each look: a call would overflow the stack.
    @Test func `it is called as it was set, however often it was looked at`() {
        let hook = Hook<@Sendable (String?) -> Int?>()
        hook.set { $0?.count }
        for _ in 0..<500_000 where hook.function == nil { Issue.record("it is gone") }
        #expect(hook.function?("four") == 4)
    }
}
