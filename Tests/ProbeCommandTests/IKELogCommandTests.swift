import ESPSimulation
import Foundation
import Testing

/// `probe analyze --ike-log`.
@Suite struct IKELogCommandTests {
    private static func with(_ body: @escaping @Sendable (Captures) throws -> Void) async throws {
        try await blocking { try body(try Captures()) }
    }

    /// A record of the dataset; `second` counts from the start of the captures.
    private static func line(
        _ second: Double, _ message: String, local: String = "198.51.100.1"
    ) -> String {
        let time = Int64(1_795_348_800_000_000_000) + Int64(second * 1e9)
        return #"{"Level":"info","LocalIP":"\#(local)","LocalPort":500,"Message":"\#(message)","#
            + #""RemoteIP":"203.0.113.10","RemotePort":500,"Timestamp":\#(time)}"# + "\n"
    }

    private static let good =
        line(-1, "IKE SA established with AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384")
        + line(2, "rekeying child") + line(3, "hello")

    @Test func `a log alone is read, and nothing wrong is 0`() async throws {
        try await Self.with { captures in
            let log = try captures.write("log.ndjson", text: Self.good)
            let result = try captures.probe("analyze", "--ike-log", log, "--json")
            #expect(result.status == 0, "\(result)")
            #expect(result.errors == "")
            let json = try result.json()
            #expect(json["schema"].string == "tunnelprobe.analysis/1")
            #expect(json["file"].value == nil)
            #expect(json["file_reason"].string == "no capture was given")
            #expect(json["packets"].value == nil)
            #expect(json["verdict"].string == "healthy")
            let ikeLog = json["ike_log"]
            #expect(ikeLog["file"].string == log)
            #expect(ikeLog["records"].integer == 3)
            #expect(ikeLog["unreadable_lines"].integer == 0)
            #expect(ikeLog["time_format"].string == "unixnano")
            #expect(ikeLog["from"].string == "2026-11-22T11:59:59.000Z")
            #expect(ikeLog["to"].string == "2026-11-22T12:00:03.000Z")
            let peer = ikeLog["by_peer"][0]
            #expect(peer["local"].string == "198.51.100.1")
            #expect(peer["remote"].string == "203.0.113.10")
            #expect(
                peer["cipher_suites"][0].string == "AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384")
            #expect(ikeLog["kinds"]["rekey"].integer == 1 && ikeLog["kinds"]["other"].integer == 1)
            let sources = json["timeline"].array.map { $0["source"].string }
            #expect(sources == ["ike_log", "ike_log", "ike_log"])
            let text = try captures.probe("analyze", "--ike-log", log)
            #expect(text.output.hasPrefix("\(log)  HEALTHY  the provider's log names no failure"))
        }
    }

    @Test func `beside a capture it is merged into one timeline, and joined to the tunnel`()
        async throws
    {
        try await Self.with { captures in
            let file = try captures.write("clean.pcap", .clean)
            let log = try captures.write("log.ndjson", text: Self.good)
            let configuration = try captures.configuration()
            let result = try captures.probe(
                "analyze", file, "--ike-log", log, "--json", "--config", configuration)
            #expect(result.status == 0, "\(result)")
            let json = try result.json()
            #expect(json["streams"].array.count == 1)
            #expect(
                json["timeline"].array.map { $0["kind"].string } == [
                    "established", "stream_begins", "rekey", "other", "stream_ends",
                ])
            #expect(json["timeline"].array.allSatisfy { $0["tunnel"].string == "cf-1" })
            #expect(json["timeline_left_out"].integer == 0)
            #expect(json["ike_log"]["by_peer"][0]["tunnel"].string == "cf-1")
            let text = try captures.probe("analyze", file, "--ike-log", log)
            #expect(text.output.contains("timeline"), "\(text)")
            #expect(text.output.contains("first packet of 0xc0de0001"), "\(text)")
        }
    }

    @Test func `a failed negotiation at its end is 1, with what proves it`() async throws {
        try await Self.with { captures in
            let log = try captures.write(
                "log",
                text: Self.good + Self.line(9, "unknown IKE identity 'fw1'")
                    + Self.line(9, "sending AUTHENTICATION_FAILED"))
            let result = try captures.probe("analyze", "--ike-log", log, "--json")
            #expect(result.status == 1, "\(result)")
            let json = try result.json()
            #expect(json["verdict"].string == "degraded")
            let peer = json["ike_log"]["by_peer"][0]
            #expect(peer["failure"].string == "identity")
            #expect(peer["failure_event"]["message"].string == "unknown IKE identity 'fw1'")
            #expect(peer["failures"]["identity"].integer == 1)
            #expect(json["ike_log"]["failures"]["authentication"].integer == 1)
            // One that was made good again is none.
            let healed = try captures.write(
                "healed", text: Self.line(1, "NO_PROPOSAL_CHOSEN") + Self.line(5, "SA established"))
            let healthy = try captures.probe("analyze", "--ike-log", healed, "--json")
            #expect(healthy.status == 0, "\(healthy)")
            #expect(try healthy.json()["ike_log"]["failures"]["no_proposal"].integer == 1)
        }
    }

    @Test func `standard input, gzip and wrapped records give the same`() async throws {
        try await Self.with { captures in
            let log = try captures.write("log.ndjson", text: Self.good)
            let plain = try captures.probe("analyze", "--ike-log", log, "--json").json()
            try shell("gzip -k \(log)")
            for command in ["--ike-log \(log).gz", "--ike-log - <\(log)", "--ike-log - <\(log).gz"]
            {
                let result = try run(["sh", "-ec", "\(ProbeBinary.path) analyze \(command) --json"])
                #expect(result.status == 0, "\(command) \(result)")
                let json = try result.json()
                #expect(json["ike_log"]["events"].equals(plain["ike_log"]["events"]), "\(command)")
            }
            let records = Self.good.split(separator: "\n").map { "{\"info\":\($0)}" }
            let wrapped = try captures.write(
                "wrapped", text: "{\"events\":[\n" + records.joined(separator: ",\n") + "\n]}\n")
            let json = try captures.probe("analyze", "--ike-log", wrapped, "--json").json()
            #expect(json["ike_log"]["records"].integer == 3)
            #expect(json["timeline"].equals(plain["timeline"]))
        }
    }

    @Test func `what goes wrong has its status and says what would be right`() async throws {
        try await Self.with { captures in
            let missing = try captures.probe("analyze", "--ike-log", "/nonexistent/log")
            #expect(missing.status == 66, "\(missing)")
            #expect(missing.errors.contains("/nonexistent/log"))
            #expect(try captures.probe("analyze", "--ike-log", captures.directory).status == 66)
            #expect(try captures.probe("analyze").status == 64)
            #expect(try captures.probe("analyze", "-", "--ike-log", "-").status == 64)
            let log = try captures.write("log", text: Self.good)
            #expect(try captures.probe("analyze", "--ike-log", log, "--window", "64").status == 64)
            let cases: [(String, String)] = [
                ("", "no record"), ("\n", "no record"),
                ("Level,LocalIP,Message\ninfo,192.0.2.1,x\n", "ndjson"),
                ("hello\n", "line 1: no JSON object begins here"),
                (Self.good + "{\"Level\":oops}\n" + Self.good, "line 4: this is no JSON"),
            ]
            for (text, complaint) in cases {
                let log = try captures.write("bad", text: text)
                let result = try captures.probe("analyze", "--ike-log", log)
                #expect(result.status == 3, "\(text) \(result)")
                #expect((result.errors + result.output).contains(complaint), "\(result)")
                let json = try captures.probe("analyze", "--ike-log", log, "--json").json()
                #expect(json["verdict"].string == "unknown", "\(text)")
            }
            let cut = try captures.write("cut", text: String(Self.good.dropLast(20)))
            let result = try captures.probe("analyze", "--ike-log", cut, "--json")
            #expect(result.status == 0, "\(result)")
            #expect(try result.json()["ike_log"]["truncated"].value as? Bool == true)
            #expect(try result.json()["ike_log"]["records"].integer == 2)
            try shell("gzip -c \(log) | head -c 120 >\(captures.path("cut.gz"))")
            let damaged = try captures.probe("analyze", "--ike-log", captures.path("cut.gz"))
            #expect(damaged.status == 3 && damaged.errors.contains("gzip"), "\(damaged)")
        }
    }

    @Test func `a terminal is not steered by what a log holds`() async throws {
        try await Self.with { captures in
            let log = try captures.write(
                "log", text: Self.line(1, "\\u001b[2J NO_PROPOSAL_CHOSEN \\u202e x\\ny"))
            let text = try captures.probe("analyze", "--ike-log", log)
            #expect(text.status == 1)
            #expect(!text.output.contains("\u{1b}") && !text.output.contains("\u{202e}"), "\(text)")
        }
    }

    @Test func `a hundred thousand records take no more memory than a few`() async throws {
        try await Self.with { captures in
            let log = captures.path("many")
            try shell(
                """
                /usr/bin/python3 - >\(log) <<'END'
                import json
                for number in range(100000):
                    print(json.dumps({"Level": "info", "LocalIP": "198.51.100.1", "LocalPort": 4500,
                        "Message": f"sending informational request {number} to the peer, nothing new",
                        "RemoteIP": f"203.0.113.{number % 250}", "RemotePort": 4500,
                        "Timestamp": 1795348800000000000 + number * 1000000}))
                END
                """)
            let start = ContinuousClock.now
            let result = try run(
                [
                    "/usr/bin/python3", "-c",
                    """
                    import resource, subprocess, sys
                    done = subprocess.run(sys.argv[1:])
                    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
                    sys.exit(done.returncode)
                    """, ProbeBinary.path, "analyze", "--ike-log", log, "--json",
                ], within: 300)
            let took = ContinuousClock.now - start
            #expect(result.status == 0, "\(result.errors)")
            let json = try result.json()
            #expect(json["ike_log"]["records"].integer == 100_000)
            #expect(json["ike_log"]["by_peer"].array.count == 250)
            #expect(json["ike_log"]["events"].array.count == 300)
            let kilobytes = try #require(Int(result.errors.split(separator: "\n").last ?? ""))
            // A debug build, which is slower by far, and other tests beside it.
            #expect(took < .seconds(100))
            // The file has 23 MB.
            #expect(kilobytes < 100_000)
        }
    }
}
