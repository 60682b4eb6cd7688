/// A connection that a key daemon is configured to have, as `list-conns` tells.
public struct KeyDaemonConnection: Equatable, Sendable {
    /// A child SA that it is to have.
    public struct Child: Equatable, Sendable {
        /// Its name.
        public var name: String
        /// Its mode, like TUNNEL.
        public var mode: String?
        /// When it is rekeyed; nil for never.
        public var rekeyAfter: Duration?
        /// What happens when the peer is dead: `none`, `clear`, `trap` or `start`, which restarts.
        public var deadPeerAction: String?
        /// What happens when the peer deletes it.
        public var closeAction: String?
        /// Selectors of this end.
        public var localSelectors: [String]
        /// Selectors of the far end.
        public var remoteSelectors: [String]
    }

    /// Its name.
    public var name: String
    /// Addresses or patterns of this end.
    public var localAddresses: [String]
    /// Addresses or patterns of the far end.
    public var remoteAddresses: [String]
    /// The identity of this end.
    public var localID: String?
    /// The identity that the far end must have.
    public var remoteID: String?
    /// IKEv1, IKEv2.
    public var version: String?
    /// When the IKE SA is rekeyed; nil for never.
    public var rekeyAfter: Duration?
    /// How long a peer may be silent before it is asked; nil when dead peers are not looked for.
    public var deadPeerDelay: Duration?
    /// The child SAs.
    public var children: [Child]

    /// Reads an event `list-conn`.
    public static func all(in message: ViciMessage) -> [KeyDaemonConnection] {
        message.sections.map { KeyDaemonConnection(name: $0.name, $0.section) }
    }

    private init(name: String, _ section: ViciMessage) {
        self.name = name
        localAddresses = section.list("local_addrs")
        remoteAddresses = section.list("remote_addrs")
        version = section.value("version")
        rekeyAfter = section.seconds("rekey_time")
        deadPeerDelay = section.seconds("dpd_delay")
        localID = section.sections.first { $0.name.hasPrefix("local-") }?.section.value("id")
        remoteID = section.sections.first { $0.name.hasPrefix("remote-") }?.section.value("id")
        children = (section.section("children")?.sections ?? []).map { name, child in
            Child(
                name: name, mode: child.value("mode"), rekeyAfter: child.seconds("rekey_time"),
                deadPeerAction: child.value("dpd_action"),
                closeAction: child.value("close_action"),
                localSelectors: child.list("local-ts"), remoteSelectors: child.list("remote-ts"))
        }
    }
}

extension ViciMessage {
    /// A number of seconds above 0; nil for none.
    func seconds(_ name: String) -> Duration? {
        guard let seconds = value(name).flatMap({ Int64($0) }), seconds > 0 else { return nil }
        return .seconds(seconds)
    }
}
