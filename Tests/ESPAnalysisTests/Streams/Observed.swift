import ESPAnalysis
import ESPSimulation
import NetworkPrimitives

/// Short ways from simulated packets to reports.
enum Observed {
    static let windows = [32, 64, 1024]

    /// The report of a stream analysed from its first packet to its last.
    static func report(
        of packets: [ESPObservation], identityCapacity: Int = 1 << 20, seed: UInt64 = 7
    ) throws -> StreamReport {
        var table = PacketIdentityTable(capacity: identityCapacity, seed: seed)
        var analyzer = analyzer(seed: seed)
        for packet in packets { analyzer.receive(packet, identities: &table) }
        return analyzer.report(at: analyzer.lastArrival)
    }

    /// The report of a simulated stream.
    static func report(of simulation: ESPStreamSimulation) throws -> StreamReport {
        try report(of: simulation.run().packets.map { $0.observation() })
    }

    static func analyzer(seed: UInt64 = 7) -> StreamAnalyzer {
        StreamAnalyzer(
            id: StreamID(
                destination: .v4(0xcb00_710a), spi: SPI(rawValue: 0xc0de_0001), encapsulation: .esp),
            number: 1, settings: StreamAnalyzer.Settings(windows: windows, seed: seed))
    }

    /// A packet, `milliseconds` after the start.
    static func packet(
        _ sequence: UInt32, at milliseconds: Double, spi: UInt32 = 0xc0de_0001,
        source: UInt32 = 0xc633_6401, hopLimit: UInt8 = 57, length: Int = 140,
        iv: UInt64? = nil, identity: UInt64? = nil
    ) -> ESPObservation {
        ESPObservation(
            arrival: MonotonicInstant(nanoseconds: Int64(milliseconds * 1e6)),
            source: .v4(source), destination: .v4(0xcb00_710a), encapsulation: .esp,
            spi: SPI(rawValue: spi), sequence: sequence, hopLimit: hopLimit, identification: 0,
            length: length, initializationVector: iv,
            identity: identity ?? (UInt64(spi) << 32 ^ UInt64(sequence) &* 0x9e37_79b9_7f4a_7c15))
    }
}
