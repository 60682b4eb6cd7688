import Agent
import ArgumentParser
import Configuration
import KernelState

/// `probe discover`: the tunnels of this host as stanzas of agent.conf.
struct DiscoverCommand: ProbeCommand {
    static let configuration = CommandConfiguration(
        commandName: "discover",
        abstract: "Prints the tunnels found on this host as agent.conf stanzas.",
        discussion: "Exit status: 0 some found, 3 none.")

    @OptionGroup var source: ConfigurationOptions

    func perform() async throws(CommandFailure) -> Int32 {
        let configuration = try source.load()
        let service = try ProbingService.silent(configuration)
        defer { service.stop() }
        let discovery = await service.discover()
        for reason in discovery.blindSpots { Output.complain(reason) }
        guard !discovery.plans.isEmpty else {
            Output.complain(
                """
                the kernel of this host knows no tunnel: no vti, xfrm or gre device with a far end, \
                and no tunnel-mode SA or policy that can be read; write a [[tunnel]] stanza into \
                agent.conf, or probe now ADDRESS needs none
                """)
            return CommandExit.unknown
        }
        Output.print(discovery.plans.map(stanza).joined(separator: "\n"))
        return 0
    }

    private func stanza(_ plan: TunnelPlan) -> String {
        var tunnel = plan.configuration
        tunnel.local = plan.local
        tunnel.wanInterface = plan.wanInterface
        tunnel.tunnelInterface = plan.tunnelInterface
        var reasons: [TunnelStanza.Key: String] = [:]
        for key in TunnelStanza.Key.allCases { reasons[key] = plan.unknown[key.rawValue] }
        return "# \(plan.kind.rawValue)\n" + TunnelStanza.text(for: tunnel, reasons: reasons)
    }
}
