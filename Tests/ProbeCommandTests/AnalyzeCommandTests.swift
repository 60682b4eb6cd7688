import ESPSimulation
import Foundation
import NetworkPrimitives
import Testing

@Suite struct AnalyzeCommandTests {
    /// Runs on a thread of its own, with capture files.
    private static func with(_ body: @escaping @Sendable (Captures) throws -> Void) async throws {
        try await blocking { try body(try Captures()) }
    }

    // MARK: What is found

    @Test func `many senders alone are nothing wrong`() async throws {
        try await Self.with { captures in
            let file = try captures.write("many.pcap", .many)
            let text = try captures.probe("analyze", file)
            #expect(text.status == 0, "\(text)")
            #expect(text.output.hasPrefix("\(file)  HEALTHY  nothing wrong found; several senders"))
            #expect(text.output.contains("No window size helps"), "\(text)")
            #expect(text.errors == "")
            let json = try captures.probe("analyze", file, "--json").json()
            #expect(json["schema"].string == "tunnelprobe.analysis/1")
            #expect(json["file"].string == file)
            #expect(json["verdict"].string == "healthy")
            #expect(json["truncated"].value as? Bool == false)
            let truth = ESPStreamSimulation.many.run()
            #expect(json["packets"].integer == truth.packets.count)
            let stream = json["streams"][0]
            #expect(stream["packets"].integer == truth.packets.count)
            #expect(stream["spi"].string == "0xc0de0001")
            #expect(stream["senders"]["estimate"].integer == 20, "\(stream["senders"])")
            #expect(stream["verdicts"][0]["id"].string == "multi_sender")
        }
    }

    @Test func `a file with IKE alone says how the exchanges went`() async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../IKETests/Fixtures").standardizedFileURL
        try await Self.with { captures in
            let good = folder.appending(path: "rekeys.pcap").path
            let text = try captures.probe("analyze", good)
            #expect(text.status == 0, "\(text)")
            #expect(text.output.contains("IKE 10.9.1.2 and 203.0.113.2  established"), "\(text)")
            let json = try captures.probe("analyze", good, "--json").json()
            #expect(json["verdict"].string == "healthy")
            #expect(json["ike"].array.count == 1)
            let pair = json["ike"][0]
            #expect(pair["initiator"].string == "10.9.1.2")
            #expect(pair["chosen"].string == "AES_GCM_16_256/PRF_SHA2_256/ECP_384")
            #expect(pair["rekeys"]["count"].integer == 4)
            #expect(pair["hosts"][0]["keepalives"]["count"].integer == 7)
            #expect(pair["hosts"][1]["requests"].integer == 10)
            for (name, key, failure) in [
                ("no-proposal", "failure", "no_proposal"),
                ("blocked-500", "failure", "no_response"),
                ("wrong-secret", "likely_failure", "authentication"),
                ("child-refused", "likely_failure", "child_refused"),
            ] {
                let file = folder.appending(path: "\(name).pcap").path
                let result = try captures.probe("analyze", file, "--json")
                #expect(result.status == 1, "\(name)")
                let pair = try result.json()["ike"][0]
                #expect(pair[key].string == failure, "\(name)")
                #expect(!pair["evidence"].array.isEmpty, "\(name)")
            }
        }
    }

    @Test func `path reordering and a replay are findings`() async throws {
        try await Self.with { captures in
            for (name, simulation) in [
                ("path-reordering", ESPStreamSimulation.reordered), ("replay-suspected", .replayed),
            ] {
                let file = try captures.write("\(name).pcap", simulation)
                let json = try captures.probe("analyze", file, "--json")
                #expect(json.status == 1, "\(json)")
                #expect(try json.json()["verdict"].string == "degraded")
                #expect(try json.json()["findings"].array.map { $0["id"].string } == [name])
                let text = try captures.probe("analyze", file)
                #expect(text.status == 1)
                #expect(text.output.contains("fix first  \(name) (warning"), "\(text)")
            }
        }
    }

    @Test func `a named window that would drop packets fails, one that would not passes`()
        async throws
    {
        try await Self.with { captures in
            let file = try captures.write("many.pcap", .many)
            let result = try captures.probe("analyze", file, "--window", "48", "--json")
            #expect(result.status == 1, "\(result)")
            let windows = try result.json()["streams"][0]["replay_windows"].array
            #expect(windows.contains { $0["window"].integer == 48 })
            #expect(windows.contains { $0["window"].integer == 4096 }, "and the usual ones")
            let text = try captures.probe("analyze", file, "--window", "64", "--window", "48")
            #expect(text.output.contains("a window of 48 would drop"), "\(text)")
            #expect(text.output.contains("> 48"))
            #expect(text.output.contains("> 64"))
            let clean = try captures.write("clean.pcap", .clean)
            #expect(try captures.probe("analyze", clean, "--window", "32").status == 0)
        }
    }

    @Test func `a configured tunnel gives the direction`() async throws {
        try await Self.with { captures in
            let file = try captures.write("clean.pcap", .clean)
            let known = try captures.probe(
                "analyze", file, "--json", "--config", captures.configuration()
            ).json()
            #expect(known["streams"][0]["direction"].string == "inbound")
            #expect(known["streams"][0]["tunnel"].string == "cf-1")
            let other = try captures.write(
                "other.conf", text: "[[tunnel]]\nname = \"a\"\nremote = \"192.0.2.1\"\n")
            let unknown = try captures.probe("analyze", file, "--json", "--config", other).json()
            #expect(unknown["streams"][0]["direction"].value == nil)
            #expect(
                unknown["streams"][0]["direction_reason"].string
                    == "no tunnel of the configuration has these addresses")
        }
    }

    @Test func `one stream of several is shown when asked`() async throws {
        try await Self.with { captures in
            var file = SimulatedPcapFile()
            for packet in ESPStreamSimulation.clean.run().packets {
                for spi in [UInt32(0xc0de_0001), 0xc0de_0002] {
                    let frame = ESPFrame { $0.spi = SPI(rawValue: spi) }
                    file.append(frame.octets(of: packet), at: Captures.start + packet.arrival)
                }
            }
            let path = try captures.write("two.pcap", file.octets)
            let both = try captures.probe("analyze", path, "--json").json()
            #expect(both["streams"].array.count == 2)
            for spi in ["0xc0de0002", "3235774466"] {
                let one = try captures.probe("analyze", path, "--json", "--stream", spi).json()
                #expect(one["streams"].array.map { $0["spi"].string } == ["0xc0de0002"])
            }
            let none = try captures.probe("analyze", path, "--stream", "0xc0de0003")
            #expect(none.status == 64, "\(none)")
            #expect(none.errors.contains("there are: 0xc0de0001, 0xc0de0002"))
        }
    }

    // MARK: How it comes in

    @Test func `standard input and gzip give the same analysis`() async throws {
        try await Self.with { captures in
            let file = try captures.write("many.pcap", .many)
            let plain = try captures.probe("analyze", file, "--json").json()
            try shell("gzip -k \(file)")
            for command in [
                "analyze \(file).gz", "analyze - <\(file)", "analyze - <\(file).gz",
            ] {
                let result = try run(["sh", "-ec", "\(ProbeBinary.path) \(command) --json"])
                #expect(result.status == 0, "\(command) \(result)")
                let json = try result.json()
                #expect(json["packets"].integer == plain["packets"].integer, "\(command)")
                #expect(json["streams"].equals(plain["streams"]), "\(command)")
            }
            let piped = try run(
                ["sh", "-ec", "cat \(file) | \(ProbeBinary.path) analyze - --json"])
            #expect(try piped.json()["file"].string == "-")
        }
    }

    @Test func `link types, byte orders and pcapng give the same analysis`() async throws {
        try await Self.with { captures in
            let packets = ESPStreamSimulation.many.run().packets
            let links: [ESPFrame.Link] = [
                .plainEthernet, .ethernet(tags: [0x8100_0005]),
                .ethernet(tags: [0x88a8_0005, 0x8100_0006]), .pppoe(tags: [], session: 7),
                .cooked, .cooked2, .raw, .loopback,
            ]
            var ng = SimulatedPcapngFile(order: .big)
            for link in links { ng.addInterface(linkType: link.linkType) }
            for (index, packet) in packets.enumerated() {
                let link = links[index % links.count]
                ng.append(
                    ESPFrame { $0.link = link }.octets(of: packet),
                    interface: index % links.count, at: Captures.start + packet.arrival)
            }
            let file = try captures.write("plain.pcap", .many)
            let plain = try captures.probe("analyze", file, "--json").json()
            let json = try captures.probe(
                "analyze", captures.write("all.pcapng", ng.octets), "--json"
            ).json()
            #expect(json["format"].string == "pcapng")
            #expect(json["streams"].equals(plain["streams"]))
            for (order, nanoseconds) in [(CaptureByteOrder.big, true), (.little, false)] {
                var old = SimulatedPcapFile(order: order, nanoseconds: nanoseconds)
                for packet in packets {
                    old.append(ESPFrame().octets(of: packet), at: Captures.start + packet.arrival)
                }
                let json = try captures.probe(
                    "analyze", captures.write("old.pcap", old.octets), "--json"
                ).json()
                let stream = json["streams"][0]
                #expect(stream["packets"].integer == packets.count)
                #expect(stream["senders"]["estimate"].integer == 20)
            }
        }
    }

    @Test func `tshark counts the same packets of the same SPIs`() async throws {
        try await Self.with { captures in
            var run = ESPStreamSimulation(senders: 5, packetsPerSecond: 2000, duration: 3).run()
            run.packets += run.packets.suffix(100)
            var file = SimulatedPcapngFile()
            file.addInterface(linkType: 1)
            file.addInterface(linkType: 101)
            for (index, packet) in run.packets.enumerated() {
                let frame = ESPFrame {
                    $0.link = index % 2 == 0 ? .plainEthernet : .raw
                    $0.encapsulation = index % 3 == 0 ? .udp : .esp
                    $0.spi = SPI(rawValue: 0xc0de_0000 + UInt32(index % 7))
                }
                file.append(
                    frame.octets(of: packet), interface: index % 2,
                    at: Captures.start + packet.arrival)
            }
            let path = try captures.write("seven.pcapng", file.octets)
            let judge = try shell("tshark -r \(path) -T fields -e esp.spi -e esp.sequence")
            var counts: [String: Int] = [:]
            for line in judge.split(separator: "\n") {
                counts[String(line.split(separator: "\t")[0]), default: 0] += 1
            }
            #expect(counts.count == 7)
            var found: [String: Int] = [:]
            let json = try captures.probe("analyze", path, "--json").json()
            for stream in json["streams"].array {
                found[stream["spi"].string ?? "", default: 0] += stream["packets"].integer ?? 0
            }
            #expect(found == counts)
            #expect(json["packets"].integer == run.packets.count)
        }
    }

    @Test func `packets seen on a bond and on its member are captured twice`() async throws {
        try await Self.with { captures in
            var file = SimulatedPcapngFile()
            file.addInterface(linkType: 1, name: "bond0")
            file.addInterface(linkType: 1, name: "eth0")
            for packet in ESPStreamSimulation.clean.run().packets {
                let frame = ESPFrame().octets(of: packet)
                file.append(frame, interface: 1, at: Captures.start + packet.arrival)
                file.append(frame, interface: 0, at: Captures.start + packet.arrival + 2000)
            }
            let json = try captures.probe(
                "analyze", captures.write("bond.pcapng", file.octets), "--json"
            ).json()
            let stream = json["streams"][0]
            #expect(
                stream["verdicts"].array.contains { $0["id"].string == "capture_duplication" },
                "\(stream["verdicts"])")
            #expect(stream["duplicates"]["capture"].integer == (stream["packets"].integer ?? 0) / 2)
        }
    }

    // MARK: What goes wrong

    @Test func `a file that cannot be opened is 66`() async throws {
        try await Self.with { captures in
            for path in ["/nonexistent/a.pcap", captures.directory] {
                for command in [["analyze", path], ["senders", "--pcap", path]] {
                    let result = try run([ProbeBinary.path] + command)
                    #expect(result.status == 66, "\(result)")
                    #expect(result.errors.hasPrefix("probe: ") && result.errors.contains(path))
                    #expect(result.output == "")
                }
            }
        }
    }

    @Test func `files without a packet of ESP are 3, with the reason`() async throws {
        try await Self.with { captures in
            let header = SimulatedPcapFile().octets
            var other = SimulatedPcapFile()
            other.append(Array(repeating: 0xff, count: 60), at: Captures.start)
            let cases: [(String, [UInt8], String)] = [
                ("empty", [], "empty"), ("cut in the header", Array(header.prefix(11)), "offset 0"),
                ("text", Array("hello, this is not a capture\n".utf8), "text"),
                ("no packets", header, ""), ("no ESP", other.octets, ""),
            ]
            for (name, octets, complaint) in cases {
                let path = try captures.write("bad.pcap", octets)
                let result = try captures.probe("analyze", path)
                #expect(result.status == 3, "\(name) \(result)")
                #expect(result.output.contains("UNKNOWN"), "\(name)")
                if complaint.isEmpty {
                    #expect(result.errors == "", "\(name)")
                } else {
                    #expect(result.errors.contains(complaint), "\(name) \(result)")
                }
                let json = try captures.probe("analyze", path, "--json")
                #expect(json.status == 3, "\(name)")
                #expect(try json.json()["verdict"].string == "unknown")
                #expect(try json.json()["streams"].array.isEmpty)
                #expect(try captures.probe("senders", "--pcap", path).status == 3)
            }
        }
    }

    @Test func `what can be read of a corrupt file is analysed, and the status is 3`() async throws
    {
        try await Self.with { captures in
            var octets = Captures.pcap(.many)
            let whole = try captures.probe("analyze", captures.write("a.pcap", octets), "--json")
            let record = 16 + 128
            let half = 24 + record * ((octets.count - 24) / record / 2)
            // A record that claims 4 GiB.
            for offset in half + 8..<half + 16 { octets[offset] = 0xff }
            let path = try captures.write("corrupt.pcap", octets)
            let result = try captures.probe("analyze", path, "--json")
            #expect(result.status == 3, "\(result)")
            #expect(result.errors.contains("offset \(half + 8)"), "\(result.errors)")
            #expect(result.errors.contains("4294967295"), "\(result.errors)")
            let json = try result.json()
            #expect(json["truncated"].value as? Bool == false)
            #expect(json["damage"]["offset_bytes"].integer == half + 8)
            #expect(json["packets"].integer == (half - 24) / record)
            #expect(try json["packets"].integer ?? 0 < whole.json()["packets"].integer ?? 0)
            #expect(json["streams"][0]["senders"]["estimate"].integer == 20)
            #expect(json["findings"].array.map { $0["id"].string } == ["capture-incomplete"])
        }
    }

    @Test func `a cut last record changes nothing but the mark`() async throws {
        try await Self.with { captures in
            let octets = Captures.pcap(.many)
            for missing in [1, 100, 130, 143] {
                let path = try captures.write("cut.pcap", Array(octets.dropLast(missing)))
                let result = try captures.probe("analyze", path, "--json")
                #expect(result.status == 0, "\(missing) \(result)")
                #expect(try result.json()["truncated"].value as? Bool == true, "\(missing)")
                #expect(
                    try result.json()["packets"].integer == (octets.count - 24) / 144 - 1)
            }
            let text = try captures.probe("analyze", captures.path("cut.pcap"))
            #expect(text.status == 0)
            #expect(text.output.contains("the last record is cut"))
        }
    }

    @Test func `time running backwards is counted and stops nothing`() async throws {
        try await Self.with { captures in
            var file = SimulatedPcapFile()
            for (index, packet) in ESPStreamSimulation.clean.run().packets.enumerated() {
                let early: Int64 = index % 100 == 99 ? 5_000_000 : 0
                file.append(
                    ESPFrame().octets(of: packet), at: Captures.start + packet.arrival - early)
            }
            let path = try captures.write("back.pcap", file.octets)
            let json = try captures.probe("analyze", path, "--json")
            #expect(json.status == 0, "\(json)")
            #expect(try json.json()["backward_stamps"]["packets"].integer ?? 0 > 50)
            #expect(try captures.probe("analyze", path).output.contains("taken as simultaneous"))
        }
    }

    @Test func `wrong usage is 64`() async throws {
        try await Self.with { captures in
            let file = try captures.write("clean.pcap", .clean)
            for arguments in [
                ["analyze"], ["analyze", file, file], ["analyze", file, "--window", "0"],
                ["analyze", file, "--window", "1048577"], ["analyze", file, "--window", "x"],
                ["analyze", file, "--stream", "c0de"],
                ["analyze", file, "--stream", "0x100000000"],
                ["senders", "--stream", "0x1"], ["senders", "nobody", "--pcap", file],
            ] {
                let result = try run([ProbeBinary.path] + arguments)
                #expect(result.status == 64, "\(arguments) \(result)")
                #expect(result.output == "")
            }
            let bad = try captures.write("bad.conf", text: "[agent]\nlistn = 1\n")
            #expect(try captures.probe("analyze", file, "--config", bad).status == 78)
            #expect(
                try captures.probe("analyze", file, "--config", "/nonexistent/x.conf").status == 78)
        }
    }

    // MARK: How it looks

    @Test func `a pipe gets no colour and no progress, a terminal both unless NO_COLOR says no`()
        async throws
    {
        try await Self.with { captures in
            let file = try captures.write("many.pcap", .many)
            let piped = try captures.probe("analyze", file)
            #expect(!piped.output.contains("\u{1b}"))
            #expect(piped.errors == "")
            func onTerminal(_ arguments: String, _ environment: [String: String]) throws -> String {
                var variables = ["TERM": "xterm", "NO_COLOR": ""]
                variables.merge(environment) { $1 }
                return try run(
                    [
                        "script", "-qec", "\(ProbeBinary.path) analyze \(file) \(arguments)",
                        "/dev/null",
                    ], environment: variables
                ).output
            }
            let coloured = try onTerminal("", [:])
            #expect(coloured.contains("\u{1b}[1;32mHEALTHY"), "\(coloured)")
            #expect(coloured.contains("\r["), "a progress bar")
            for text in [
                try onTerminal("", ["NO_COLOR": "1"]), try onTerminal("--no-color", [:]),
            ] {
                #expect(!text.contains("\u{1b}"), "\(text)")
                #expect(text.contains("HEALTHY"))
            }
        }
    }

    @Test func `bars are block elements in a UTF-8 locale and ASCII elsewhere`() async throws {
        try await Self.with { captures in
            let file = try captures.write("many.pcap", .many)
            let plain = ["LC_ALL": "C", "LANG": "C"]
            let ascii = try captures.probe("analyze", file, environment: plain)
            #expect(ascii.output.contains("####"))
            #expect(ascii.output.allSatisfy { $0.isASCII }, "\(ascii)")
            let blocks = try captures.probe("analyze", file, environment: ["LC_ALL": "C.UTF-8"])
            #expect(blocks.output.contains("████") || blocks.output.contains("▒▒▒▒"))
        }
    }
}
