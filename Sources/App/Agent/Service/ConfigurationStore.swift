public import Configuration
import HTTP
import NetworkPrimitives
import RawSockets
import Synchronization

/// The configuration in force, and how the last loads went.
///
/// A load that fails keeps what is running (interface page §3).
public final class ConfigurationStore: Sendable {
    /// What a load came to.
    public enum Outcome: Sendable {
        /// The new configuration is in force; what it holds, in words.
        case loaded(String)
        /// The old one stays; the mistakes, a line each.
        case refused(String)
    }

    private struct State {
        var configuration: AgentConfiguration
        var status: ConfigurationStatus
    }

    private let state: Mutex<State>
    private let file: ConfigurationFile

    /// Starts with a configuration that was loaded from `file`.
    public init(_ configuration: AgentConfiguration, file: ConfigurationFile) {
        self.file = file
        state = Mutex(
            State(
                configuration: configuration,
                status: ConfigurationStatus(wasSuccessful: true, lastSuccess: WallClock.now())))
    }

    /// The configuration in force.
    public var current: AgentConfiguration { state.withLock { $0.configuration } }

    /// How the last loads went.
    var status: ConfigurationStatus { state.withLock { $0.status } }

    /// Loads the file again, and the web configuration: both or neither.
    ///
    /// - Parameter security: what the running server uses; nil without a web configuration.
    /// - Returns: what was loaded, or why nothing was.
    func reload(security: WebSecurity?) -> Outcome {
        let next: AgentConfiguration
        do throws(ConfigurationFailure) {
            next = try file.load()
        } catch {
            return refuse("\(error)")
        }
        do throws(WebConfigurationError) {
            try Self.reload(security, for: next)
        } catch {
            return refuse("\(error)")
        }
        let previous = state.withLock { state in
            defer {
                state.configuration = next
                state.status = ConfigurationStatus(
                    wasSuccessful: true, lastSuccess: WallClock.now())
            }
            return state.configuration
        }
        return .loaded(summary(of: next, after: previous))
    }

    private func refuse(_ problems: String) -> Outcome {
        state.withLock { $0.status.wasSuccessful = false }
        return .refused("\(problems)\nthe running configuration stays in force")
    }

    /// Loads the web configuration in use again.
    ///
    /// Another one is only checked: it takes effect at the next start, which must not fail for it.
    private static func reload(
        _ security: WebSecurity?, for next: AgentConfiguration
    ) throws(WebConfigurationError) {
        guard let path = next.webConfig else { return }
        if let security, security.path == path {
            try security.reload()
        } else {
            _ = try WebSecurity(path: path)
        }
    }

    /// What changed, and what only a restart can change.
    private func summary(
        of next: AgentConfiguration, after previous: AgentConfiguration
    ) -> String {
        var summary =
            next.source == nil
            ? "there is no \(file.path): the defaults are in force"
            : "configuration loaded: \(next.tunnels.count) tunnels configured"
        let fixed = [
            ("listen", previous.listen != next.listen),
            ("control_socket", previous.controlSocket != next.controlSocket),
            ("web_config", previous.webConfig != next.webConfig),
            ("state_dir", previous.stateDirectory != next.stateDirectory),
        ].filter(\.1).map(\.0)
        if !fixed.isEmpty {
            summary +=
                "; a change of \(fixed.joined(separator: ", ")) takes effect at the next start"
        }
        return summary
    }
}
