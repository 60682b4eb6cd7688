import Agent
import ArgumentParser

/// The one command; the daemon is `probe agent`.
@main
struct Probe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Probes IPsec tunnels inside and outside, and says how they are.",
        discussion: """
            Start with 'probe now': it finds the tunnels of this host, or takes the address of the \
            provider's endpoint, and answers within 15 seconds.
            """,
        version: "tunnel-probe \(Version.current)",
        subcommands: [
            NowCommand.self, StatusCommand.self, SendersCommand.self, AnalyzeCommand.self,
            AgentCommand.self, DiscoverCommand.self, CheckConfigCommand.self, ReflectCommand.self,
            ExplainCommand.self, WatchCommand.self, ReportCommand.self, BundleCommand.self,
        ])
}
