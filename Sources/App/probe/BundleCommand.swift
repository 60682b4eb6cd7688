import Agent
import ArgumentParser
import Configuration
import HTTP
import HostFacts
import NetworkPrimitives
import RawSockets

/// `probe bundle`: what a support ticket asks for, in one file.
struct BundleCommand: ProbeCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "Collects what a support ticket asks for in one .tar.gz, without secrets.",
        discussion: """
            A fresh diagnosis, the configuration without secrets, devices, routes, SAs without keys, \
            policies, the packet filter and the recordings of failures. Uses the running agent, so \
            that a member of group tunnel-probe needs no root; without one, or with --local, it does \
            the work itself. Nothing is sent anywhere. Exit status: 0 written, 64 wrong usage, 69 \
            the agent is busy or went away, 71 the system refused something it cannot do without, \
            73 the file cannot be written, 78 bad configuration.
            """)

    @Argument(
        help: ArgumentHelp(
            "Names of tunnels; all tunnels if left out.", valueName: "tunnel"))
    var tunnels: [String] = []

    @Option(
        name: [.short, .customLong("output")],
        help: ArgumentHelp(
            "The file to write; if left out, one named after host and time, here.",
            valueName: "file"), completion: .file(extensions: ["tar.gz", "tgz"]))
    var output: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How far back history and recordings go, like 24h or 7d.", valueName: "duration"),
        transform: { text throws in
            guard let span = DurationText.parse(text), BundleOrder.spans.contains(span) else {
                throw ValidationError("--since takes a duration from 1m on, like 24h or 7d")
            }
            return span
        })
    var since = Duration.seconds(86_400)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The most that all files together may have, like 50MiB.", valueName: "size"),
        transform: { text throws in
            guard let size = ByteCount(text), BundleOrder.limits.contains(size.bytes) else {
                throw ValidationError("--max-size takes a size from 1MiB to 1GiB, like 50MiB")
            }
            return size
        })
    var maxSize = ByteCount.mebibytes(50)

    @Flag(name: .long, help: "Do the work here even if an agent is running.")
    var local = false

    @OptionGroup var source: ConfigurationOptions

    func perform() async throws(CommandFailure) -> Int32 {
        let configuration = try source.load()
        let order = BundleOrder(
            selection: tunnels.isEmpty ? .all : .named(tunnels), since: since,
            limit: maxSize.bytes)
        let bundle: [UInt8]
        if let answer = try await askAgent(configuration, order) {
            bundle = answer
        } else {
            bundle = try await collectHere(configuration, order)
        }
        let path =
            output ?? "\(BundleText.name(host: Host.name ?? "host", at: WallClock.now())).tar.gz"
        do throws(FileError) {
            try SmallFile.write(bundle, to: path, mode: 0o600)
        } catch {
            throw CommandFailure(message: error.description, status: CommandExit.cannotCreate)
        }
        Output.print("\(path): \(bundle.count) octets; look into manifest.json before you send it")
        return 0
    }

    /// The running agent's bundle; nil where no agent is running.
    private func askAgent(
        _ configuration: AgentConfiguration, _ order: BundleOrder
    ) async throws(CommandFailure) -> [UInt8]? {
        guard !local else { return nil }
        let connection = AgentConnection(socket: configuration.controlSocket)
        let progress = ProgressLine()
        defer { progress.clear() }
        do throws(AgentConnection.Failure) {
            return try await connection.bundle(order) { progress.show($0, $1) }
        } catch {
            if error.meansNoAgent { return nil }
            guard case .connection(.permissionDenied(let path)) = error else {
                throw CommandFailure(error)
            }
            // It is poorer without the agent: whoever sends it should know.
            Output.complain(HTTPClientError.permissionDenied(path: path).description)
            return nil
        }
    }

    private func collectHere(
        _ configuration: AgentConfiguration, _ order: BundleOrder
    ) async throws(CommandFailure) -> [UInt8] {
        var order = order
        // What this process may not do is missing, and the manifest says so.
        order.probes = MissingPrivilege.toProbe(with: "probe bundle") == nil
        let service = try ProbingService.silent(configuration)
        defer { service.stop() }
        let progress = ProgressLine()
        defer { progress.clear() }
        do throws(ProbingService.Refusal) {
            return try await service.bundle(order) { progress.show($0.share, $0.text) }
        } catch {
            throw CommandFailure(message: error.description, status: CommandExit.usage)
        }
    }
}
