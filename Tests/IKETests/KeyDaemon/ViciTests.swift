import IKE
import NetworkPrimitives
import Testing

@Suite struct ViciTests {
    /// As charon 5.9.8 tells of a connection, shortened.
    static let connections = ViciMessage([
        .init(
            "lab",
            .section(
                ViciMessage([
                    .init("local_addrs", .list(["203.0.113.10"])),
                    .init("remote_addrs", .list(["198.51.100.1"])),
                    .init("version", .value("IKEv2")), .init("rekey_time", .value("28800")),
                    .init("dpd_delay", .value("10")),
                    .init(
                        "local-1",
                        .section(ViciMessage([.init("id", .value("a.ipsec.example.net"))]))),
                    .init(
                        "remote-1", .section(ViciMessage([.init("id", .value("198.51.100.1"))]))),
                    .init(
                        "children",
                        .section(
                            ViciMessage([
                                .init(
                                    "net",
                                    .section(
                                        ViciMessage([
                                            .init("mode", .value("TUNNEL")),
                                            .init("rekey_time", .value("0")),
                                            .init("dpd_action", .value("start")),
                                            .init("local-ts", .list(["0.0.0.0/0"])),
                                            .init("remote-ts", .list([])),
                                        ])))
                            ]))),
                ])))
    ])

    private func parsed(_ octets: [UInt8]) throws(ViciError) -> ViciMessage {
        try octets.withRawSpan { bytes throws(ViciError) in try ViciMessage(parsing: bytes) }
    }

    @Test func `what is written is read again`() throws {
        #expect(try parsed(Self.connections.octets) == Self.connections)
        for packet: ViciPacket in [
            .request("version", ViciMessage()), .response(Self.connections), .unknownCommand,
            .register("log"), .unregister("log"), .confirmed, .unknownEvent,
            .event("list-conn", Self.connections),
        ] {
            var stream = ViciStream()
            stream.append(packet.octets[...])
            #expect(try stream.next() == packet)
            #expect(try stream.next() == nil)
        }
    }

    @Test func `octets of charon are read`() throws {
        // log { group = CFG, level = 1, thread = 8, msg = vici }
        var octets: [UInt8] = [7, 3] + Array("log".utf8)
        for (name, value) in [("group", "CFG"), ("level", "1"), ("thread", "8"), ("msg", "vici")] {
            octets += [3, UInt8(name.utf8.count)] + Array(name.utf8)
            octets += [0, UInt8(value.utf8.count)] + Array(value.utf8)
        }
        let packet = try octets.withRawSpan { bytes throws(ViciError) in
            try ViciPacket(parsing: bytes)
        }
        guard case .event("log", let message) = packet else {
            Issue.record("it is \(packet)")
            return
        }
        #expect(message.value("msg") == "vici")
        #expect(message.value("group") == "CFG")
        #expect(message.value("absent") == nil)
    }

    @Test func `a cut message is truncated, wherever it is cut`() {
        let octets = Self.connections.octets
        for count in 1..<octets.count {
            #expect(throws: ViciError.truncated, "cut to \(count)") {
                try parsed(Array(octets[..<count]))
            }
        }
    }

    @Test func `what contradicts the protocol is malformed`() {
        let deep =
            (0..<40).flatMap { _ in [1, 1, 65] as [UInt8] }
        for octets: [UInt8] in [[2], [5, 0, 0], [6], [9], [4, 1, 65, 3], [0], deep] {
            #expect(throws: ViciError.malformed, "\(octets)") { try parsed(octets) }
        }
    }

    @Test func `any octets are read without a trap`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let octets = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...9, using: &generator)
            }
            do throws(ViciError) {
                let message = try parsed(octets)
                #expect(message.octets == octets)
            } catch {
                continue
            }
        }
    }

    @Test func `a stream may come octet by octet`() throws {
        let packets: [ViciPacket] = [
            .confirmed, .event("log", Self.connections), .response(.init()),
        ]
        var stream = ViciStream()
        var found: [ViciPacket] = []
        for octet in packets.flatMap(\.octets) {
            stream.append([octet])
            while let packet = try stream.next() { found.append(packet) }
        }
        #expect(found == packets)
    }

    @Test func `a packet longer than the protocol allows is no vici`() {
        var stream = ViciStream()
        stream.append([0, 8, 0, 1])
        #expect(throws: ViciError.malformed) { try stream.next() }
    }

    @Test func `a configured connection tells its identities, lifetimes and dead peer detection`()
        throws
    {
        let connection = try #require(KeyDaemonConnection.all(in: Self.connections).first)
        #expect(connection.name == "lab")
        #expect(connection.localID == "a.ipsec.example.net")
        #expect(connection.remoteID == "198.51.100.1")
        #expect(connection.remoteAddresses == ["198.51.100.1"])
        #expect(connection.rekeyAfter == .seconds(28_800))
        #expect(connection.deadPeerDelay == .seconds(10))
        let child = try #require(connection.children.first)
        #expect(child.deadPeerAction == "start")
        #expect(child.rekeyAfter == nil)
        #expect(child.localSelectors == ["0.0.0.0/0"])
    }

    @Test func `an IKE SA tells its peer and its children`() throws {
        let message = ViciMessage([
            .init(
                "lab",
                .section(
                    ViciMessage([
                        .init("state", .value("ESTABLISHED")),
                        .init("local-host", .value("203.0.113.10")),
                        .init("remote-host", .value("198.51.100.1")),
                        .init("initiator", .value("yes")),
                        .init("encr-alg", .value("AES_GCM_16")),
                        .init("encr-keysize", .value("256")),
                        .init("prf-alg", .value("PRF_HMAC_SHA2_256")),
                        .init("dh-group", .value("MODP_2048")),
                        .init(
                            "child-sas",
                            .section(
                                ViciMessage([
                                    .init(
                                        "net-3",
                                        .section(
                                            ViciMessage([
                                                .init("name", .value("net")),
                                                .init("state", .value("INSTALLED")),
                                                .init("spi-in", .value("c25741aa")),
                                                .init("spi-out", .value("cdff16a7")),
                                                .init("esn", .value("1")),
                                            ])))
                                ]))),
                    ])))
        ])
        let association = try #require(KeyDaemonAssociation.all(in: message).first)
        #expect(association.connection == "lab")
        #expect(association.remote == IPAddress("198.51.100.1"))
        #expect(association.proposal == "AES_GCM_16_256/PRF_HMAC_SHA2_256/MODP_2048")
        #expect(association.isInitiator)
        let child = try #require(association.children.first)
        #expect(child.inboundSPI == SPI(rawValue: 0xc257_41aa))
        #expect(child.usesExtendedNumbers)
        var report = KeyDaemonReport()
        report.connection = KeyDaemonConnection.all(in: Self.connections).first
        #expect(report.isConfiguredButDown)
        #expect(report.restartsDeadPeers == true)
        report.association = association
        #expect(!report.isConfiguredButDown)
    }
}
