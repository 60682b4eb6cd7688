@testable import Agent
import ESPAnalysis
import NetworkPrimitives
import PacketFormats
import Testing

/// What people read; the texts stand beside this file, in `Golden`.
@Suite struct AnalysisTextTests {
    private static let plain = AnalysisText(palette: TextPalette(isColored: false), glyphs: .ascii)

    @Test(arguments: ["many", "reordered", "unidentifiable", "doubled", "replayed", "bare"])
    func `a stream's block`(name: String) throws {
        let stream: CapturedStream =
            switch name {
            case "many": .many
            case "reordered": .reordered
            case "unidentifiable": .unidentifiable
            case "doubled": .doubled
            case "replayed": .replayed
            default: .bare()
            }
        var report = AnalysisReport.made([stream])
        if name == "many" {
            report.namedWindows = [1024]
            report.frames.count(.unreadable(.truncatedESP))
            report.backwardStamps = .init(packets: 2, largest: .milliseconds(1))
        }
        try expectGolden("analysis-\(name)", Self.plain.render(report))
    }

    @Test func `more of everything when asked, and block elements where the locale has them`()
        throws
    {
        let text = AnalysisText(
            palette: TextPalette(isColored: true), glyphs: .blocks, isVerbose: true)
        try expectGolden("analysis-verbose", text.render(.made([.many])))
    }

    @Test func `a file that is no capture`() throws {
        var report = AnalysisReport(file: "notes.txt")
        report.damage = .init(offset: 0, problem: "this is text")
        try expectGolden("analysis-no-capture", Self.plain.render(report))
    }

    @Test func `a file without ESP says so exactly, and how to capture some`() {
        var report = AnalysisReport.made([])
        report.packets = 3
        #expect(Self.plain.render(report).hasPrefix("made.pcap  UNKNOWN  there is no ESP in it\n"))
        #expect(Self.plain.render(report).contains("\n    tcpdump -i INTERFACE -s 128 "))
        report.frames.count(.unreadable(.truncatedESP))
        #expect(Self.plain.render(report).contains("the ESP in it is cut too short to analyse"))
        report.packets = 0
        report.frames = FrameCounts()
        #expect(Self.plain.render(report).contains("there is no packet in it"))
    }

    @Test func `the first line names loss, copies and what was not followed`() {
        var lossy = CapturedStream.bare(packets: 970)
        lossy.report.lostPackets = 20
        lossy.report.outagePackets = 10
        var report = AnalysisReport.made([lossy])
        let loss = "HEALTHY  nothing wrong found; 3.00 % of the packets are missing\n"
        #expect(Self.plain.render(report).contains(loss))
        #expect(Self.plain.render(report).contains("lost (20) and 10 numbers skipped in gaps"))
        report.streams = [.bare(packets: 970), lossy]
        #expect(Self.plain.render(report).contains("3.00 % of one stream's packets are missing"))
        report.streams = [.doubled]
        report.unfollowedPackets = 7
        #expect(
            Self.plain.render(report).contains(
                "the capture holds packets twice; 7 ESP packets were not followed\n"))
        #expect(Self.plain.render(report).contains("keep one tunnel: tcpdump -r FILE"))
        #expect(!Self.plain.render(report).contains("capture again"))
    }

    @Test func `a number far ahead is no reason to turn the window off`() {
        var stream = CapturedStream.bare(packets: 10_000)
        stream.report.windows = CapturedStream.forecasts(
            [(64, 5000, 0), (4096, 5000, 0)], of: 10_000)
        let text = Self.plain.render(.made([stream]))
        #expect(text.contains("nothing wrong found; some numbers lie far from the others\n"))
        #expect(text.contains("yet no second sender is proven.\n"))
        #expect(!text.contains("Set replay-window 0"))
    }

    @Test func `what is likely is not called proven`() {
        var stream = CapturedStream.bare(packets: 10_000)
        stream.report.senders.atLeast = 2
        stream.report.verdicts = [
            StreamVerdict(kind: .multiSender, grade: .likely, evidence: "two counters")
        ]
        #expect(Self.plain.render(.made([stream])).contains("senders      at least 2 likely\n"))
    }

    @Test func `few packets are no proof of anything`() {
        let text = Self.plain.render(.made([.bare(packets: 3)]))
        #expect(text.contains("HEALTHY  nothing wrong found in too few packets to be sure\n"))
    }

    @Test func `a reason that all streams share is given once`() {
        let streams = (1...3).map { CapturedStream.bare(spi: UInt32($0), packets: 50) }
        let text = Self.plain.render(.made(streams))
        #expect(text.components(separatedBy: "not known: tunnel and direction").count == 2)
    }

    @Test func `standard input has a name`() {
        var report = AnalysisReport.made([.bare()])
        report.file = "-"
        #expect(Self.plain.render(report).hasPrefix("standard input  HEALTHY"))
    }

    @Test func `ten streams are shown, and how to see the others`() {
        let streams = (1...12).map { CapturedStream.bare(spi: UInt32($0), packets: 5) }
        let text = Self.plain.render(.made(streams))
        #expect(text.contains("0x0000000a"))
        #expect(!text.contains("0x0000000b"))
        #expect(
            text.contains(
                "2 more streams with no more packets; --verbose shows all, --stream SPI one"))
        var verbose = Self.plain
        verbose.isVerbose = true
        #expect(verbose.render(.made(streams)).contains("0x0000000c"))
    }

    @Test func `the senders' table`() throws {
        let text = SendersText(palette: TextPalette(isColored: false), glyphs: .ascii)
        var unknown = CapturedStream.unidentifiable
        unknown.report.topSenders = [
            SenderReport(
                name: "#1", packets: 40, share: 0.002, perSecond: nil, hopLimit: 57, lost: nil,
                reordered: nil, firstArrival: .zero, lastArrival: .zero, highestSequence: 40)
        ]
        try expectGolden(
            "senders", text.render(SendersReport(streams: [.many, unknown, .bare()])))
        let none = SendersReport(streams: [], tunnel: "cf-1", reason: "capture is off")
        #expect(text.render(none) == "no ESP stream of cf-1: capture is off\n")
    }

    @Test func `no line of a plain text has a control character or ends in a space`() {
        let streams: [CapturedStream] = [
            .many, .reordered, .unidentifiable, .doubled, .replayed, .bare(),
        ]
        for line in Self.plain.render(.made(streams)).split(separator: "\n") {
            #expect(line.allSatisfy { $0.isASCII && !$0.isNewline && $0 != "\u{1b}" }, "\(line)")
            #expect(line.last != " ", "'\(line)'")
        }
    }
}
