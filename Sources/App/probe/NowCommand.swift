import Agent
import ArgumentParser
import Configuration
import HTTP
import HostFacts
import NetworkPrimitives

/// `probe now`: the diagnosis on demand.
struct NowCommand: ProbeCommand {
    static let configuration = CommandConfiguration(
        commandName: "now",
        abstract: "Probes the tunnels at once and says how they are.",
        discussion: """
            Uses the running agent, so that a member of group tunnel-probe needs no root; without \
            one, or with --local, it does the work itself. Exit status: 0 healthy, 1 degraded, \
            2 down, 3 unknown or no tunnel, 64 wrong usage, 69 the agent is busy or went away, \
            71 the system refused something it cannot do without, 77 not permitted, 78 bad \
            configuration.
            """)

    @Argument(
        help: ArgumentHelp(
            "Names of tunnels, or one address of a provider's endpoint; all tunnels if left out.",
            valueName: "tunnel-or-address"))
    var tunnels: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp("End after this many seconds, 1 to 3600.", valueName: "seconds"))
    var timeout = 15.0

    @Flag(name: .long, help: "Do the work here even if an agent is running.")
    var local = false

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var report: ReportOptions

    func validate() throws {
        guard (1...3600).contains(timeout) else {
            throw ValidationError("--timeout must be a number of seconds from 1 to 3600")
        }
        guard tunnels.count <= 1 || !tunnels.contains(where: { IPAddress($0) != nil }) else {
            throw ValidationError("give names of tunnels, or one address alone")
        }
    }

    func perform() async throws(CommandFailure) -> Int32 {
        let configuration = try source.load()
        let rendered: RenderedReport
        if let answer = try await askAgent(configuration) {
            rendered = answer
        } else {
            rendered = try await examineHere(configuration)
        }
        Output.print(rendered.document)
        return CommandExit.status(ofVerdict: rendered.verdict)
    }

    private var selection: ProbingService.Selection {
        guard !tunnels.isEmpty else { return .all }
        if let address = tunnels.first.flatMap({ IPAddress($0) }) {
            return .endpoint(.address(address))
        }
        return .named(tunnels)
    }

    /// The running agent's report; nil where no agent is running.
    private func askAgent(
        _ configuration: AgentConfiguration
    ) async throws(CommandFailure) -> RenderedReport? {
        guard !local else { return nil }
        let order = ExaminationOrder(
            selection: selection, limit: .seconds(timeout), format: report.format)
        let connection = AgentConnection(socket: configuration.controlSocket)
        let progress = ProgressLine()
        defer { progress.clear() }
        do throws(AgentConnection.Failure) {
            return try await connection.examine(order) { progress.show($0, $1) }
        } catch {
            if error.meansNoAgent { return nil }
            if case .connection(.permissionDenied) = error, canProbeHere { return nil }
            throw CommandFailure(error)
        }
    }

    private var canProbeHere: Bool { missingPrivilege == nil }

    private var missingPrivilege: MissingPrivilege? {
        .toProbe(with: (["probe", "now"] + tunnels).joined(separator: " "))
    }

    private func examineHere(
        _ configuration: AgentConfiguration
    ) async throws(CommandFailure) -> RenderedReport {
        if let missing = missingPrivilege {
            throw CommandFailure(message: "\(missing)", status: CommandExit.noPermission)
        }
        let service = try ProbingService.silent(configuration)
        defer { service.stop() }
        let progress = ProgressLine()
        defer { progress.clear() }
        do throws(ProbingService.Refusal) {
            return try await service.examination(
                selection, limit: .seconds(timeout), format: report.format
            ) { progress.show($0.share, $0.text) }
        } catch {
            throw CommandFailure(message: error.description, status: CommandExit.usage)
        }
    }
}
