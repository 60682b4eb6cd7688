public import Configuration
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
    private let path: String?

    /// Starts with a configuration that was loaded from `path`; nil when there is no file.
    public init(_ configuration: AgentConfiguration, path: String?) {
        self.path = path
        state = Mutex(
            State(
                configuration: configuration,
                status: ConfigurationStatus(wasSuccessful: true, lastSuccess: WallClock.now())))
    }

    /// The configuration in force.
    public var current: AgentConfiguration { state.withLock { $0.configuration } }

    /// How the last loads went.
    var status: ConfigurationStatus { state.withLock { $0.status } }

    /// Loads the file again.
    public func reload() -> Outcome {
        guard let path else { return .loaded("there is no configuration file; nothing changes") }
        do throws(ConfigurationFailure) {
            let next = try AgentConfiguration.load(path: path)
            let previous = state.withLock { state in
                defer {
                    state.configuration = next
                    state.status = ConfigurationStatus(
                        wasSuccessful: true, lastSuccess: WallClock.now())
                }
                return state.configuration
            }
            return .loaded(Self.summary(of: next, after: previous))
        } catch {
            state.withLock { $0.status.wasSuccessful = false }
            return .refused("\(error)\nthe running configuration stays in force")
        }
    }

    /// What changed, and what only a restart can change.
    private static func summary(
        of next: AgentConfiguration, after previous: AgentConfiguration
    ) -> String {
        var summary = "configuration loaded: \(next.tunnels.count) tunnels configured"
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
