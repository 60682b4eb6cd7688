import Configuration
import Diagnosis
import NetworkPrimitives
import RawSockets
import Synchronization

extension ProbingService {
    /// Judges every tunnel of a report by all rules.
    func diagnose(_ report: inout StatusReport, at now: MonotonicInstant) {
        let wall = report.generatedAt
        let growths = counters.withLock { counters in
            for tunnel in report.tunnels { counters.note(tunnel, at: now) }
            if report.tunnels.contains(where: { !$0.isExamination }) {
                counters.keep(only: Set(report.tunnels.map(\.plan.name)))
            }
            return report.tunnels.map { counters[$0.plan.name] }
        }
        for index in report.tunnels.indices {
            let source = FactSource(
                report: report.tunnels[index], growth: growths[index], now: now, wall: wall)
            let diagnosis = Diagnosis(of: source.facts)
            report.tunnels[index].diagnosis = diagnosis
            report.tunnels[index].findings += diagnosis.findings
        }
    }
}

extension ProbingService {
    /// When the counters are noted first in an examination: their growth until its end is what is told of.
    static let firstSample = Duration.milliseconds(700)

    /// Notes the counters of tunnels that are being examined.
    func noteCounters(of monitors: [TunnelMonitor]) async {
        let captured = await capture.report()
        let known = await kernel.report()
        let (now, wall) = (MonotonicClock.now(), WallClock.now())
        counters.withLock { counters in
            for monitor in monitors {
                var report = monitor.report(now: now, wall: wall, stateOf: monitor)
                report.capture = captured[report.plan.name]
                report.kernel.reading = known[report.plan.name]
                counters.note(report, at: now)
            }
        }
    }
}

extension ProbingService {
    /// Keeps what happens to tunnels, and takes what an agent before this one stored of new ones.
    func watchFlapping(of plans: [TunnelPlan]) {
        let (now, wall) = (MonotonicClock.now(), WallClock.now())
        let new = flaps.watch(plans, at: now)
        history.read(
            .init(
                tunnels: new.map { ($0.name, $0.configuration.probing.pmtuInterval) },
                end: (now, wall)
            ) { [flaps] in flaps.take($1, of: $0) })
    }
}
