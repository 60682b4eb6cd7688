import KernelState
import Netlink
import NetworkPrimitives
import RawSockets

/// The SAs of one network namespace, followed by events and, every few seconds, by reading them all.
///
/// Belongs to the thread of `KernelService`.
final class AssociationWatch {
    /// Between two readings of all tables.
    static let interval = Duration.seconds(5)
    /// How long a change of devices or policies waits for the next, before all is read anew.
    private static let settling = Duration.milliseconds(250)
    /// Drains of the socket before a reading is put off; each takes some thousand events.
    private static let drains = 16

    let namespace: String?
    /// When the tables are to be read.
    private(set) var deadline = MonotonicInstant(nanoseconds: .min)
    /// When they were read last.
    private(set) var readAt = MonotonicInstant(nanoseconds: .min)
    private(set) var ledger = AssociationLedger()
    private(set) var socket: KernelEventSocket?
    private var reader: KernelReader?
    private var identity: NetworkNamespace.Identity?
    private var tunnels: [AssociationOwners.Tunnel] = []
    private var snapshot = KernelSnapshot()
    private var owners = AssociationOwners(KernelSnapshot(), tunnels: [])
    /// Why the SAs are not known.
    private var reason: String? = "the kernel was not read yet"
    /// Why SAs may have come and gone unseen since the last reading.
    private var gap: String?
    private var formerOverruns: UInt64 = 0
    private var formerMalformed: UInt64 = 0

    init(namespace: String?) {
        self.namespace = namespace
    }

    /// Times that the kernel dropped something.
    var overruns: UInt64 {
        formerOverruns + (socket?.counts.overruns ?? 0) + (reader?.overruns ?? 0)
    }

    /// Messages that could not be read.
    var malformedMessages: UInt64 {
        formerMalformed + (socket?.counts.malformedMessages ?? 0)
            + (reader?.malformedMessages ?? 0)
    }

    /// Follows these tunnels from now on.
    func adopt(_ tunnels: [AssociationOwners.Tunnel]) {
        guard tunnels != self.tunnels else { return }
        self.tunnels = tunnels
        ledger.forget(allTunnelsBut: Set(tunnels.map(\.name)))
        owners = AssociationOwners(snapshot, tunnels: tunnels)
        ledger.replace(owners: owners)
        deadline = MonotonicInstant(nanoseconds: .min)
    }

    /// Whether the sockets are those of the namespace that has this name now.
    var isCurrent: Bool {
        guard let namespace, reader != nil else { return true }
        return NetworkNamespace.identity(of: namespace) == identity
    }

    /// Takes what events say; `body` sees each.
    ///
    /// - Returns: whether that were all there are.
    @discardableResult
    func drain(_ body: (TimedKernelEvent) -> Void) -> Bool {
        guard let socket else { return true }
        return socket.drain { event in
            let now = MonotonicClock.now()
            ledger.receive(event, owners: owners, at: now)
            switch event {
            case .overrun:
                gap = "the kernel dropped events for lack of socket memory"
                deadline = min(deadline, now + Self.settling)
            case .linkChanged, .linkRemoved, .routingChanged, .policyChanged, .policiesRemoved,
                .migrated:
                deadline = min(deadline, now + Self.settling)
            case .associationAdded, .associationUpdated, .associationExpired, .associationDeleted,
                .associationsFlushed, .associationWanted, .mappingChanged:
                break
            }
            body(TimedKernelEvent(event, at: now))
        }
    }

    /// Reads all tables, and then the events that came meanwhile; `body` sees each event.
    func read(_ body: (TimedKernelEvent) -> Void) {
        open()
        deadline = MonotonicClock.now() + Self.interval
        guard let reader else { return }
        // An event that has waited is older than the table.
        guard drainToEnd(body) else { return }
        ledger.beginReading()
        let started = MonotonicClock.now()
        let all = reader.snapshot(withRoutes: false)
        let now = MonotonicClock.now()
        snapshot = all
        owners = AssociationOwners(all, tunnels: tunnels)
        ledger.replace(owners: owners)
        guard drainToEnd(body) else {
            ledger.abandonReading()
            return
        }
        switch all.associations {
        case .known(let associations):
            let missing = gap ?? socket?.reasons[.xfrm]
            ledger.finishReading(associations, owners: owners, eventsMissing: missing, at: now)
            gap = nil
            reason = nil
        case .unknown(let reason):
            self.reason = reason
            gap = reason
        }
        readAt = started + (now - started) / 2
    }

    /// Takes what events say until there are no more, or, in a flood, has the reading put off.
    private func drainToEnd(_ body: (TimedKernelEvent) -> Void) -> Bool {
        for _ in 0..<Self.drains where drain(body) { return true }
        deadline = min(deadline, MonotonicClock.now() + Self.settling)
        return false
    }

    /// What is known of a tunnel.
    func reading(of tunnel: String) -> KernelReading {
        KernelReading(
            associations: reason.map { .unknown(reason: $0) }
                ?? .known(ledger.associations(of: tunnel)),
            eventsReason: socket == nil ? reason : socket?.reasons[.xfrm],
            totals: ledger.totals(of: tunnel), changes: ledger.changes(of: tunnel),
            readAt: readAt)
    }

    private func open() {
        if !isCurrent { close() }
        guard reader == nil else { return }
        do throws(NetlinkError) {
            // Events first: what changes between the two is in both.
            let socket = try KernelEventSocket(namespace: namespace)
            reader = try KernelReader(namespace: namespace)
            self.socket = socket
            if let namespace { identity = NetworkNamespace.identity(of: namespace) }
        } catch {
            reason = error.description
        }
    }

    private func close() {
        formerOverruns = overruns
        formerMalformed = malformedMessages
        reader = nil
        socket = nil
        gap = "the network namespace was made anew"
    }
}
