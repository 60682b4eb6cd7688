import Agent
import ArgumentParser
import HostFacts
import Logging
import NetworkPrimitives

/// `probe reflect`: the cooperating far end, in the foreground.
struct ReflectCommand: ProbeCommand {
    static let configuration = CommandConfiguration(
        commandName: "reflect",
        abstract: "Receipts and answers probes of other agents that hold its key.",
        discussion: """
            Runs in the foreground until SIGTERM or SIGINT; systemctl start tunnel-probe-reflect runs \
            it as a service. An agent with the same key and this host as its reflector learns how \
            many Echo Replies and Echo Requests arrive here, and gets as many back. Whoever has no \
            key draws no answer. Exit status: 0 after a signal, 64 wrong usage, 71 the system \
            refused something it cannot do without, 77 not permitted, 78 the key file cannot be \
            used.
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The file with the secret, 16 to 1024 octets; only its owner may read it.",
            valueName: "file"),
        completion: .file())
    var keyFile: String

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The address to listen on; all of this host if left out.", valueName: "address"),
        transform: { text throws in
            guard let address = IPAddress(text) else {
                throw ValidationError("--listen takes an IPv4 or IPv6 address")
            }
            return address
        })
    var listen: IPAddress?

    @Option(
        name: .long, help: ArgumentHelp("The UDP port to listen on.", valueName: "port"))
    var port: UInt16 = ReflectorDaemon.defaultPort

    @Flag(name: .long, help: "Log what cannot be sent, too.")
    var verbose = false

    func validate() throws {
        guard port > 0 else { throw ValidationError("--port must be a number from 1 to 65535") }
        guard listen?.isMulticast != true else {
            throw ValidationError("--listen takes an address of this host")
        }
    }

    func perform() async throws(CommandFailure) -> Int32 {
        if let missing = MissingPrivilege.toProbe(with: "probe reflect --key-file \(keyFile)") {
            throw CommandFailure(message: "\(missing)", status: CommandExit.noPermission)
        }
        let level = ServiceLog.Level(verbose ? .debug : .info)
        let isJournal = StandardStream.error.isJournal
        let logger = Logger(label: "tunnel-probe") { _ in
            ServiceLog(level: level, isJournal: isJournal)
        }
        let daemon = ReflectorDaemon(
            keyFile: keyFile, listen: listen, port: port, logger: logger)
        do throws(ServiceError) {
            try await daemon.run()
            return 0
        } catch {
            throw CommandFailure(
                message: error.description,
                status: error.isConfiguration
                    ? CommandExit.configuration : CommandExit.systemError)
        }
    }
}
