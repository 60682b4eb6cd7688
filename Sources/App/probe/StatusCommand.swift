import Agent
import ArgumentParser
import Configuration
import HTTP

/// `probe status`: what the running agent knows, without new probes.
struct StatusCommand: ProbeCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows what the running agent knows, without new probes.",
        discussion: """
            Exit status: 0 healthy, 1 degraded, 2 down, 3 unknown or no tunnel, 69 no agent is \
            running, 77 not permitted to ask it.
            """)

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var report: ReportOptions

    func perform() async throws(CommandFailure) -> Int32 {
        let configuration = try source.load()
        let connection = AgentConnection(socket: configuration.controlSocket)
        do throws(AgentConnection.Failure) {
            let status = try await connection.status(format: report.format)
            Output.print(status.document)
            return CommandExit.status(ofVerdict: status.verdict)
        } catch {
            throw CommandFailure(error)
        }
    }
}
