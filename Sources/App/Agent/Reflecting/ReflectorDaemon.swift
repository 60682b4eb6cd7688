import HostFacts
public import Logging
public import NetworkPrimitives
import RawSockets
import Reflecting
import UnixSignals

/// `probe reflect`: a reflector with its sockets, signals and service manager.
public struct ReflectorDaemon: Sendable {
    /// The UDP port of the protocol where nothing else is said: the one after the agent's HTTP.
    public static let defaultPort: UInt16 = 9818

    private let listen: IPAddress?
    private let port: UInt16
    private let keyFile: String
    private let logger: Logger
    private let notification = ServiceNotification()

    /// Makes a reflector; nothing is open yet.
    ///
    /// - Parameters:
    ///   - keyFile: the path of the secret.
    ///   - listen: the address to listen on; nil for all of both families.
    ///   - port: the UDP port to listen on.
    ///   - logger: where it reports.
    public init(keyFile: String, listen: IPAddress?, port: UInt16, logger: Logger) {
        (self.keyFile, self.listen, self.port, self.logger) = (keyFile, listen, port, logger)
    }

    /// Runs until SIGTERM or SIGINT.
    ///
    /// - Throws: `ServiceError` when it cannot start: a key file that cannot be used, a port that is
    ///   taken, or a raw socket that is not permitted.
    public func run() async throws(ServiceError) {
        // Before anything else is started, so that no signal is missed and none kills the process.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        do throws(CoreDumps.Refusal) {
            try CoreDumps.disable()
        } catch {
            logger.warning("core dumps cannot be turned off: \(error)")
        }
        let keys: ReflectionKeys
        do throws(SecretFile.Failure) {
            keys = try ReflectorKeyFile.keys(at: keyFile)
        } catch {
            throw ServiceError(description: error.description, isConfiguration: true)
        }
        let loop: ReflectorLoop
        do throws(SocketError) {
            loop = try ReflectorLoop(
                keys: keys, listen: listen, port: port, logger: logger, notification: notification)
            try loop.start()
        } catch {
            throw ServiceError(description: error.description)
        }
        let places = loop.places.map(\.description).joined(separator: " and ")
        logger.notice("tunnel-probe reflect \(Version.current) listens on UDP \(places)")
        if case .failed(let reason) = notification.ready(status: "listening on UDP \(places)") {
            logger.warning("the service manager cannot be told: \(reason)")
        }
        for await signal in signals {
            logger.notice("\(signal) received")
            break
        }
        notification.stopping()
        await loop.stop()
        logger.notice("tunnel-probe reflect stopped")
    }
}
