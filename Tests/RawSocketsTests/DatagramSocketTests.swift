import NetworkPrimitives
import Testing

@testable import RawSockets

@Suite struct DatagramSocketTests {
    private let loopback = IPAddress.v4(0x7f00_0001)

    private func socket() throws -> DatagramSocket {
        try DatagramSocket(EchoSocketOptions(family: .v4), from: nil, to: loopback)
    }

    /// Waits for the socket and drains it.
    private func events(
        of socket: DatagramSocket
    ) throws -> [(event: DatagramSocket.Event, octets: [UInt8])] {
        let poll = try EventPoll()
        try poll.add(socket.descriptor, key: 1)
        poll.wait(until: MonotonicClock.now() + .seconds(2)) { _ in }
        var events: [(DatagramSocket.Event, [UInt8])] = []
        socket.drain { event, payload in
            events.append((event, (0..<payload.byteCount).map { payload.uint8(at: $0) }))
        }
        return events
    }

    @Test func `a datagram arrives with address and port of its sender`() throws {
        let (near, far) = (try socket(), try socket())
        #expect(near.source == loopback)
        #expect(near.port != far.port)
        #expect(near.send([1, 2, 3], to: loopback, port: far.port) == nil)
        let arrived = try events(of: far)
        #expect(arrived.map(\.event) == [.received(from: loopback, port: near.port)])
        #expect(arrived.first?.octets == [1, 2, 3])
    }

    @Test func `a closed port is an ICMP error with its kind and sender`() throws {
        let near = try socket()
        var closed: UInt16 = 0
        do { closed = try socket().port }
        #expect(near.send([1], to: loopback, port: closed) == nil)
        let rejection = DatagramSocket.ICMPRejection(kind: "port unreachable", sender: loopback)
        #expect(try events(of: near).map(\.event) == [.rejected(rejection, port: closed)])
        // The error of one datagram is not the next one's.
        #expect(near.send([1], to: loopback, port: closed) == nil)
    }

    @Test func `what cannot be opened says why`() {
        #expect(throws: SocketError.self) {
            try DatagramSocket(
                EchoSocketOptions(family: .v4, device: "no-such-device"), from: nil, to: loopback)
        }
        #expect(throws: SocketError.self) {
            try DatagramSocket(
                EchoSocketOptions(family: .v4), from: .v4(0xc633_6463), to: loopback)
        }
    }
}
