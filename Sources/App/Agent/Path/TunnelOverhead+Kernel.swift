import KernelState
import NetworkPrimitives
import PathMTU

extension TunnelOverhead {
    /// What a tunnel adds, by its device and the SA that its packets use.
    init(of plan: TunnelPlan, _ kernel: TunnelKernel) {
        let newest = kernel.newest(.outbound)
        if plan.kind == .gre {
            self = Self.ofGRE(kernel.device.value, isProtected: newest != nil)
            return
        }
        guard let association = newest else {
            self = .unknown(
                reason: kernel.associations.reason ?? kernel.reason ?? "there is no outbound SA")
            return
        }
        guard association.protocol == .esp else {
            self = .unknown(reason: "the SA is not ESP")
            return
        }
        guard association.mode == .tunnel else {
            self = .unknown(
                reason: "the SA is in transport mode: it adds to what another header adds")
            return
        }
        let suite: ESPSuite
        do throws(ESPSuite.Unknown) {
            suite = try ESPSuite(
                cipher: association.cipher?.name,
                cipherCheckBits: association.cipher?.integrityCheckBits,
                integrity: association.integrity?.name,
                integrityBits: association.integrity?.integrityCheckBits)
        } catch {
            self = .unknown(reason: error.reason)
            return
        }
        let isEncapsulated =
            switch association.encapsulation {
            case .udp: true
            case .esp, .other: false
            }
        if case .other(let number) = association.encapsulation {
            self = .unknown(reason: "the SA's encapsulation \(number) is not known here")
            return
        }
        self = .esp(
            ESPOverhead(
                suite: suite, family: association.destination.family,
                isUDPEncapsulated: isEncapsulated))
    }

    private static func ofGRE(_ link: LinkState?, isProtected: Bool) -> TunnelOverhead {
        guard let link else { return .unknown(reason: "the GRE device is not known") }
        guard !isProtected else {
            return .unknown(reason: "GRE inside ESP adds both headers: it is not computed")
        }
        switch link.kind {
        case .gre:
            return .gre(GREOverhead(family: .v4, hasKey: link.outKey.map { $0 != 0 } ?? false))
        case .ip6gre:
            return .gre(GREOverhead(family: .v6, hasKey: link.outKey.map { $0 != 0 } ?? false))
        default: return .unknown(reason: "\(link.name) carries Ethernet frames, not packets")
        }
    }
}
