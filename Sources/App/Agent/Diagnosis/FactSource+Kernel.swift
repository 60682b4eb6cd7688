import Diagnosis
import IKE
import KernelState
import NetworkPrimitives

extension FactSource {
    /// What the kernel knows of the tunnel.
    var kernel: KernelFacts {
        var facts = KernelFacts()
        let kernel = report.kernel
        if let reason = kernel.reason {
            facts.associations = .unknown(reason: reason)
            facts.policies = .unknown(reason: reason)
            facts.device = .unknown(reason: reason)
            return facts
        }
        let age = kernel.reading.map { max(.zero, now - $0.readAt) } ?? .zero
        facts.associations = Fact(kernel.associations, age: age)
        facts.policies = Fact(kernel.policies, age: .zero)
        facts.device = device
        if let reading = kernel.reading {
            facts.mappingChanges = .known(reading.totals.mappingChanges, age: age)
            if let change = reading.changes.last(where: { $0.kind == .mappingChanged }) {
                facts.lastMappingChange =
                    "SPI \(change.spi)" + (change.detail.map { ": \($0)" } ?? "")
            }
        }
        fillDrops(&facts)
        return facts
    }

    private var device: Fact<KernelFacts.Device> {
        let kernel = report.kernel
        guard let name = report.plan.tunnelInterface else {
            return .unknown(reason: kernel.device.reason ?? "the tunnel has no device")
        }
        if kernel.isDeviceMissing {
            return .known(.init(name: name, exists: false, isUp: false, mtu: nil))
        }
        return Fact(
            kernel.device.map { link in
                .init(name: name, exists: true, isUp: link.isUp, mtu: link.mtu)
            }, age: .zero)
    }

    /// Whether the SAs were made by hand; nil while that is not known.
    ///
    /// strongSwan gives each of its SAs an end, and libreswan ends them itself; where no word of IKE was heard,
    /// none of the SAs has one and nobody listens for IKE, somebody loaded them.
    var isStatic: Bool? {
        if isIKEInUse { return false }
        guard let associations = report.kernel.associations.value, !associations.isEmpty else {
            return nil
        }
        guard associations.allSatisfy({ $0.association.isEndless }) else { return false }
        return report.kernel.readings.isKeyDaemonListening.value == false ? true : nil
    }

    /// Whether a key daemon of this host, or packets of one, show that IKE is to negotiate this tunnel.
    var isIKEInUse: Bool {
        let wire = report.ike.wire
        let hasAsked = wire.map { $0.outbound.requests > 0 || $0.inbound.requests > 0 } ?? false
        return report.ike.daemon?.connection != nil || report.ike.daemon?.failure != nil
            || hasAsked && !isOwnProbing
    }

    /// Whether the IKE on the wire may be all the agent's own: it asks the same ports.
    private var isOwnProbing: Bool {
        guard report.ike.probe != nil, let wire = report.ike.wire else { return false }
        return wire.associations == 0 && wire.established != true && wire.inbound.requests == 0
            && wire.outbound.requests <= UInt64(report.ike.probe?.sent ?? 0)
    }
}

extension Fact {
    /// The same answer of the kernel.
    init(_ reading: Reading<Value>, age: Duration) {
        switch reading {
        case .known(let value): self = .known(value, age: age)
        case .unknown(let reason): self = .unknown(reason: reason)
        }
    }
}
