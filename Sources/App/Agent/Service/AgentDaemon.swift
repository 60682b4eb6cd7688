public import Configuration
import HTTP
import HostFacts
public import Logging
import NetworkPrimitives
import RawSockets
import UnixSignals

/// `probe agent`: the probing service with its doors, signals and service manager.
public struct AgentDaemon: Sendable {
    /// How long the servers wait for the first look at this host, at most.
    private static let firstLook = Duration.seconds(2)

    private let store: ConfigurationStore
    private let logger: Logger
    private let level: ServiceLog.Level
    private let notification = ServiceNotification()

    /// Makes the daemon; nothing runs yet.
    ///
    /// - Parameters:
    ///   - configuration: what to watch.
    ///   - file: where it was loaded from, for reloads.
    ///   - logger: where it reports.
    ///   - level: the logger's level, which a reload may change.
    public init(
        configuration: AgentConfiguration, file: ConfigurationFile, logger: Logger,
        level: ServiceLog.Level
    ) {
        store = ConfigurationStore(configuration, file: file)
        self.logger = logger
        self.level = level
    }

    /// Runs until SIGTERM or SIGINT.
    ///
    /// - Throws: `ServiceError` when it cannot start: a socket that cannot be opened, a web
    ///   configuration that cannot be used.
    public func run() async throws(ServiceError) {
        // Before anything else is started, so that no signal is missed and none kills the process.
        let signals = await UnixSignalsSequence(trapping: .sighup, .sigterm, .sigint)
        do throws(CoreDumps.Refusal) {
            try CoreDumps.disable()
        } catch {
            logger.warning("core dumps cannot be turned off: \(error)")
        }
        Heap.keepSmall()
        let configuration = store.current
        let service = try ProbingService(configuration: configuration, logger: logger)
        let security = try webSecurity(configuration)
        let routes = AgentRoutes(service: service, configuration: store) {
            reload(service, security)
        }
        try service.watchContinuously()
        // The first scrape has the series of every configured tunnel.
        await service.awaitFirstLook(until: MonotonicClock.now() + Self.firstLook)
        let servers: [HTTPServer]
        do {
            servers = try await startServers(configuration, routes: routes, security: security)
        } catch {
            service.stop()
            throw error
        }
        let where_ = servers.map(\.endpoint.description).joined(separator: " and ")
        logger.notice("tunnel-probe \(Version.current) listens on \(where_)")
        note(
            notification.ready(status: "watching \(configuration.tunnels.count) configured tunnels")
        )

        let watchdog = Task { await feedWatchdog(service) }
        let certificate = security.map { security in Task { await watchCertificate(security) } }
        await follow(signals, service: service, security: security)
        watchdog.cancel()
        certificate?.cancel()
        note(notification.stopping())
        for server in servers { await server.stop() }
        service.stop()
        logger.notice("tunnel-probe stopped")
    }

    private func follow(
        _ signals: UnixSignalsSequence, service: ProbingService, security: WebSecurity?
    ) async {
        for await signal in signals {
            switch signal {
            case .sighup: _ = reload(service, security)
            default:
                logger.notice("\(signal) received")
                return
            }
        }
    }

    @discardableResult
    private func reload(
        _ service: ProbingService, _ security: WebSecurity?
    ) -> ConfigurationStore.Outcome {
        note(notification.reloading())
        let outcome = store.reload(security: security)
        service.history.take(outcome)
        switch outcome {
        case .loaded(let summary):
            let configuration = store.current
            level.current = Logger.Level(configuration.logLevel)
            service.adopt(configuration)
            logger.notice("\(summary)")
        case .refused(let problems):
            logger.error("\(problems)")
        }
        note(notification.ready())
        return outcome
    }

    /// Says when a renewed certificate cannot be used, and when it can be again.
    ///
    /// The files are looked at at each handshake, so no reload tells of them.
    private func watchCertificate(_ security: WebSecurity) async {
        var known: WebConfigurationError?
        while !Task.isCancelled {
            let current = security.certificateError
            if current != known {
                if let current {
                    logger.error("\(current); the certificate in use stays")
                } else {
                    logger.notice("\(security.path): the certificate files are in use again")
                }
                known = current
            }
            do { try await Task.sleep(for: .seconds(5)) } catch { return }
        }
    }

    /// Tells the service manager that all is well, but only while the probe loop really turns.
    private func feedWatchdog(_ service: ProbingService) async {
        guard let interval = notification.watchdogInterval else { return }
        var lastTurn: UInt64?
        while !Task.isCancelled {
            let turn = service.turnCount
            if turn != lastTurn { note(notification.watchdog()) }
            lastTurn = turn
            // sd_watchdog_enabled(3) advises half the time.
            do { try await Task.sleep(for: interval / 2) } catch { return }
        }
    }

    private func note(_ outcome: ServiceNotification.Outcome) {
        if case .failed(let reason) = outcome {
            logger.warning("the service manager cannot be told: \(reason)")
        }
    }

    // MARK: - Doors

    private func webSecurity(
        _ configuration: AgentConfiguration
    ) throws(ServiceError) -> WebSecurity? {
        guard let path = configuration.webConfig else { return nil }
        do throws(WebConfigurationError) {
            return try WebSecurity(path: path)
        } catch {
            throw ServiceError(description: error.description, isConfiguration: true)
        }
    }

    private func startServers(
        _ configuration: AgentConfiguration, routes: AgentRoutes, security: WebSecurity?
    ) async throws(ServiceError) -> [HTTPServer] {
        var servers = [try await startControl(configuration.controlSocket, routes: routes)]
        if let listen = configuration.listen {
            let pages = routes.pages
            let server = HTTPServer(
                endpoint: .tcp(host: listen.host, port: Int(listen.port)), security: security
            ) { await pages.respond(to: $0) }
            do throws(ServiceError) {
                try await start(server)
            } catch {
                // Without this the control socket would stay, and look like a dead agent's.
                for started in servers { await started.stop() }
                throw error
            }
            servers.append(server)
        }
        return servers
    }

    /// Opens the control socket for the group `tunnel-probe`, where this host has it.
    private func startControl(
        _ path: String, routes: AgentRoutes
    ) async throws(ServiceError) -> HTTPServer {
        let control = routes.control
        func server(group: String?) -> HTTPServer {
            HTTPServer(endpoint: .unix(path: path, mode: 0o660, group: group)) {
                await control.respond(to: $0)
            }
        }
        // A daemon that is not root is of that group already, and may not give files away.
        guard Host.isRoot else {
            let plain = server(group: nil)
            try await start(plain)
            return plain
        }
        let grouped = server(group: "tunnel-probe")
        do throws(HTTPServerError) {
            try await grouped.start()
            return grouped
        } catch .unknownGroup {
            let plain = server(group: nil)
            try await start(plain)
            logger.info("there is no group tunnel-probe: only root can use \(path)")
            return plain
        } catch {
            throw ServiceError(description: error.description)
        }
    }

    private func start(_ server: HTTPServer) async throws(ServiceError) {
        do throws(HTTPServerError) {
            try await server.start()
        } catch {
            throw ServiceError(description: error.description)
        }
    }
}

extension Logger.Level {
    /// The level of a configuration.
    public init(_ level: LogLevel) {
        self =
            switch level {
            case .trace: .trace
            case .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            case .critical: .critical
            }
    }
}
