import Agent
import ArgumentParser
import Configuration
import HostFacts
import Logging

/// `probe agent`: the daemon, in the foreground.
struct AgentCommand: ProbeCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Watches the tunnels until it is told to stop.",
        discussion: """
            Runs in the foreground; systemctl start tunnel-probe runs it as a service. SIGHUP \
            loads the configuration again, SIGTERM and SIGINT end it. Exit status: 0 after a \
            signal, 71 the system refused something it cannot do without, 77 not permitted, \
            78 bad configuration.
            """)

    @OptionGroup var source: ConfigurationOptions

    func perform() async throws(CommandFailure) -> Int32 {
        let configuration = try source.load()
        if let missing = MissingPrivilege.toProbe(with: "probe agent") {
            throw CommandFailure(message: "\(missing)", status: CommandExit.noPermission)
        }
        let level = ServiceLog.Level(Logger.Level(configuration.logLevel))
        let isJournal = StandardStream.error.isJournal
        let logger = Logger(label: "tunnel-probe") { _ in
            ServiceLog(level: level, isJournal: isJournal)
        }
        if configuration.source == nil {
            logger.notice("there is no \(source.file.path): watching what the kernel knows")
        }
        let daemon = AgentDaemon(
            configuration: configuration, file: source.file, logger: logger, level: level)
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
