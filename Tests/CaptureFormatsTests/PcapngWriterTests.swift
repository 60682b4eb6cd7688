import CaptureFormats
import Foundation
import NetworkPrimitives
import Testing

@Suite struct PcapngWriterTests {
    /// Three link types, both directions, comments, and packets longer than what is kept of them.
    private static func sample() -> [UInt8] {
        var writer = PcapngWriter(
            .init(
                hardware: "test bench", operatingSystem: "Linux 6.1", application: "tunnel-probe",
                comments: ["first comment", "Zweiter Kommentar: \u{fc}ber \u{2192} down"]))
        let ethernet = writer.add(
            .init(name: "eth0", description: "WAN", linkType: .init(rawValue: 1), snapLength: 128))
        let raw = writer.add(.init(name: "ipsec0", linkType: .init(rawValue: 101)))
        let cooked = writer.add(.init(name: "any", linkType: .init(rawValue: 276)))
        for (number, interface) in [ethernet, raw, cooked, ethernet].enumerated() {
            let frame = SampleFile.frame(number, count: 60 + number)
            frame.withRawSpan {
                writer.add(
                    .init(
                        interface: interface,
                        arrival: WallTime(
                            nanoseconds: SampleFile.start + Int64(number) * 1_000_001),
                        wireLength: 1400 + number,
                        direction: number == 2 ? nil : number % 2 == 0 ? .inbound : .outbound,
                        comments: number == 3 ? ["tunnel cf-1: healthy -> down"] : []), $0)
            }
        }
        writer.addStatistics(
            of: ethernet, at: WallTime(nanoseconds: SampleFile.start + 9_000_000), received: 1000,
            dropped: 998, comments: ["998 passed unrecorded"])
        return writer.takeOctets()
    }

    @Test(arguments: [1, 7, 4096, Int.max])
    func `the reader gives back what was written`(piece: Int) {
        let read = ReadCapture(Self.sample()) { piece }
        #expect(read.format == .pcapng)
        #expect(read.damage == nil)
        #expect(read.reportedDrops == 998)
        #expect(
            read.packets
                == (0..<4).map { number in
                    .init(
                        interface: [0, 1, 2, 0][number], linkType: [1, 101, 276, 1][number],
                        arrival: SampleFile.start + Int64(number) * 1_000_001,
                        wireLength: 1400 + number,
                        octets: SampleFile.frame(number, count: 60 + number))
                })
    }

    @Test func `octets can be taken block by block`() {
        var writer = PcapngWriter(.init())
        var file = writer.takeOctets()
        #expect(writer.count == 0)
        let interface = writer.add(.init(name: "", linkType: .init(rawValue: 1)))
        file += writer.takeOctets()
        [UInt8](repeating: 7, count: 3).withRawSpan {
            writer.add(
                .init(interface: interface, arrival: WallTime(nanoseconds: -5), wireLength: 1), $0)
        }
        file += writer.takeOctets()
        let read = ReadCapture(file)
        #expect(read.damage == nil)
        // A time before 1970 and a length below what is kept are written as 1970 and as that.
        #expect(
            read.packets == [
                .init(interface: 0, linkType: 1, arrival: 0, wireLength: 3, octets: [7, 7, 7])
            ])
    }

    @Test func `a long comment is cut between two characters`() throws {
        // "a", then characters of three octets each: the cut falls into one of them.
        let comment = "a" + String(repeating: "\u{2192}", count: 5000)
        var writer = PcapngWriter(.init(comments: [comment] + Array(repeating: "x", count: 50)))
        let file = writer.takeOctets()
        #expect(ReadCapture(file).damage == nil)
        let length = Int(file[26]) | Int(file[27]) << 8
        let text = try #require(String(bytes: file[28..<(28 + length)], encoding: .utf8))
        #expect(comment.hasPrefix(text))
        #expect((8186...8192).contains(length))
    }

    // MARK: - Judges

    private static func run(_ path: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = try #require(try output.fileHandleForReading.readToEnd())
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self)
        #expect(process.terminationStatus == 0, "\(path): \(text)")
        return text
    }

    private static func onFile<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory
        let path = folder.appending(path: "pcapng-writer-\(UUID().uuidString).pcapng")
        try Data(sample()).write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        return try body(path.path)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/capinfos")))
    func `capinfos reads all that the file says of itself`() throws {
        let text = try Self.onFile { try Self.run("/usr/bin/capinfos", [$0]) }
        for expected in [
            "pcapng", "test bench", "Linux 6.1", "tunnel-probe", "first comment",
            "Zweiter Kommentar", "Name = eth0", "Name = ipsec0", "Time precision = nanoseconds",
            "Number of packets:   4",
        ] {
            #expect(text.contains(expected), "\(expected) in:\n\(text)")
        }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/tshark")))
    func `tshark reads stamps, lengths, interfaces, directions and comments`() throws {
        let text = try Self.onFile {
            try Self.run(
                "/usr/bin/tshark",
                [
                    "-r", $0, "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len",
                    "-e", "frame.cap_len", "-e", "frame.interface_name",
                    "-e", "frame.packet_flags_direction", "-e", "frame.comment",
                ])
        }
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("18") }.map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        #expect(rows.count == 4, "\(text)")
        for (number, row) in rows.enumerated() {
            let nanoseconds = SampleFile.start + Int64(number) * 1_000_001
            #expect(row[0] == "1800000000.\(nanoseconds % 1_000_000_000)")
            #expect(row[1] == "\(1400 + number)")
            #expect(row[2] == "\(60 + number)")
            #expect(row[3] == ["eth0", "ipsec0", "any", "eth0"][number])
            #expect(UInt32(row[4].suffix(1)) == [1, 2, nil, 2][number])
        }
        #expect(rows.last?.last == "tunnel cf-1: healthy -> down")
    }
}
