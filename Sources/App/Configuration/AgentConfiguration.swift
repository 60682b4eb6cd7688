/// All of `agent.conf`: the agent's own settings and its tunnels.
///
/// `parse` gives one only for a text without mistakes, so its values are inside the bounds that the
/// sample file states.
public struct AgentConfiguration: Equatable, Sendable {
    /// `listen`: where HTTP is served; nil turns it off.
    public var listen: ListenAddress?
    /// `web_config`: the path of a web-config file as of exporter-toolkit; nil without one.
    public var webConfig: String?
    /// `state_dir`: the directory of the event store and the captures.
    public var stateDirectory: String
    /// `control_socket`: the path of the Unix socket that `probe` talks to the agent over.
    public var controlSocket: String
    /// `log_level`: the least severe level that is logged.
    public var logLevel: LogLevel
    /// `discover`: whether tunnels found in the kernel are watched too.
    public var discover: Bool
    /// `charon_log`: where strongSwan's log is read where there is no vici; nil to read none.
    public var charonLog: CharonLog?
    /// `retention`: how long events and captures are kept.
    public var retention: Duration
    /// `retention_size`: how much room events and captures may take.
    public var retentionSize: ByteCount
    /// `slo`: the availability objective in percent, 0 and 100 excluded.
    public var slo: Double
    /// `[defaults]`: how a tunnel is probed that does not say otherwise, discovered ones included.
    public var probing: ProbingSettings
    /// The `[[tunnel]]`s in the order of the file; names are unique.
    public var tunnels: [TunnelConfiguration]
    /// The file this was read from, as the caller named it; nil for the built-in defaults.
    public var source: String?

    /// What an empty file means: the defaults of every key, and no tunnel.
    public static let defaults = AgentConfiguration()

    /// Makes the configuration an empty file stands for.
    public init() {
        listen = ListenAddress(host: "127.0.0.1", port: 9817)
        webConfig = nil
        stateDirectory = "/var/lib/tunnel-probe"
        controlSocket = "/run/tunnel-probe/control.sock"
        logLevel = .info
        discover = true
        charonLog = nil
        retention = .seconds(30 * 86_400)
        retentionSize = .mebibytes(200)
        slo = 98
        probing = ProbingSettings()
        tunnels = []
        source = nil
    }
}

/// Where a server listens: a host and a TCP port.
public struct ListenAddress: Hashable, Sendable {
    /// An address without brackets, or a host name.
    public let host: String
    /// The port, never 0.
    public let port: UInt16

    /// Makes a listen address.
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }
}

extension ListenAddress: CustomStringConvertible {
    /// `host:port`, with an IPv6 address in brackets.
    public var description: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// How severe a log line is, in the words of swift-log.
public enum LogLevel: String, CaseIterable, Hashable, Sendable {
    /// Everything, packet by packet.
    case trace
    /// What a developer needs.
    case debug
    /// What an operator may want to know.
    case info
    /// Normal, but worth a look.
    case notice
    /// Not an error yet.
    case warning
    /// Something failed.
    case error
    /// The agent cannot work.
    case critical
}

/// Where strongSwan's log is read.
public enum CharonLog: Hashable, Sendable {
    /// The systemd journal.
    case journal
    /// A log file, an absolute path.
    case file(String)
}
