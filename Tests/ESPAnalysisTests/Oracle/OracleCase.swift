import ESPSimulation
import Testing

/// A line of `oracleStreams`: a simulated stream and what the reference prototypes say about it.
struct OracleCase: Sendable, CustomTestStringConvertible {
    let simulation: ESPStreamSimulation
    /// The simulation's parameters, as the line has them.
    let parameters: String
    private let values: [Substring: Substring]
    private let truth: [Substring: Substring]

    init?(line: some StringProtocol) {
        let values = Self.dictionary(line.split(separator: "\t").map { Substring($0) })
        guard let parameters = values["case"], let simulation = ESPStreamSimulation(parameters),
            let truth = values["truth"]
        else { return nil }
        self.simulation = simulation
        self.parameters = String(parameters)
        self.values = values
        self.truth = Self.dictionary(truth.split(separator: " "))
    }

    private static func dictionary(_ words: [Substring]) -> [Substring: Substring] {
        Dictionary(
            uniqueKeysWithValues: words.compactMap { word in
                word.firstIndex(of: "=").map { (word[..<$0], word[word.index(after: $0)...]) }
            })
    }

    var testDescription: String { parameters }

    /// All lines.
    static let all = oracleStreams.split(separator: "\n").compactMap { OracleCase(line: $0) }

    func number(_ name: Substring) throws -> Double {
        let text = try text(name)
        return try #require(Double(text), "\(name) is no number")
    }

    func integer(_ name: Substring) throws -> Int {
        let text = try text(name)
        return try #require(Int(text), "\(name) is no number")
    }

    func truth(_ name: Substring) throws -> UInt64 {
        let text = try #require(truth[name], "no \(name)")
        return try #require(UInt64(text), "\(name) is no number")
    }

    func text(_ name: Substring) throws -> Substring {
        try #require(values[name], "no \(name)")
    }

    /// Numbers between commas.
    func list(_ name: Substring) throws -> [Int] {
        try text(name).split(separator: ",").map { try #require(Int($0)) }
    }

    /// Numbers between colons between commas.
    func table(_ name: Substring) throws -> [[Int]] {
        try text(name).split(separator: ",").map {
            try $0.split(separator: ":").map { try #require(Int($0)) }
        }
    }
}

@Suite struct OracleStreamTests {
    @Test func `every line of the fixture is read`() {
        #expect(OracleCase.all.count >= 75)
        #expect(OracleCase.all.count == oracleStreams.split(separator: "\n").count)
    }

    @Test(arguments: OracleCase.all)
    func `the stream is the one that the prototypes judged`(oracle: OracleCase) throws {
        let stream = oracle.simulation.run()
        // If this fails, the simulator has changed: run scripts/oracle.
        let checksum = try oracle.truth("checksum")
        try #require(stream.checksum == checksum)
        #expect(try stream.packets.count == oracle.truth("packets"))
        #expect(try stream.truth.activeSenders == oracle.truth("active"))
        #expect(try stream.truth.instances == oracle.truth("instances"))
        #expect(try stream.truth.sent == oracle.truth("sent"))
        #expect(try stream.truth.lost == oracle.truth("lost"))
        #expect(try stream.truth.received == oracle.truth("received"))
        #expect(try stream.truth.reordered == oracle.truth("reordered"))
        #expect(try stream.truth.duplicates == oracle.truth("copies"))
        #expect(try stream.truth.replays == oracle.truth("replays"))
    }
}
