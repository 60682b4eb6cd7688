public import NetworkPrimitives

/// The echo messages of all tunnels of a host, told of once each: what arrived by a tunnel waits here
/// for what answers it, and what this side asked is known.
///
/// A host's answers and requests concern each of its tunnels. Kept by every tunnel for itself, a
/// thousand tunnels would keep a million of them; here a message costs the same however many there are.
public struct EchoExchanges: Sendable {
    /// A tunnel as far as its echo messages go.
    public struct Tunnel: Hashable, Sendable {
        /// Its number among all tunnels; no other ever has the same.
        public var number: Int
        /// The number of its network namespace: in another the same addresses are other hosts.
        public var namespace: Int
        /// The number of its own device.
        public var device: Int?
        /// The number of the underlay's device.
        public var wan: Int?

        /// Makes a tunnel.
        public init(number: Int = 0, namespace: Int = 0, device: Int? = nil, wan: Int? = nil) {
            self.number = number
            self.namespace = namespace
            self.device = device
            self.wan = wan
        }

        /// What a device is to this tunnel.
        func place(of exit: Exit) -> CheckObservation.Place {
            switch exit.device {
            case wan: .wan
            case device: .tunnel
            default: exit.isTunnel ? .otherTunnel : .wan
            }
        }
    }

    /// A device that echo messages leave by.
    public struct Exit: Hashable, Sendable {
        /// Its number among all devices.
        public var device: Int
        /// The number of its network namespace.
        public var namespace: Int
        /// Whether some tunnel's own device it is.
        public var isTunnel: Bool

        /// Makes an exit.
        public init(device: Int, namespace: Int, isTunnel: Bool) {
            self.device = device
            self.namespace = namespace
            self.isTunnel = isTunnel
        }
    }

    /// A check whose time is over; `ProviderCheckWatch.judge` of its tunnel takes it.
    public struct Due: Sendable {
        let check: PendingCheck
        /// The tunnel's number.
        public var tunnel: Int { check.tunnel.number }
    }

    private var matching = CheckMatching()
    private(set) var conversations = EchoConversations()

    /// Begins with nothing.
    public init() {}

    /// How many entries there are: bounded, whatever is received.
    public var heldCount: Int {
        matching.pendingCount + matching.leavingCount + conversations.heldCount
    }

    /// When answers left that were forgotten for lack of room.
    var forgotten: LossSpan { matching.forgotten }

    /// An echo message left this host, or passed it on its way out.
    public mutating func leave(_ echo: CheckObservation, by exit: Exit) {
        switch echo.kind {
        case .request: conversations.note(echo, in: exit.namespace)
        case .reply: matching.leave(echo, by: exit)
        }
    }

    /// An echo message arrived by a tunnel.
    ///
    /// - Returns: the check itself where there is no room to wait for its answer.
    mutating func arrive(_ echo: CheckObservation, by tunnel: Tunnel) -> PendingCheck? {
        matching.arrive(echo, by: tunnel)
    }

    /// The oldest check whose time is over; nil when there is none.
    ///
    /// To be called about once a second, until there is none.
    public mutating func nextDue(at now: MonotonicInstant) -> Due? {
        matching.judge(at: now).map { Due(check: $0) }
    }
}
