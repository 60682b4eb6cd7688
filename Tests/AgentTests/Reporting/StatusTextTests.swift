@testable import Agent
import Testing

@Suite struct StatusTextTests {
    private static func text(_ report: StatusReport, isColored: Bool = false) -> String {
        StatusText(palette: TextPalette(isColored: isColored), isVerbose: true).render(report)
    }

    /// The text without SGR sequences.
    private static func plain(_ text: String) -> String {
        var result = ""
        var isEscape = false
        for character in text {
            if character == "\u{1b}" { isEscape = true }
            if !isEscape { result.append(character) }
            if isEscape, character == "m" { isEscape = false }
        }
        return result
    }

    @Test func `columns line up, and colours have no width`() {
        let text = Self.text(.busy)
        #expect(!text.contains("\u{1b}"))
        let colored = Self.text(.busy, isColored: true)
        #expect(colored.contains("\u{1b}["))
        #expect(Self.plain(colored) == text)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
        var tables = 0
        for (index, header) in lines.enumerated() where String(header).hasPrefix("  path") {
            tables += 1
            for row in lines[(index + 1)...(index + 4)] {
                for (title, isRight) in [
                    ("path", false), ("style", false), ("sent", true), ("answered", true),
                    ("lost", true), ("unclear", true), ("median", true), ("p99", true),
                    ("jitter", true),
                ] {
                    // Under the first letter of a left column, or the last of a right one, a cell
                    // begins or ends, with a space beyond it.
                    guard let range = String(header).range(of: title) else {
                        Issue.record("no column \(title)")
                        continue
                    }
                    let start = String(header).distance(
                        from: String(header).startIndex, to: range.lowerBound)
                    let edge = isRight ? start + title.count - 1 : start
                    let beyond = isRight ? edge + 1 : edge - 1
                    #expect(
                        row.indices.contains(edge) && row[edge] != " ", "\(title): \(String(row))")
                    #expect(
                        !row.indices.contains(beyond) || row[beyond] == " ",
                        "\(title): \(String(row))")
                }
            }
        }
        #expect(tables == 3)
        for line in lines { #expect(line.last != " ", "\(String(line))") }
        #expect(text.hasSuffix("verdict  DOWN  (the worst of 3)\n"))
    }

    @Test func `without a tunnel it says how to get one`() {
        var report = StatusReport.fresh
        report.tunnels = []
        let text = Self.text(report)
        #expect(text.contains("probe now ADDRESS"))
        #expect(text.contains("agent.conf"))
        #expect(text.hasSuffix("\n") && !text.hasSuffix("\n\n"))
    }

    @Test func `what a tunnel waits for is said`() {
        #expect(Self.text(.fresh).contains("waits for device tun0, which does not exist"))
    }

    @Test(
        arguments: [
            (Duration.microseconds(1), "0.001 ms"), (.microseconds(999), "0.999 ms"),
            (.nanoseconds(999_600), "1.00 ms"), (.microseconds(1234), "1.23 ms"),
            (.microseconds(9994), "9.99 ms"), (.microseconds(9995), "10.0 ms"),
            (.microseconds(41_240), "41.2 ms"), (.microseconds(99_949), "99.9 ms"),
            (.microseconds(99_950), "100 ms"), (.microseconds(123_456), "123 ms"),
            (.seconds(2), "2000 ms"), (.zero, "0.000 ms"),
        ])
    func `round trips have three digits`(duration: Duration, text: String) {
        #expect(StatusText.milliseconds(duration) == text)
    }

    @Test func `the page escapes what is not its own, and has no script`() {
        var report = StatusReport.busy
        report.findings = [.made(.info)]
        let page = StatusPage(report: report).html
        #expect(page.contains("Made up &lt;for&gt; a test."))
        #expect(page.contains("one &quot;thing&quot;"))
        #expect(!page.contains("<script"))
        for link in ["/metrics", "/api/v1/status", "/-/healthy", "/-/ready"] {
            #expect(page.contains("href=\"\(link)\""))
        }
        for name in ["cf-1", "lossy-with-a-long-name", "dead"] { #expect(page.contains(name)) }
    }
}
