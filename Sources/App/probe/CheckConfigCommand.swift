import Agent
import ArgumentParser
import Configuration

/// `probe check-config`: validates a configuration file.
struct CheckConfigCommand: ProbeCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Validates a configuration file.",
        discussion: """
            Names file, line and column of every mistake, what is wrong, and what is allowed. \
            Exit status: 0 valid, 78 not.
            """)

    @Argument(
        help: ArgumentHelp("The file; the installed one if left out.", valueName: "file"),
        completion: .file(extensions: ["conf", "toml"]))
    var file: String?

    @Option(name: .long, help: ArgumentHelp("The same as the argument.", valueName: "file"))
    var config: String?

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    func validate() throws {
        guard file == nil || config == nil else {
            throw ValidationError("give the file once: as the argument or with --config")
        }
    }

    func perform() async throws(CommandFailure) -> Int32 {
        let path = file ?? config ?? ConfigurationFile.installedPath
        let installed = ConfigurationFile(path: path, isRequired: file != nil || config != nil)
        if !json, installed.isReplacedByDefaults {
            Output.print(
                "there is no \(path): the defaults are in force, and tunnels of the kernel are watched; probe "
                    + "discover prints stanzas for it")
            return 0
        }
        do throws(ConfigurationFailure) {
            let configuration = try AgentConfiguration.load(path: path)
            if json {
                printJSON(path, diagnostics: [])
            } else {
                let names = configuration.tunnels.map(\.name).joined(separator: ", ")
                let tunnels =
                    switch configuration.tunnels.count {
                    case 0: "no tunnel; those of the kernel are watched"
                    case 1: "1 tunnel: \(names)"
                    default: "\(configuration.tunnels.count) tunnels: \(names)"
                    }
                Output.print("\(path): valid, \(tunnels)")
            }
            return 0
        } catch {
            guard json else {
                throw CommandFailure(message: "\(error)", status: CommandExit.configuration)
            }
            printJSON(path, diagnostics: error.diagnostics)
            return CommandExit.configuration
        }
    }

    private func printJSON(_ path: String, diagnostics: [ConfigurationDiagnostic]) {
        let list = diagnostics.map { diagnostic in
            JSONValue.object([
                ("line", diagnostic.line.map { .integer(Int64($0)) } ?? .null),
                ("column", diagnostic.column.map { .integer(Int64($0)) } ?? .null),
                ("key", diagnostic.key.map(JSONValue.string) ?? .null),
                ("problem", .string(diagnostic.problem)),
                ("allowed", diagnostic.allowed.map(JSONValue.string) ?? .null),
            ])
        }
        let document = JSONValue.object([
            ("file", .string(path)), ("valid", .bool(diagnostics.isEmpty)),
            ("diagnostics", .array(list)),
        ])
        Output.print(document.encoded(indented: true))
    }
}
