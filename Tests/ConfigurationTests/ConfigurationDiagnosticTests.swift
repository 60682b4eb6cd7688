import Testing

@testable import Configuration

@Suite struct ConfigurationDiagnosticTests {
    @Test func `prints place, key, problem and what is allowed`() {
        let diagnostic = ConfigurationDiagnostic(
            file: "agent.conf", position: SourcePosition(line: 14, column: 12),
            key: "tunnel[1].interval", problem: "\"5ms\" is too short", allowed: "10ms to 1h")
        #expect(
            diagnostic.description
                == "agent.conf:14:12: tunnel[1].interval: \"5ms\" is too short; allowed: 10ms to 1h"
        )
        #expect(diagnostic.line == 14)
        #expect(diagnostic.column == 12)
    }

    @Test func `leaves out what there is not`() {
        let diagnostic = ConfigurationDiagnostic(
            file: "/x", position: nil, key: nil, problem: "cannot read", allowed: nil)
        #expect(diagnostic.description == "/x: cannot read")
        #expect(diagnostic.line == nil)
    }

    @Test func `sorts by place and keeps the order of those in one place`() {
        func diagnostic(_ line: Int, _ column: Int, _ problem: String) -> ConfigurationDiagnostic {
            ConfigurationDiagnostic(
                file: "f", position: SourcePosition(line: line, column: column), key: nil,
                problem: problem, allowed: nil)
        }
        let failure = ConfigurationFailure([
            diagnostic(9, 1, "d"), diagnostic(2, 5, "b"), diagnostic(2, 5, "c"),
            diagnostic(2, 1, "a"), diagnostic(10, 1, "e"),
        ])
        #expect(failure.diagnostics.map(\.problem) == ["a", "b", "c", "d", "e"])
        #expect(failure.description.split(separator: "\n").count == 5)
    }
}
