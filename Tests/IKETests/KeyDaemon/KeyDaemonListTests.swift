import IKE
import NetworkPrimitives
import Testing

@Suite struct KeyDaemonListTests {
    /// The events among what charon sent.
    private func events(_ octets: [UInt8]) throws -> [ViciMessage] {
        var stream = ViciStream()
        stream.append(octets[...])
        var events: [ViciMessage] = []
        while let packet = try stream.next() {
            if case .event(_, let message) = packet { events.append(message) }
        }
        return events
    }

    @Test func `a connection is read as charon tells it`() throws {
        let all = try events(ViciSample.listConns).flatMap(KeyDaemonConnection.all)
        let connection = try #require(all.first)
        #expect(all.count == 1)
        #expect(connection.name == "lab")
        #expect(connection.localAddresses == ["203.0.113.10"])
        #expect(connection.remoteAddresses == ["198.51.100.1"])
        #expect(connection.localID == "0123abcd.4567ef01.ipsec.example.net")
        #expect(connection.remoteID == "198.51.100.1")
        #expect(connection.version == "IKEv2")
        #expect(connection.rekeyAfter == .seconds(28_800))
        #expect(connection.deadPeerDelay == .seconds(10))
        let child = try #require(connection.children.first)
        #expect(child.name == "net")
        #expect(child.mode == "TUNNEL")
        #expect(child.rekeyAfter == .seconds(3600))
        #expect(child.deadPeerAction == "start")
        #expect(child.closeAction == "none")
        #expect(child.localSelectors == ["0.0.0.0/0"])
        #expect(child.remoteSelectors == ["0.0.0.0/0"])
    }

    @Test func `an association is read as charon tells it`() throws {
        let all = try events(ViciSample.listSAs).flatMap(KeyDaemonAssociation.all)
        let association = try #require(all.first)
        #expect(all.count == 1)
        #expect(association.connection == "lab")
        #expect(association.state == "ESTABLISHED")
        #expect(association.local == IPAddress("203.0.113.10"))
        #expect(association.remote == IPAddress("198.51.100.1"))
        #expect(association.isInitiator)
        #expect(association.proposal == "AES_GCM_16_256/PRF_HMAC_SHA2_256/MODP_2048")
        #expect(association.rekeyIn == .seconds(28_791))
        let child = try #require(association.children.first)
        #expect(child.name == "net")
        #expect(child.state == "INSTALLED")
        #expect(child.inboundSPI == SPI(rawValue: 0xc257_41aa))
        #expect(child.outboundSPI == SPI(rawValue: 0xcdff_16a7))
        #expect(child.cipher == "AES_GCM_16_256")
        #expect(!child.usesExtendedNumbers)
        #expect(child.endsIn == .seconds(3949))
    }

    @Test func `a daemon that tells nothing leaves unknown what it does not tell`() throws {
        let empty = ViciMessage([.init("lab", .section(ViciMessage()))])
        let connection = try #require(KeyDaemonConnection.all(in: empty).first)
        #expect(connection.deadPeerDelay == nil)
        #expect(connection.rekeyAfter == nil)
        #expect(connection.children.isEmpty)
        let association = try #require(KeyDaemonAssociation.all(in: empty).first)
        #expect(association.state == nil)
        #expect(association.remote == nil)
        #expect(association.age == nil)
        #expect(association.children.isEmpty)
    }

    @Test func `numbers that are none are unknown`() throws {
        let message = ViciMessage([
            .init(
                "lab",
                .section(
                    ViciMessage([
                        .init("rekey_time", .value("soon")), .init("dpd_delay", .value("-1")),
                    ])))
        ])
        let connection = try #require(KeyDaemonConnection.all(in: message).first)
        #expect(connection.rekeyAfter == nil)
        #expect(connection.deadPeerDelay == nil)
    }
}
