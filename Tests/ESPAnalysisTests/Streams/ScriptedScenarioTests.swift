import ESPAnalysis
import ESPSimulation
import Testing

/// One of the reference prototype's scripted streams, and the verdicts it must get.
struct ScriptedScenario: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var verdicts: Set<StreamVerdict.Kind>
    var simulation: ESPStreamSimulation

    init(
        _ name: String, _ verdicts: Set<StreamVerdict.Kind>, senders: Int,
        adjust: (inout ESPStreamSimulation) -> Void = { _ in }
    ) {
        testDescription = name
        self.verdicts = verdicts
        simulation = ESPStreamSimulation(
            senders: senders, packetsPerSecond: 3000, duration: 15, adjust: adjust)
    }

    static let all = [
        ScriptedScenario("clean", [], senders: 1),
        ScriptedScenario("loss 5 %", [], senders: 1) { $0.loss = 0.05 },
        ScriptedScenario("2 % late by up to 20 ms", [.pathReordering], senders: 1) {
            $0.reorder = 0.02
        },
        ScriptedScenario("paths 100 ms apart, packet by packet", [.pathReordering], senders: 1) {
            $0.reorder = 0.5
            $0.reorderMilliseconds = 100...101
        },
        ScriptedScenario("paths 300 ms apart", [.pathReordering], senders: 1) {
            $0.reorder = 0.5
            $0.reorderMilliseconds = 300...301
        },
        ScriptedScenario("1 % duplicated", [.networkDuplication], senders: 1) {
            $0.duplication = 0.01
        },
        ScriptedScenario("all captured twice", [.captureDuplication], senders: 1) {
            $0.duplication = 1
        },
        ScriptedScenario("500 replayed", [.replaySuspected], senders: 1) { $0.replays = 500 },
        ScriptedScenario("20 replayed", [.replaySuspected], senders: 1) { $0.replays = 20 },
        ScriptedScenario("2 senders from 1", [.multiSender], senders: 2) { $0.start = .one },
        ScriptedScenario("2 senders far apart", [.multiSender], senders: 2) { $0.start = .random },
        ScriptedScenario("50 senders", [.multiSender], senders: 50) {
            $0.stagger = 5
            $0.loss = 0.01
        },
        ScriptedScenario("50 senders, 5 % late", [.multiSender, .pathReordering], senders: 50) {
            $0.stagger = 5
            $0.reorder = 0.05
        },
        ScriptedScenario("50 senders in lock-step", [.multiSender], senders: 50) {
            $0.start = .lock
        },
        ScriptedScenario("50 senders, 300 replayed", [.multiSender, .replaySuspected], senders: 50)
        {
            $0.stagger = 5
            $0.replays = 300
        },
        ScriptedScenario("500 senders of an old SA", [.multiSender], senders: 500) {
            $0.start = .aged
            $0.loss = 0.01
        },
        ScriptedScenario("1000 equal senders after a rekey", [.multiSender], senders: 1000) {
            $0.zipf = 0
            $0.stagger = 5
            $0.loss = 0.01
        },
        ScriptedScenario("one restart", [.multiSender], senders: 1) {
            $0.start = .random
            $0.restarts = 1
        },
    ]
}

@Suite
struct ScriptedScenarioTests {
    /// The verdicts that say something is the matter.
    private static func matters(_ report: StreamReport) -> Set<StreamVerdict.Kind> {
        Set(report.verdicts.map(\.kind)).subtracting([.singleSender, .clean])
    }

    @Test(arguments: ScriptedScenario.all, 1...5 as ClosedRange<UInt64>)
    func `counters alone give the verdicts`(scenario: ScriptedScenario, seed: UInt64) throws {
        var simulation = scenario.simulation
        simulation.seed = seed
        let stream = simulation.run()
        let report = try Observed.report(of: stream.packets.map { $0.observation() })
        #expect(Self.matters(report) == scenario.verdicts, "\(report.verdicts)")
        #expect(report.senders.method == .counters)
        #expect(report.senders.atLeast <= stream.truth.instances)
        let hasSingle = report.verdicts.contains { $0.kind == .singleSender }
        #expect(hasSingle == (stream.truth.instances == 1))
    }

    @Test(arguments: ScriptedScenario.all, [.seqiv, .sid16] as [ESPStreamSimulation.IVMode])
    func `names give the same verdicts, and exact figures`(
        scenario: ScriptedScenario, mode: ESPStreamSimulation.IVMode
    ) throws {
        var simulation = scenario.simulation
        simulation.iv = mode
        let stream = simulation.run()
        let report = try Observed.report(of: stream.packets.map { $0.observation() })
        // The simulation's senders keep their salt when they restart, so the key is not one counter.
        #expect(report.senders.method == (simulation.restarts == 0 ? .iv : .counters))
        #expect(Self.matters(report) == scenario.verdicts, "\(report.verdicts)")
        guard report.senders.method == .iv, simulation.restarts == 0 else { return }
        #expect(report.senders.estimate == stream.truth.activeSenders)
        #expect(report.reordering.senderPackets == UInt64(stream.truth.reordered))
        #expect(report.unidentifiableBecause == nil)
    }
}
