import KernelState
import Netlink
import NetworkPrimitives
import ProviderChecks

/// Where the kernel routes the answer to a check, and where it routes the check's own source.
struct AnswerRoutes: Sendable {
    /// The way to the check's sender.
    var forward: Reading<RouteLookup>
    /// The way back to the source that the check arrived with, which reverse-path filtering looks at.
    var reverse: Reading<RouteLookup>

    /// Not looked up.
    init(unknown reason: String) {
        forward = .unknown(reason: reason)
        reverse = .unknown(reason: reason)
    }

    /// What these lookups gave.
    init(forward: Reading<RouteLookup>, reverse: Reading<RouteLookup>) {
        self.forward = forward
        self.reverse = reverse
    }

    /// Asks the kernel; blocks for as long as it takes.
    ///
    /// - Parameters:
    ///   - missing: the answer that should have left.
    ///   - ownAddresses: this host's addresses: only from these the kernel looks up with a source.
    ///   - namespace: the network namespace; nil is the agent's own.
    /// - Returns: what it answered, or why it did not.
    static func current(
        for missing: ProviderChecksReport.MissingAnswer, ownAddresses: Set<IPAddress>,
        in namespace: String?
    ) -> AnswerRoutes {
        do throws(NetlinkError) {
            let reader = try KernelReader(namespace: namespace)
            let arrival =
                missing.style == .reply ? missing.source : missing.destination
            return AnswerRoutes(
                forward: route(
                    reader, to: missing.destination,
                    from: ownAddresses.contains(missing.source) ? missing.source : nil),
                reverse: route(reader, to: arrival, from: nil))
        } catch {
            return AnswerRoutes(unknown: error.description)
        }
    }

    private static func route(
        _ reader: KernelReader, to destination: IPAddress, from source: IPAddress?
    ) -> Reading<RouteLookup> {
        do throws(NetlinkError) {
            return .known(try reader.route(to: destination, from: source, mark: 0))
        } catch {
            return .unknown(reason: error.description)
        }
    }
}
