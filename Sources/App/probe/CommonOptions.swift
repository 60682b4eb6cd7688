import Agent
import ArgumentParser
import Configuration
import HostFacts

/// Where the configuration is.
struct ConfigurationOptions: ParsableArguments {
    static let defaultPath = "/etc/tunnel-probe/agent.conf"

    @Option(
        name: .long,
        help: ArgumentHelp("The configuration file.", valueName: "file"),
        completion: .file(extensions: ["conf", "toml"]))
    var config: String?

    /// The configuration; the built-in defaults where none was named and none is installed.
    func load() throws(CommandFailure) -> (AgentConfiguration, path: String?) {
        do throws(ConfigurationFailure) {
            if let config { return (try AgentConfiguration.load(path: config), config) }
            guard SmallFile.exists(Self.defaultPath) else { return (.defaults, nil) }
            return (try AgentConfiguration.load(path: Self.defaultPath), Self.defaultPath)
        } catch {
            throw CommandFailure(message: "\(error)", status: CommandExit.configuration)
        }
    }
}

/// How a report is written.
struct ReportOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON (schema tunnelprobe.status/1).")
    var json = false

    @Flag(name: .long, help: "Print no colours; NO_COLOR does the same.")
    var noColor = false

    @Flag(name: .long, help: "Print everything there is: hops, ICMP errors, single probes.")
    var verbose = false

    var format: ReportFormat {
        ReportFormat(
            isJSON: json,
            isColored: !noColor && !json && Terminal.standardOutput.allowsColor,
            isVerbose: verbose)
    }
}
