import Agent
import ArgumentParser
import Configuration
import HTTP

/// `probe senders`: one row a sender, of the running agent or of a file.
struct SendersCommand: ProbeCommand {
    static let configuration = CommandConfiguration(
        commandName: "senders",
        abstract: "Shows who sends ESP, one row a sender, of the running agent or of a file.",
        discussion: """
            Exit status: 0 shown, 3 no ESP seen or a file that is corrupt, 64 wrong usage, an \
            unknown tunnel too, 66 cannot open the file, 69 no agent is running, 77 not permitted \
            to ask it, 78 bad configuration.
            """)

    @Argument(
        help: ArgumentHelp("The name of a tunnel; all tunnels if left out.", valueName: "tunnel"))
    var tunnel: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A capture file instead of the agent; - for standard input.", valueName: "file"),
        completion: .file(extensions: ["pcap", "pcapng", "cap", "gz"]))
    var pcap: String?

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var options: AnalysisOptions

    func validate() throws {
        guard options.stream == nil || pcap != nil else {
            throw ValidationError("--stream goes with --pcap")
        }
    }

    func perform() async throws(CommandFailure) -> Int32 {
        guard let pcap else { return try await askAgent() }
        let report = try FileAnalysis(
            path: pcap, windows: [], tunnel: tunnel, source: source, options: options
        ).run()
        let rendered = report.renderedSenders(tunnel: tunnel, options.format)
        Output.print(rendered.document)
        return CommandExit.status(ofVerdict: rendered.verdict)
    }

    private func askAgent() async throws(CommandFailure) -> Int32 {
        let configuration = try source.load()
        let connection = AgentConnection(socket: configuration.controlSocket)
        do throws(AgentConnection.Failure) {
            let senders = try await connection.senders(of: tunnel, format: options.format)
            Output.print(senders.document)
            return CommandExit.status(ofVerdict: senders.verdict)
        } catch {
            throw CommandFailure(error)
        }
    }
}
