import Configuration
import Diagnosis
import KernelState

extension FactSource {
    /// How this host gets to the endpoint.
    var underlay: UnderlayFacts {
        var facts = UnderlayFacts()
        facts.device = Fact(
            report.kernel.wanDevice.map { link in
                .init(name: link.name, exists: true, isUp: link.isUp, hasCarrier: link.isRunning)
            }, age: .zero)
        guard let hop = report.kernel.nextHop else {
            facts.nextHop = .unknown(reason: "no route to the endpoint is known")
            return facts
        }
        facts.nextHop = Fact(
            hop.neighbor.map { neighbor in
                .init(
                    address: hop.address, device: hop.device,
                    isSilent: [.failed, .incomplete].contains(neighbor?.reachability))
            }, age: .zero)
        return facts
    }

    /// What cannot be measured of it.
    var limits: Fact<[MeasurementLimit]> {
        var limits: [MeasurementLimit] = []
        if report.capture.isImpossible, let reason = report.capture.reason {
            limits.append(MeasurementLimit(.capture, because: reason))
        }
        if report.plan.configuration.role == .endpoint, let refusal = report.kernel.refusal {
            limits.append(MeasurementLimit(.associations, because: refusal))
        }
        return .known(limits)
    }
}
