import NetworkPrimitives
import Testing

@testable import RawSockets

/// On the loopback: what arrives, and from where answers go.
@Suite struct DatagramListenerTests {
    @Test(arguments: ["127.0.0.2", "::1"])
    func `a datagram comes with its way, and the answer leaves from the address it came to`(
        text: String
    ) throws {
        let address = try #require(IPAddress(text))
        let any: IPAddress = address.family == .v4 ? .v4(0) : .v6(0)
        let listener = try DatagramListener(on: any, port: 0)
        #expect(listener.port > 0)
        let client = try DatagramSocket(
            EchoSocketOptions(family: address.family), from: nil, to: address,
            bypassesPolicies: false)
        #expect(client.send([1, 2, 3], to: address, port: listener.port) == nil)

        let poll = try EventPoll()
        try poll.add(listener.descriptor, key: 1)
        try poll.add(client.descriptor, key: 2)
        var arrivals: [(DatagramListener.Arrival, Int)] = []
        poll.wait(until: MonotonicClock.now() + .seconds(10)) { _ in }
        listener.drain { arrival, bytes in arrivals.append((arrival, bytes.byteCount)) }
        let (arrival, count) = try #require(arrivals.first)
        #expect(count == 3)
        #expect(arrival.destination == address)
        #expect(arrival.source == client.source)
        #expect(arrival.sourcePort == client.port)
        #expect(arrival.hopLimit == 64)

        #expect(
            listener.send(
                [4], to: arrival.source, port: arrival.sourcePort, from: arrival.destination)
                == nil)
        poll.wait(until: MonotonicClock.now() + .seconds(10)) { _ in }
        var events: [DatagramSocket.Event] = []
        client.drain { event, _ in events.append(event) }
        #expect(events == [.received(from: address, port: listener.port)])
    }

    @Test func `a port that is taken is named`() throws {
        let listener = try DatagramListener(on: .v4(0x7f00_0001), port: 0)
        do {
            _ = try DatagramListener(on: .v4(0x7f00_0001), port: listener.port)
            Issue.record("two listeners on one port")
        } catch {
            #expect(error.description.contains("UDP port \(listener.port) of 127.0.0.1"))
        }
    }
}
