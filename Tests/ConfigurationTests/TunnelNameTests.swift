import Testing

@testable import Configuration

@Suite struct TunnelNameTests {
    @Test(arguments: [
        "cf-1", "policy-2001:db8::1", "a", "_x", "9", "A.b:c-d", String(repeating: "x", count: 64),
    ])
    func `takes a name that is safe everywhere`(name: String) {
        #expect(TunnelName.isValid(name))
        #expect(TunnelName.sanitized(name) == name)
    }

    @Test(arguments: [
        ("", "_"), (".hidden", "_hidden"), ("-rf", "_rf"), (":x", "_x"), ("a b", "a_b"),
        ("a/b", "a_b"), ("é", "__"), ("a\u{0}b", "a_b"), ("..", "_."),
        (String(repeating: "x", count: 65), String(repeating: "x", count: 64)),
    ])
    func `refuses other names and knows the nearest that will do`(name: String, nearest: String) {
        #expect(!TunnelName.isValid(name))
        #expect(TunnelName.sanitized(name) == nearest)
        #expect(TunnelName.isValid(nearest))
    }
}
