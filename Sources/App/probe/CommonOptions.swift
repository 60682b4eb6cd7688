import Agent
import ArgumentParser
import Configuration
import HostFacts

/// Where the configuration is.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The configuration file.", valueName: "file"),
        completion: .file(extensions: ["conf", "toml"]))
    var config: String?

    /// The file that was named, or the installed one, which need not be there.
    var file: ConfigurationFile {
        ConfigurationFile(
            path: config ?? ConfigurationFile.installedPath, isRequired: config != nil)
    }

    /// The configuration; the built-in defaults where none was named and none is installed.
    func load() throws(CommandFailure) -> AgentConfiguration {
        do throws(ConfigurationFailure) {
            return try file.load()
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
            isVerbose: verbose, hasBlocks: Terminal.showsUnicode,
            columns: Terminal.standardOutput.columns)
    }
}
