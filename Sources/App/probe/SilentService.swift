import Agent
import Configuration
import Logging

extension ProbingService {
    /// The service of a command that does the agent's work itself, and logs nothing: its report says all.
    ///
    /// Whoever takes it stops it.
    static func silent(
        _ configuration: AgentConfiguration
    ) throws(CommandFailure) -> ProbingService {
        do throws(ServiceError) {
            return try ProbingService(
                configuration: configuration,
                logger: Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() })
        } catch {
            throw CommandFailure(message: error.description, status: CommandExit.systemError)
        }
    }
}
