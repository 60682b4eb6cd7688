import Agent
import ArgumentParser
import Configuration
import HTTP
import HostFacts

/// `probe report`: the history of the tunnels.
struct ReportCommand: ProbeCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract:
            "Shows the history: states, availability, episodes with causes, rekeys, findings.",
        discussion: """
            Asks the running agent; without one it reads the event store itself. Exit status: 0 \
            shown, 64 wrong usage, an unknown tunnel too, 69 there is no history to read, 73 the \
            file cannot be written, 77 not permitted, 78 bad configuration.
            """)

    @Argument(
        help: ArgumentHelp("Names of tunnels; all tunnels if left out.", valueName: "tunnel"))
    var tunnels: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Where it begins: a duration before now, like 24h or 7d, or an RFC 3339 time.",
            valueName: "time"), transform: Self.moment)
    var since = HistoryOrder.Moment.ago(.seconds(86_400))

    @Option(
        name: .long,
        help: ArgumentHelp("Where it ends; now if left out.", valueName: "time"),
        transform: Self.moment)
    var until: HistoryOrder.Moment?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write one page with charts to this file; - for standard output.", valueName: "file"),
        completion: .file(extensions: ["html"]))
    var html: String?

    @Flag(name: .long, help: "Print JSON (schema tunnelprobe.history/1).")
    var json = false

    @Flag(name: .long, help: "Print no colours; NO_COLOR does the same.")
    var noColor = false

    @Flag(name: .long, help: "Print every hour, episode and event.")
    var verbose = false

    @OptionGroup var source: ConfigurationOptions

    private static func moment(_ text: String) throws -> HistoryOrder.Moment {
        guard let moment = HistoryOrder.Moment(text) else {
            throw ValidationError(
                "takes a duration, like 24h or 7d, 400d at most, or a time, like 2026-11-22T12:00:00Z"
            )
        }
        return moment
    }

    func validate() throws {
        guard !json || html == nil else { throw ValidationError("give --json or --html, not both") }
    }

    func perform() async throws(CommandFailure) -> Int32 {
        let configuration = try source.load()
        let order = HistoryOrder(
            since: since, until: until, tunnels: tunnels,
            form: html != nil ? .html : json ? .json : .text,
            format: ReportFormat(
                isJSON: json,
                isColored: !noColor && !json && html == nil
                    && Terminal.standardOutput.allowsColor,
                isVerbose: verbose, hasBlocks: Terminal.showsUnicode,
                columns: Terminal.standardOutput.columns))
        let document: [UInt8]
        if let answer = try await askAgent(configuration, order) {
            document = answer
        } else {
            document = try read(configuration, order)
        }
        guard let html, html != "-" else {
            Output.print(document)
            return 0
        }
        do throws(FileError) {
            try SmallFile.write(document, to: html, mode: 0o644)
        } catch {
            throw CommandFailure(message: error.description, status: CommandExit.cannotCreate)
        }
        Output.print(html)
        return 0
    }

    /// The running agent's report; nil where no agent is running, or this user may not ask it.
    private func askAgent(
        _ configuration: AgentConfiguration, _ order: HistoryOrder
    ) async throws(CommandFailure) -> [UInt8]? {
        do throws(AgentConnection.Failure) {
            return try await AgentConnection(socket: configuration.controlSocket).history(order)
        } catch {
            if error.meansNoAgent { return nil }
            guard case .connection(.permissionDenied(let path)) = error else {
                throw CommandFailure(error)
            }
            // Whoever may not ask the agent may still be allowed to read its store.
            Output.complain(HTTPClientError.permissionDenied(path: path).description)
            return nil
        }
    }

    private func read(
        _ configuration: AgentConfiguration, _ order: HistoryOrder
    ) throws(CommandFailure) -> [UInt8] {
        do throws(HistoryOrder.Refusal) {
            return try order.document(of: configuration, isAgentRunning: false)
        } catch {
            switch error {
            case .unreadable(let reason):
                throw CommandFailure(
                    message: "no agent answers, and \(reason)", status: CommandExit.unavailable)
            case .noTime, .unknownTunnel:
                throw CommandFailure(message: error.description, status: CommandExit.usage)
            }
        }
    }
}
