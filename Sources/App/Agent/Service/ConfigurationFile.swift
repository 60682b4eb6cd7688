public import Configuration
import HostFacts

/// Where the configuration is read from, at the start and at every reload.
public struct ConfigurationFile: Hashable, Sendable {
    /// The file that a package installs.
    public static let installedPath = "/etc/tunnel-probe/agent.conf"

    /// The file; messages call it just so.
    public let path: String
    /// Whether it must be there: an operator named it.
    ///
    /// Without the installed file the defaults are in force, until it appears.
    public let isRequired: Bool

    /// The file at `path`.
    public init(path: String, isRequired: Bool) {
        self.path = path
        self.isRequired = isRequired
    }

    /// Whether the defaults stand in for the file now.
    public var isReplacedByDefaults: Bool { !isRequired && !SmallFile.exists(path) }

    /// Reads it; the defaults where it need not be there and is not.
    ///
    /// - Throws: all mistakes of the file, as `AgentConfiguration.load`.
    public func load() throws(ConfigurationFailure) -> AgentConfiguration {
        isReplacedByDefaults ? .defaults : try AgentConfiguration.load(path: path)
    }
}
