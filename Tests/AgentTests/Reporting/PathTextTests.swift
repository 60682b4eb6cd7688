@testable import Agent
import Foundation
import NetworkPrimitives
import PathMTU
import ReplyPath
import Testing

/// What people read of a tunnel's paths; the texts stand beside this file, in `Golden`.
@Suite struct PathTextTests {
    private static func lines(
        _ made: MadeUpPath, columns: Int, isVerbose: Bool = false, isColored: Bool = false
    ) -> [String] {
        let tunnel = StatusReport.made(made).tunnels[0]
        let layout = TextLayout(
            palette: TextPalette(isColored: isColored), glyphs: isColored ? .blocks : .ascii,
            columns: columns)
        return PathMTUText(path: tunnel.path, device: "ipsec0", layout: layout).lines + [""]
            + ReplyPathText(tunnel, layout: layout).lines(isVerbose: isVerbose)
    }

    @Test(arguments: MadeUpPath.allCases, [80, 120])
    func `two paths`(made: MadeUpPath, columns: Int) throws {
        let lines = Self.lines(made, columns: columns)
        try expectGolden("path-\(made)-\(columns)", lines.joined(separator: "\n") + "\n")
        for line in lines {
            #expect(line.count <= columns, "\(line)")
            #expect(line.last != " ", "'\(line)'")
            #expect(line.allSatisfy { $0.isASCII && $0 != "\u{1b}" }, "\(line)")
        }
    }

    @Test func `more of everything when asked, and a line where the locale has one`() throws {
        let lines = Self.lines(.long, columns: 80, isVerbose: true, isColored: true)
        try expectGolden("path-long-verbose", lines.joined(separator: "\n") + "\n")
    }

    @Test func `what a verdict was weighed by is there when asked`() {
        let weighed = "weighed: open 0.32 %, dies after hop 2 0.20 %, dies after hop 3 80.0 %, "
        let verbose = Self.lines(.blocked, columns: 200, isVerbose: true)
        #expect(verbose.contains { $0.contains(weighed + "dies after hop 4 19.5 %") })
        #expect(!Self.lines(.blocked, columns: 200).contains { $0.contains("weighed") })
        // Said outright, or never measured: nothing was weighed.
        #expect(
            !Self.lines(.here, columns: 200, isVerbose: true).contains { $0.contains("weighed") })
    }

    @Test func `colours have no width`() {
        for made in MadeUpPath.allCases {
            let colored = Self.lines(made, columns: 80, isColored: true)
                .joined(separator: "\n").replacingOccurrences(of: "─", with: "-")
                .replacingOccurrences(
                    of: "\u{1b}\\[[0-9;]*m", with: "", options: .regularExpression)
            #expect(colored == Self.lines(made, columns: 80).joined(separator: "\n"))
        }
    }

    @Test func `Echo Replies die before the hop that is the first without them`() throws {
        for cut in 0...4 {
            let report = ReplyPathReport.blocked(
                after: cut, likely: [cut], nil,
                (1...5).map { rung($0, "192.0.2.\($0)", replies: $0 <= cut ? 3 : 0) })
            let block = LadderText(report: report, title: "t", rule: "-", isVerbose: false).block
            let lines = block.lines(TextPalette(isColored: false))
            // Before it: the title and the names of the columns.
            #expect(lines.firstIndex { $0.contains(" replies die here ") } == cut + 2)
            #expect(lines.filter { $0.contains("0/3") }.count == 5 - cut)
        }
    }

    @Test func `a run of silent hops is one row, but none hides where replies die`() {
        let hops = [rung(1, "192.0.2.1"), rung(2, nil), rung(3, nil), rung(4, nil), rung(5, nil)]
        func distances(_ report: ReplyPathReport, isVerbose: Bool) -> [String] {
            LadderText(report: report, title: "t", rule: "-", isVerbose: isVerbose).block
                .lines(TextPalette(isColored: false)).dropFirst(2)
                .map { String($0.split(separator: " ")[0]) }
        }
        #expect(distances(.open(hops), isVerbose: false) == ["1", "2-5"])
        #expect(distances(.open(hops), isVerbose: true) == ["1", "2", "3", "4", "5"])
        let cut = ReplyPathReport.blocked(after: 3, likely: [1, 2, 3], nil, hops)
        let rows = distances(cut, isVerbose: false)
        #expect([rows[0], rows[1], rows[3]] == ["1", "2-3", "4-5"])
        #expect(rows.count == 4)
    }

    @Test func `all hops that the block may stand behind are named`() {
        func site(_ cut: Int, _ likely: [Int]) -> Substring {
            let report = ReplyPathReport.blocked(
                after: cut, likely: likely, nil, [rung(1, "192.0.2.1"), rung(2, "192.0.2.2")])
            return report.sentence(on: .outside).dropFirst("Echo Replies die ".count).prefix {
                $0 != "E"
            }
        }
        #expect(site(1, [1]) == "after hop 1 (192.0.2.1), while ")
        #expect(site(1, [1, 2]) == "after hop 1 (192.0.2.1) or 2, while ")
        #expect(site(2, [1, 2, 3]) == "after hop 2 (192.0.2.2), 1 or 3, while ")
        #expect(site(1, [0, 1]) == "after hop 1 (192.0.2.1) or before the first, while ")
        #expect(site(0, [0, 1, 2]) == "before the first hop, or after hop 1 or 2, while ")
    }

    @Test func `who drops them is said as far as it is certain`() {
        func end(_ path: ProbePath = .outside, _ change: (inout ReplyPathReport) -> Void) -> String
        {
            var report = ReplyPathReport.blocked(after: 2, likely: [2], .transit, [])
            change(&report)
            let sentence = report.sentence(on: path)
            return String(sentence.split(separator: "; ").last ?? "")
        }
        #expect(end { _ in } == "a network on the way drops them, most likely the ISP's")
        #expect(end(.inside) { _ in } == "a network behind the far end drops them")
        #expect(end(.inside) { $0.place = .providerEdge } == "the provider's edge drops them")
        #expect(
            end { $0.mayBeProviderEdge = true }.hasSuffix("ISP's, or it is the provider's edge"))
        #expect(end { $0.place = nil } == "whose equipment drops them is not certain")
        #expect(
            end {
                $0.place = .thisHost
                $0.refusedBy = ip("203.0.113.10")
            } == "this host's own firewall refuses them, says 203.0.113.10")
        var report = ReplyPathReport.blocked(after: 2, likely: [2], .transit, [])
        report.dropsAllICMP = true
        #expect(report.sentence(on: .outside).contains("after hop 2, and Echo Requests with them"))
    }

    @Test func `a limit is placed as closely as routers let it be`() {
        func line(_ change: (inout PathMTUReport) -> Void) -> String {
            var path = MadeUpPath.hole.path
            path.outsideMTU.suspiciousMessages = 0
            path.outsideMTU.limitingLink = nil
            change(&path.outsideMTU)
            let layout = TextLayout(
                palette: TextPalette(isColored: false), glyphs: .ascii, columns: 200)
            return PathMTUText(path: path, device: nil, layout: layout).lines[0]
        }
        #expect(line { $0.limitingDistances = 2...4 }.hasSuffix("behind one of the hops 2 to 4"))
        #expect(
            line { $0.limitingLink = .init(distance: 0, router: nil) }
                .hasSuffix("this host itself sends nothing larger"))
        #expect(
            line { $0.limitingLink = .init(distance: nil, router: ip("192.0.2.1")) }
                .hasSuffix("the limit is behind 192.0.2.1"))
        var doubtful = PathMTUReport.LimitingLink(distance: 5, router: nil)
        doubtful.mayBeOnTheWayBack = true
        #expect(
            line { $0.limitingLink = doubtful }
                .hasSuffix("the limit is behind hop 5, or on the way back"))
        #expect(
            line {
                $0.isBlackHole = true
                $0.limitingLink = .init(distance: 0, router: nil)
            }.contains("BLACK HOLE: larger packets vanish on this host's own link, and no"))
        #expect(
            line { $0.limitingLinkReason = "not looked for" }.hasSuffix("1454  not looked for"))
    }

    @Test func `inside is held against the narrower of path and device`() {
        func line(_ inside: Int) -> String {
            var path = MadeUpPath.healthy.path
            path.insideMTU.bytes = inside
            let layout = TextLayout(
                palette: TextPalette(isColored: false), glyphs: .ascii, columns: 200)
            return PathMTUText(path: path, device: nil, layout: layout).lines[1]
        }
        #expect(line(1446).hasSuffix("just what fits outside"))
        #expect(line(1400).hasSuffix("all that the device lets in"))
    }

    @Test func `a route narrower than its device is what counts`() {
        var path = MadeUpPath.healthy.path
        path.deviceMTU = .known(1480)
        let layout = TextLayout(
            palette: TextPalette(isColored: false), glyphs: .ascii, columns: 200)
        func line() -> String { PathMTUText(path: path, device: nil, layout: layout).lines[2] }
        path.routeMTU = .known(1446)
        #expect(line().hasSuffix("1480  the route into it lets 1446 in, and that fits"))
        path.routeMTU = .known(1480)
        #expect(line().hasSuffix("1480  fits; the route has 1480"))
        path.tunnelMTU.isDeviceTooLarge = true
        #expect(line().hasSuffix("that do not fit; the route has 1480"))
    }

    @Test func `what to do depends on what the device has`() {
        func advice(_ device: String?, has mtu: Int?) -> String {
            var path = MadeUpPath.healthy.path
            path.deviceMTU = mtu.map { .known($0) } ?? .unknown(reason: "it has no device")
            let layout = TextLayout(
                palette: TextPalette(isColored: false), glyphs: .ascii, columns: 200)
            return PathMTUText(path: path, device: device, layout: layout).lines.last ?? ""
        }
        #expect(advice("ipsec0", has: 1400).contains("1400  is what ipsec0 has; clamp the TCP MSS"))
        #expect(advice("ipsec0", has: 1380).contains("1400  would fit, ipsec0 has less"))
        #expect(advice("ipsec0", has: 1438).contains("1400  on ipsec0, and clamp the TCP MSS"))
        #expect(advice(nil, has: nil).contains("1400  for what enters the tunnel, and clamp"))
    }

    @Test func `a format takes its columns along`() {
        let format = ReportFormat(isJSON: false, columns: 132)
        #expect(format.query.contains("columns=132"))
        #expect(ReportFormat(isJSON: false).columns == 80)
        for (text, columns) in [("0", 1), ("-3", 1), ("99999999", 1000), ("x", 80), ("70", 70)] {
            #expect(ReportFormat(query: ["columns": text]).columns == columns)
        }
        #expect(ReportFormat(query: [:]).columns == 80)
    }

    @Test func `the page has both facts, and the ladders to open`() {
        let page = StatusPage(report: .made(.blocked)).html
        #expect(page.contains("<p>MTU: outside 1500, inside 1446, device 1400, overhead 54, set"))
        #expect(
            page.contains(
                "<p class=\"down\">Echo Replies outside: Echo Replies die after hop 3 (198.18.0.5) or 4, while"
            ))
        #expect(page.contains("<summary>Hop by hop</summary>"))
        #expect(!StatusPage(report: .made(.unknown)).html.contains("<details>"))
    }
}
