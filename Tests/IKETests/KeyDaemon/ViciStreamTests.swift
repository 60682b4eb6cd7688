import IKE
import NetworkPrimitives
import Testing

@Suite struct ViciStreamTests {
    /// Every packet in some octets that come in pieces of one size.
    private func packets(_ octets: [UInt8], pieces: Int) throws -> [ViciPacket] {
        var stream = ViciStream()
        var packets: [ViciPacket] = []
        var place = 0
        while place < octets.count {
            let end = min(place + pieces, octets.count)
            stream.append(octets[place..<end])
            while let packet = try stream.next() { packets.append(packet) }
            place = end
        }
        return packets
    }

    @Test(arguments: [1, 3, 64, 100_000])
    func `packets are the same however the octets come in pieces`(pieces: Int) throws {
        let packets = try packets(ViciSample.listConns, pieces: pieces)
        try #require(packets.count == 3)
        #expect(packets[0] == .confirmed)
        guard case .event("list-conn", let message) = packets[1] else {
            Issue.record("no event")
            return
        }
        #expect(message.sections.map(\.name) == ["lab"])
        #expect(packets[2] == .response(ViciMessage()))
    }

    @Test(arguments: [ViciSample.listConns, ViciSample.listSAs, ViciSample.version])
    func `what charon sent is written again octet by octet`(sample: [UInt8]) throws {
        let written = try packets(sample, pieces: 4096).flatMap(\.octets)
        #expect(written == sample)
    }

    @Test func `every kind of packet survives writing and reading`() throws {
        let message = ViciMessage([
            .init("child", .value("net")), .init("empty", .list([])),
            .init("ts", .list(["a", ""])),
            .init("section", .section(ViciMessage([.init("key", .value(""))]))),
        ])
        let all: [ViciPacket] = [
            .request("initiate", message), .response(message), .unknownCommand, .register("log"),
            .unregister("log"), .confirmed, .unknownEvent, .event("alert", message),
        ]
        #expect(try packets(all.flatMap(\.octets), pieces: 7) == all)
    }

    @Test func `a packet longer than the protocol allows is refused before it is kept`() {
        var stream = ViciStream()
        stream.append([0, 8, 0, 1])
        #expect(throws: ViciError.malformed) { try stream.next() }
    }

    @Test func `the longest packet that is allowed is waited for`() throws {
        var stream = ViciStream()
        stream.append([0, 8, 0, 0, 5])
        #expect(try stream.next() == nil)
    }

    @Test func `a packet that is none does not hide the next one`() throws {
        var stream = ViciStream()
        stream.append([0, 0, 0, 1, 9, 0, 0, 0, 1, 5])
        #expect(throws: ViciError.malformed) { try stream.next() }
        #expect(try stream.next() == .confirmed)
        stream.append([0, 0, 0, 0])
        #expect(throws: ViciError.truncated) { try stream.next() }
    }
}
