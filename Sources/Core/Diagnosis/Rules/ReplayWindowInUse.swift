import KernelState
import NetworkPrimitives

/// Whether this host drops by replay window at all: what the rules about windows ask first.
enum ReplayWindowInUse {
    /// It does: the newest inbound SA has a window.
    case on(SecurityAssociation)
    /// It does not, or that is not known.
    case settled(Judgement)

    /// What the facts say of it.
    init(_ facts: TunnelFacts) {
        if facts.identity.role == .observer {
            self = .settled(
                .notApplicable(
                    because: "an appliance ends this tunnel: its replay window is not seen here"))
            return
        }
        guard let associations = facts.kernel.associations.value else {
            self = .settled(
                .unknown(missing: [
                    "the kernel's SAs: \(facts.kernel.associations.reason ?? "not known")"
                ]))
            return
        }
        guard let inbound = associations.first(where: { $0.direction == .inbound })?.association
        else {
            self = .settled(.notApplicable(because: "the kernel has no inbound SA of this tunnel"))
            return
        }
        self =
            inbound.replayWindow > 0
            ? .on(inbound)
            : .settled(
                .excluded(because: [
                    "the newest inbound SA (\(inbound.spi)) has replay window 0"
                ]))
    }
}
