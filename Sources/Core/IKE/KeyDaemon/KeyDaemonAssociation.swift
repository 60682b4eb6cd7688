public import NetworkPrimitives

/// An IKE SA that a key daemon has, as `list-sas` tells.
public struct KeyDaemonAssociation: Equatable, Sendable {
    /// A child SA of it.
    public struct Child: Equatable, Sendable {
        /// Its name.
        public var name: String
        /// Its state, like INSTALLED or REKEYING.
        public var state: String?
        /// The inbound SPI.
        public var inboundSPI: SPI?
        /// The outbound SPI.
        public var outboundSPI: SPI?
        /// The cipher with its key's bits.
        public var cipher: String?
        /// Whether it uses extended sequence numbers.
        public var usesExtendedNumbers: Bool
        /// Until it is rekeyed.
        public var rekeyIn: Duration?
        /// Until it ends.
        public var endsIn: Duration?
    }

    /// The name of its connection.
    public var connection: String
    /// Its state, like ESTABLISHED or CONNECTING.
    public var state: String?
    /// The address of this end.
    public var local: IPAddress?
    /// The address of the far end.
    public var remote: IPAddress?
    /// The identity of this end.
    public var localID: String?
    /// The identity of the far end.
    public var remoteID: String?
    /// Whether this end began.
    public var isInitiator: Bool
    /// Cipher, pseudo-random function and group.
    public var proposal: String
    /// Since when it is there.
    public var age: Duration?
    /// Until it is rekeyed.
    public var rekeyIn: Duration?
    /// The child SAs.
    public var children: [Child]

    /// Reads an event `list-sa`, `ike-updown` or `child-updown`.
    public static func all(in message: ViciMessage) -> [KeyDaemonAssociation] {
        message.sections.map { KeyDaemonAssociation(connection: $0.name, $0.section) }
    }

    private init(connection: String, _ section: ViciMessage) {
        self.connection = connection
        state = section.value("state")
        local = section.value("local-host").flatMap { IPAddress($0) }
        remote = section.value("remote-host").flatMap { IPAddress($0) }
        localID = section.value("local-id")
        remoteID = section.value("remote-id")
        isInitiator = section.value("initiator") == "yes"
        let cipher = section.cipher
        proposal = [
            cipher, section.value("integ-alg"), section.value("prf-alg"), section.value("dh-group"),
        ]
        .compactMap { $0 }.joined(separator: "/")
        age = section.seconds("established")
        rekeyIn = section.seconds("rekey-time")
        children = (section.section("child-sas")?.sections ?? []).map { name, child in
            Child(
                name: child.value("name") ?? name, state: child.value("state"),
                inboundSPI: child.value("spi-in").flatMap { UInt32($0, radix: 16) }.map {
                    SPI(rawValue: $0)
                },
                outboundSPI: child.value("spi-out").flatMap { UInt32($0, radix: 16) }.map {
                    SPI(rawValue: $0)
                },
                cipher: child.cipher, usesExtendedNumbers: child.value("esn") == "1",
                rekeyIn: child.seconds("rekey-time"), endsIn: child.seconds("life-time"))
        }
    }
}

extension ViciMessage {
    /// `AES_GCM_16_256`.
    fileprivate var cipher: String? {
        value("encr-alg").map { name in
            value("encr-keysize").map { "\(name)_\($0)" } ?? name
        }
    }
}
