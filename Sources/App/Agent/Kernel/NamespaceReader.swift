import HostFacts
import KernelState
import Netlink
import NetworkPrimitives
import RawSockets

/// Reads what is known of namespaces beside SAs, policies and links.
///
/// Belongs to one thread; its calls block for as long as the kernel takes, and nft up to 2 s.
final class NamespaceReader {
    private let view: HostView

    init(resolver: NameResolver) {
        view = HostView(resolver: resolver)
    }

    /// Reads the counters, and everything else where `isThorough`, else from `earlier`.
    func read(
        _ namespace: String?, _ questions: NamespaceQuestions, isThorough: Bool,
        earlier: NamespaceReadings?
    ) -> NamespaceReadings {
        var readings = earlier ?? NamespaceReadings()
        let reading = readings
        let files = Self.inside(namespace) {
            var readings = reading
            readings.transformErrors = NamespaceFiles.transformErrors()
            readings.delivery = NamespaceFiles.delivery()
            guard isThorough else { return readings }
            readings.settings = Dictionary(
                uniqueKeysWithValues: SystemSetting.ofNamespace.map {
                    ($0, NamespaceFiles.setting($0))
                })
            readings.deviceSettings = Dictionary(
                uniqueKeysWithValues: questions.devices.union(["all", "default"]).map {
                    ($0, NamespaceFiles.settings(of: $0))
                })
            readings.tracking = NamespaceFiles.tracking()
            readings.isKeyDaemonListening = NamespaceFiles.isKeyDaemonListening()
            readings.firewall = FirewallReading.current()
            return readings
        }
        switch files {
        case .known(let read): readings = read
        case .unknown(let reason):
            readings.transformErrors = .unknown(reason: reason)
            readings.delivery = .unknown(reason: reason)
            readings.settings = [:]
            readings.deviceSettings = [:]
            readings.tracking = .unknown(reason: reason)
            readings.isKeyDaemonListening = .unknown(reason: reason)
            readings.firewall = .unknown(reason: reason)
        }
        if isThorough {
            readings.rules = view.rules(of: namespace)
            readings.nextHops = view.nextHops(to: questions.endpoints, in: namespace)
        }
        return readings
    }

    /// Forgets sockets into namespaces that were deleted.
    func beginRound() {
        _ = view.dropReplacedNamespaces()
        view.beginRound()
    }

    private static func inside<Value: Sendable>(
        _ namespace: String?, _ body: () -> Value
    ) -> Reading<Value> {
        guard let namespace else { return .known(body()) }
        do throws(SocketError) {
            let result: Result<Value, Never> = try NetworkNamespace.run(namespace) {
                () throws(Never) -> Value in body()
            }
            return .known(result.get())
        } catch {
            return .unknown(reason: error.description)
        }
    }
}
