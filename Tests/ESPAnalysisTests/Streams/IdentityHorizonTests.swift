import ESPAnalysis
import NetworkPrimitives
import PacketFormats
import Testing

@Suite struct IdentityHorizonTests {
    /// What is said of a stream of one sender, every packet of which comes again after 600 others,
    /// while each is followed by `others` packets of another stream.
    private static func report(others: Int) throws -> StreamReport {
        var table = PacketIdentityTable(capacity: 1 << 14, seed: 7)
        var analyzer = Observed.analyzer()
        var other = StreamAnalyzer(
            id: StreamID(
                destination: .v4(1), spi: SPI(rawValue: 0xc0de_0002), encapsulation: .esp),
            number: 2, settings: StreamAnalyzer.Settings(windows: [32], seed: 3))
        var foreign: UInt32 = 0
        for number in UInt32(1)...6000 {
            let time = Double(number) * 2
            analyzer.receive(Observed.packet(number, at: time), identities: &table)
            if number > 600 {
                analyzer.receive(Observed.packet(number - 600, at: time), identities: &table)
            }
            for _ in 0..<others {
                foreign += 1
                other.receive(
                    Observed.packet(foreign, at: time, spi: 0xc0de_0002), identities: &table)
            }
        }
        return analyzer.report(at: analyzer.lastArrival)
    }

    @Test func `copies that the table forgot for other streams prove no second sender`() throws {
        #expect(try Self.report(others: 0).collisions == 0)
        let crowded = try Self.report(others: 60)
        #expect(crowded.collisions > 1000, "the table has forgotten")
        let grades = crowded.verdicts.filter { $0.kind == .multiSender }.map(\.grade)
        #expect(!grades.contains(.proven), "\(crowded.verdicts)")
    }
}
