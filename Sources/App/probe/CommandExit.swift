import ArgumentParser
import HTTP
import HostFacts

/// The exit statuses of the interface page §2.
enum CommandExit {
    /// No tunnel found, or nothing known.
    static let unknown: Int32 = 3
    /// Wrong usage (sysexits.h EX_USAGE).
    static let usage: Int32 = 64
    /// A file cannot be opened (EX_NOINPUT).
    static let noInput: Int32 = 66
    /// The agent is not reachable (EX_UNAVAILABLE).
    static let unavailable: Int32 = 69
    /// The system refused what cannot be done without (EX_OSERR).
    static let systemError: Int32 = 71
    /// A file cannot be written (EX_CANTCREAT).
    static let cannotCreate: Int32 = 73
    /// Nothing can be sent for lack of privilege (EX_NOPERM).
    static let noPermission: Int32 = 77
    /// Bad configuration (EX_CONFIG).
    static let configuration: Int32 = 78

    /// The status of a verdict: usable as a Nagios or Icinga plugin.
    static func status(ofVerdict verdict: String) -> Int32 {
        switch verdict {
        case "healthy": 0
        case "degraded": 1
        case "down": 2
        default: unknown
        }
    }
}

/// A command that cannot go on: what to print on standard error, and the exit status.
struct CommandFailure: Error {
    var message: String
    var status: Int32
}

extension CommandFailure {
    /// The failure that a failed request to the agent is.
    init(_ error: HTTPClientError) {
        let status =
            switch error {
            case .permissionDenied: CommandExit.noPermission
            default: CommandExit.unavailable
            }
        self.init(message: error.description, status: status)
    }

    /// The failure that it is to get no answer of the agent.
    init(_ failure: AgentConnection.Failure) {
        switch failure {
        case .refused(let reason): self.init(message: reason, status: CommandExit.usage)
        case .unavailable(let reason):
            self.init(message: reason, status: CommandExit.unavailable)
        case .connection(let error): self.init(error)
        }
    }
}

extension MissingPrivilege {
    /// What this process lacks to send any probe at all; nil when it lacks nothing.
    ///
    /// `command` is the command as the operator typed it.
    static func toProbe(with command: String) -> MissingPrivilege? {
        do throws(FileError) {
            return MissingPrivilege(of: [.netRaw], in: try .current(), command: command)
        } catch {
            // Unknown privileges are no reason not to try.
            return nil
        }
    }
}

/// A command of `probe`: does its work, and ends with a status or a failure that is printed once.
protocol ProbeCommand: AsyncParsableCommand {
    /// Does the work and gives the exit status.
    func perform() async throws(CommandFailure) -> Int32
}

extension ProbeCommand {
    func run() async throws {
        let status: Int32
        do throws(CommandFailure) {
            status = try await perform()
        } catch {
            Output.complain(error.message)
            throw ExitCode(error.status)
        }
        guard status == 0 else { throw ExitCode(status) }
    }
}
