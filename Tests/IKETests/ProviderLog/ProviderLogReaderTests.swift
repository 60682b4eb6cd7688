import IKE
import NetworkPrimitives
import Testing

@Suite struct ProviderLogReaderTests {
    struct Reading: Equatable {
        var records: [ProviderLogRecord] = []
        var tally = ProviderLogTally()

        init(_ octets: [UInt8], windows size: Int = .max) {
            var reader = ProviderLogReader()
            var fed = 0
            repeat {
                let end = min(octets.count, fed + min(size, max(octets.count, 1)))
                let goesOn = Array(octets[fed..<end]).withRawSpan { window in
                    reader.receive(window, isFinal: end == octets.count) { records.append($0) }
                }
                fed = end
                if !goesOn { break }
            } while fed < octets.count
            tally = reader.tally
        }

        init(_ text: String, windows size: Int = .max) {
            self.init(Array(text.utf8), windows: size)
        }
    }

    private static let second: Int64 = 1_793_188_800
    private static let nanoseconds = second * 1_000_000_000

    private static func line(_ time: String, _ message: String = "rekey") -> String {
        #"{"Level":"info","LocalIP":"198.51.100.1","LocalPort":500,"Message":"\#(message)","#
            + #""RemoteIP":"203.0.113.10","RemotePort":4500,"Timestamp":\#(time)}"# + "\n"
    }

    @Test func `reads all fields of a record in each time format`() throws {
        let formats: [(String, ProviderTimeFormat, Int64)] = [
            (#""2026-10-28T12:00:00Z""#, .rfc3339, 0),
            (#""2026-10-28T14:00:00.5+02:00""#, .rfc3339, 500_000_000),
            ("\(Self.second)", .unix, 0), ("\"\(Self.second)\"", .unix, 0),
            ("\(Self.second).25", .unix, 250_000_000),
            ("\(Self.nanoseconds + 7)", .unixnano, 7),
            ("1.7931888e18", .unixnano, 0), ("\(Self.second)123", .unixmilli, 123_000_000),
            ("\(Self.second)123456", .unixmicro, 123_456_000),
        ]
        for (text, format, fraction) in formats {
            let reading = Reading(Self.line(text))
            let record = try #require(reading.records.first, "\(text)")
            let expected = Self.nanoseconds + fraction
            #expect(abs((record.time?.nanoseconds ?? 0) - expected) < 500, "\(text)")
            #expect(reading.tally.timeFormats == [format: 1], "\(text)")
            #expect(record.level == "info" && record.message == "rekey")
            #expect(record.local == IPAddress("198.51.100.1") && record.localPort == 500)
            #expect(record.remote == IPAddress("203.0.113.10") && record.remotePort == 4500)
            #expect(record.line == 1)
            #expect(reading.tally.renamedKeys.isEmpty && reading.tally.unknownKeys.isEmpty)
        }
    }

    @Test func `what is no time is none, and counted`() {
        for text in [
            "0", "12", "-1", "null", "true", "\"\"", "\"2026-02-30T00:00:00Z\"",
            "99999999999999999999", "1e300", "\"soon\"", "\"2026-10-28\"",
        ] {
            let reading = Reading(Self.line(text))
            #expect(reading.records.map(\.time) == [nil], "\(text)")
            #expect(reading.tally.recordsWithoutTime == 1, "\(text)")
        }
    }

    @Test func `reads records in whatever wrapping`() {
        let one = String(Self.line("\(Self.second)", "a b").dropLast())
        let two = String(Self.line("\(Self.second)", "c d").dropLast())
        for text in [
            "\(one)\n\(two)\n", "\(one)\r\n\r\n\(two)\r\n", "\u{feff}\(one)\n\(two)",
            "\(one)\(two)",
            "\(one),\(two)", "[\(one),\(two)]", "{\"events\":[\n\(one),\n\(two)\n]}\n",
            "{\"events\":[\n  {\"info\":\(one)},\n  {\"info\":\(two)}\n]}\n",
            "{\"count\":2,\"at\":\"2026-01-01T00:00:00Z\",\"events\":[\(one),\(two)],\"end\":1}",
            "{\"events\":[\(one)]}\n{\"events\":[]}\n{\"events\":[\(two)]}\n",
            "{\"a\":\(one),\"b\":\(two)}", "{\"a\":\(one),\"b\":[\(two)]}",
            "{\"a\":{\"b\":{\"c\":\(one)}}}\n\(two)",
            one.replacing(":500,", with: ":500,\"x\":{\"y\":[1,{\"z\":2}]},") + two,
            one.replacing("{", with: "{\n  ").replacing(",", with: ",\n  ") + "\n" + two,
        ] {
            let whole = Reading(text)
            #expect(whole.records.map(\.message) == ["a b", "c d"], "\(text)")
            #expect(whole.tally.unreadableLines == 0, "\(text) \(whole.tally)")
            for size in [1, 2, 3, 17, 64] {
                #expect(Reading(text, windows: size) == whole, "\(text) by \(size)")
            }
        }
    }

    @Test func `an object that is a record does not become another for what it holds`() {
        let text = #"{"Timestamp":1793188800,"Message":"a b","meta":{"Message":"c d"}}"#
        #expect(Reading(text).records.map(\.message) == ["a b"])
    }

    // MARK: Renamed keys

    @Test func `keys in another spelling are taken and reported`() throws {
        let text =
            #"{"level":"warn","local_ip":"::1","local-port":500,"MESSAGE":"x y","#
            + #""remoteIp":"2001:db8::1","remote_port":"500","timestamp":1793188800}"#
        let reading = Reading(text)
        let record = try #require(reading.records.first)
        #expect(record.level == "warn" && record.message == "x y" && record.localPort == 500)
        #expect(record.local == IPAddress("::1") && record.remote == IPAddress("2001:db8::1"))
        #expect(record.remotePort == 500 && record.time != nil)
        #expect(reading.tally.renamedKeys.count == 7)
        #expect(reading.tally.renamedKeys.allSatisfy { !$0.isByValue })
    }

    @Test func `keys that only their values tell are taken where one alone fits`() throws {
        let text =
            #"{"ts":1793188800123456789,"sev":"error","txt":"no proposal","#
            + #""cf_local":"198.51.100.1","peer":"203.0.113.10","colo":"FRA"}"#
        let reading = Reading(text + "\n" + text)
        let record = try #require(reading.records.first)
        #expect(record.time?.nanoseconds == 1_793_188_800_123_456_789)
        #expect(record.level == "error" && record.message == "no proposal")
        #expect(record.local == IPAddress("198.51.100.1"))
        #expect(record.remote == IPAddress("203.0.113.10"))
        #expect(
            Set(reading.tally.renamedKeys.map { "\($0.key)=\($0.field.rawValue)" })
                == [
                    "ts=Timestamp", "sev=Level", "txt=Message", "cf_local=LocalIP", "peer=RemoteIP",
                ])
        #expect(reading.tally.renamedKeys.allSatisfy { $0.isByValue })
        #expect(reading.tally.unknownKeys.map { "\($0)" } == [#"(key: "colo", records: 2)"#])
    }

    @Test func `two keys that fit are taken for nothing`() {
        let text = #"{"Timestamp":1793188800,"Message":"a b","x":"10.0.0.1","y":"10.0.0.2"}"#
        let reading = Reading(text)
        #expect(reading.records.map(\.local) == [nil] && reading.records.map(\.remote) == [nil])
        #expect(reading.tally.unknownKeys.map(\.key) == ["x", "y"])
        let texts = #"{"Timestamp":1793188800,"x":"a b","y":"c d"}"#
        #expect(Reading(texts).records.map(\.message) == [""])
        #expect(Reading(texts).tally.recordsWithoutMessage == 1)
    }

    @Test func `a small number is no port, and the dataset's own name comes first`() {
        let text = #"{"Timestamp":1793188800,"Message":"a b","RemotePort":500,"shard":12}"#
        #expect(Reading(text).records.map(\.localPort) == [nil])
        for text in [
            #"{"Timestamp":1793188800,"message":"theirs x","Message":"own x"}"#,
            #"{"Timestamp":1793188800,"Message":"own x","message":"theirs x"}"#,
        ] {
            #expect(Reading(text).records.map(\.message) == ["own x"])
        }
    }

    // MARK: What goes wrong

    @Test func `broken lines are counted and cost only themselves`() {
        let good = Self.line("\(Self.second)")
        let text =
            good + "{\"Level\":\"in\n" + good + "garbage\n" + "{}\n" + "[1,2]\n" + good
            + "{\"Level\":nul}\n" + good
        for size in [Int.max, 1, 5, 100] {
            let reading = Reading(text, windows: size)
            #expect(reading.records.map(\.line) == [1, 3, 7, 9])
            #expect(reading.tally.unreadableLines == 4, "\(reading.tally)")
            #expect(reading.tally.firstUnreadable?.line == 2)
            #expect(reading.tally.firstUnreadable?.reason == "a string does not end on its line")
            #expect(!reading.tally.isTruncated)
        }
    }

    @Test func `a broken line inside a batch costs only itself`() {
        let good = String(Self.line("\(Self.second)").dropLast())
        let text = "{\"events\":[\n\(good),\n{\"Level\":},\n\(good)\n]}\n\(good)\n"
        let reading = Reading(text)
        #expect(reading.records.count == 3)
        #expect(reading.tally.unreadableLines == 1)
    }

    @Test func `a cut last record is no broken line`() {
        let text = Self.line("\(Self.second)") + Self.line("\(Self.second)").dropLast(30)
        let reading = Reading(String(text))
        #expect(reading.records.count == 1)
        #expect(reading.tally.isTruncated && reading.tally.unreadableLines == 0)
    }

    @Test func `a file of something else is refused with what would be right`() {
        let files: [(ProviderLogRefusal, [UInt8])] = [
            (.csv, Array("Level,LocalIP,Message\ninfo,1.2.3.4,x\n".utf8)),
            (.csv, Array("\"info\",\"198.51.100.1\",500,\"text\"\n".utf8)),
            (.csv, Array("\n1793188800000000000,info,text\r\n".utf8)),
            (.csv, Array("info\t198.51.100.1\ttext\n".utf8)),
            (.utf16, [0xff, 0xfe, 0x7b, 0]), (.capture, [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]),
        ]
        for (refusal, octets) in files {
            for size in [Int.max, 1, 3] {
                let reading = Reading(octets, windows: size)
                #expect(reading.tally.refusal == refusal, "\(octets)")
                #expect(reading.records.isEmpty)
            }
        }
        #expect(ProviderLogRefusal.csv.description.contains("ndjson"))
        // A log whose first line broke is one all the same.
        let broken = "198.51.100.1\",\"Message\":\"x\"}\n" + Self.line("\(Self.second)")
        #expect(Reading(broken).records.count == 1)
        #expect(Reading("Nov 22 host charon: 10[IKE] sending, again, x\n").tally.refusal == nil)
    }

    @Test func `nothing in it is nothing read`() {
        for text in ["", "\n\n", "\u{feff}", " "] {
            #expect(Reading(text).tally == ProviderLogTally(), "\(text)")
        }
    }

    @Test func `long texts, many keys and many members are bounded`() throws {
        let long = String(repeating: "x ", count: 1 << 20)
        let reading = Reading(Self.line("\(Self.second)", long), windows: 65_536)
        #expect(reading.records[0].message.utf8.count == ProviderLogReader.textLimit)
        #expect(reading.tally.cutTexts == 1)
        let members = (0..<300).map { "\"key\($0)\":\($0)" }.joined(separator: ",")
        let many = Reading("{\"Timestamp\":1793188800,\(members)}")
        #expect(many.records.count == 1)
        let keys = (0..<300).map { "{\"Timestamp\":1793188800,\"k\($0)\":1}" }.joined()
        let other = Reading(keys)
        #expect(other.records.count == 300)
        #expect(other.tally.unknownKeys.count == 127 && other.tally.otherKeys == 173)
    }
}
