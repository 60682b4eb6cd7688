import NetworkPrimitives
import NetworkSimulation
import Testing

@testable import ProviderChecks

/// What is a check of the provider's and what is somebody's ping.
@Suite struct CheckRecognitionTests {
    private static func message(
        _ kind: CheckObservation.Kind, from source: String, to destination: String,
        _ identifier: UInt16, _ sequence: UInt16 = 0, at seconds: Double,
        place: CheckObservation.Place = .tunnel,
        _ direction: SeenEcho.Direction = .inbound
    ) -> SeenEcho {
        SeenEcho(
            at: at(seconds), place: place, direction: direction, kind: kind,
            source: address(source), destination: address(destination), identifier: identifier,
            sequence: sequence, payloadHash: 9, payloadByteCount: 56, hopLimit: 60)
    }

    private static func count(_ watch: LoneTunnel, at seconds: Double) -> Int {
        var watch = watch
        watch.advance(to: at(seconds))
        return watch.report(at: at(seconds)).totals.values.reduce(0) {
            $0 + $1.answered + $1.unanswered + $1.unjudged
        }
    }

    private var watch = LoneTunnel(settings: CheckedHost.settings, start: .zero)

    @Test func `the agent's own requests and their answers are no checks`() {
        var watch = watch
        for second in 0..<60 {
            let sequence = UInt16(second)
            watch.receive(
                Self.message(
                    .request, from: "10.252.2.27", to: "10.252.2.26", 77, sequence,
                    at: Double(second), .outbound))
            watch.receive(
                Self.message(
                    .reply, from: "10.252.2.26", to: "10.252.2.27", 77, sequence,
                    at: Double(second) + 0.03))
            // And its reply pairs, hop-limited, of which nothing comes back but errors.
            watch.receive(
                Self.message(
                    .reply, from: "10.252.2.27", to: "10.252.2.26", 78, sequence,
                    at: Double(second) + 0.5, .outbound))
            watch.advance(to: at(Double(second)))
        }
        #expect(Self.count(watch, at: 70) == 0)
    }

    @Test func `an Echo Reply to an address of this host is no check, asked for or not`() {
        var watch = watch
        for second in 0..<60 {
            watch.receive(
                Self.message(
                    .reply, from: "10.252.2.26", to: "10.252.2.27", UInt16(second),
                    at: Double(second)))
        }
        #expect(Self.count(watch, at: 70) == 0)
    }

    @Test func `a client's ping through the tunnel and its answers are no checks`() {
        var watch = watch
        for second in 0..<200 {
            let sequence = UInt16(second)
            watch.receive(
                Self.message(
                    .request, from: "192.168.1.20", to: "162.158.3.3", 5, sequence,
                    at: Double(second), .outbound))
            watch.receive(
                Self.message(
                    .reply, from: "162.158.3.3", to: "192.168.1.20", 5, sequence,
                    at: Double(second) + 0.03))
            watch.advance(to: at(Double(second)))
        }
        #expect(Self.count(watch, at: 210) == 0)
    }

    @Test func `a reply whose request is told of a little later is no check`() {
        var watch = watch
        for second in 0..<30 {
            watch.receive(
                Self.message(
                    .reply, from: "192.168.1.20", to: "100.64.3.3", 5, UInt16(second),
                    at: Double(second) + 0.03))
            watch.receive(
                Self.message(
                    .request, from: "100.64.3.3", to: "192.168.1.20", 5, UInt16(second),
                    at: Double(second), place: .wan, .outbound))
            watch.advance(to: at(Double(second)))
        }
        #expect(Self.count(watch, at: 40) == 0)
    }

    @Test func `a person's ping out of the tunnel to a host behind this one is no check`() {
        var watch = watch
        for second in 0..<300 {
            watch.receive(
                Self.message(
                    .request, from: "100.96.0.7", to: "192.168.1.20", 5, UInt16(second),
                    at: Double(second)))
            watch.receive(
                Self.message(
                    .reply, from: "192.168.1.20", to: "100.96.0.7", 5, UInt16(second),
                    at: Double(second) + 0.001, .outbound))
            watch.advance(to: at(Double(second)))
        }
        #expect(Self.count(watch, at: 310) == 0)
    }

    @Test func `a monitor that pings once a minute with a fresh identifier is no check`() {
        var watch = watch
        for minute in 0..<60 {
            watch.receive(
                Self.message(
                    .request, from: "100.96.0.7", to: "192.168.1.20", UInt16(minute * 31), 1,
                    at: Double(minute) * 60))
            watch.advance(to: at(Double(minute) * 60))
        }
        #expect(Self.count(watch, at: 3_610) == 0)
    }

    @Test func `requests that pass this host on their way elsewhere are no checks`() {
        var watch = watch
        for number in 0..<100 {
            let now = Double(number)
            watch.receive(
                Self.message(
                    .request, from: "10.252.2.26", to: "192.0.2.9", UInt16(number), at: now))
            watch.receive(
                Self.message(
                    .request, from: "10.252.2.26", to: "192.0.2.9", UInt16(number),
                    at: now + 0.0001, place: .wan, .outbound))
            watch.advance(to: at(now))
        }
        #expect(Self.count(watch, at: 110) == 0)
    }

    @Test(arguments: [
        // The far end's inside address asks, whatever the target.
        ("10.252.2.26", "10.252.2.27"), ("10.252.2.26", "192.168.1.20"),
        // The outer address is asked through the tunnel.
        ("162.158.3.3", "203.0.113.10"), ("10.9.9.9", "203.0.113.10"),
    ])
    func `requests are known by their addresses`(source: String, destination: String) {
        var watch = watch
        watch.receive(Self.message(.request, from: source, to: destination, 1, at: 1))
        #expect(Self.count(watch, at: 5) == 1)
    }

    @Test(arguments: [
        // An own source comes out of the tunnel.
        ("10.252.2.27", "10.252.2.26"), ("203.0.113.10", "162.158.3.3"),
        ("192.168.1.1", "162.158.3.3"),
        // A host's behind this one, never asked.
        ("192.168.1.20", "162.158.3.3"), ("192.168.1.20", "10.252.2.26"),
    ])
    func `unsolicited replies are known by their addresses`(source: String, destination: String) {
        var watch = watch
        watch.receive(Self.message(.reply, from: source, to: destination, 1, at: 1))
        #expect(Self.count(watch, at: 5) == 1)
    }

    @Test func `the target that the operator names makes a check`() {
        var settings = CheckedHost.settings
        settings.expectedTarget = address("172.64.240.252")
        var watch = LoneTunnel(settings: settings, start: .zero)
        watch.receive(
            Self.message(.request, from: "10.1.1.1", to: "172.64.240.252", 1, at: 1))
        watch.receive(
            Self.message(.reply, from: "172.64.240.252", to: "162.158.3.3", 1, at: 1))
        #expect(Self.count(watch, at: 5) == 2)
        // Without it nothing tells, and nothing is claimed.
        var plain = self.watch
        plain.receive(Self.message(.request, from: "10.1.1.1", to: "172.64.240.252", 1, at: 1))
        plain.receive(Self.message(.reply, from: "172.64.240.252", to: "162.158.3.3", 1, at: 1))
        #expect(Self.count(plain, at: 5) == 0)
    }

    @Test(arguments: [CheckObservation.Kind.request, .reply])
    func `many public senders with fresh identifiers make a check of an unknown target`(
        kind: CheckObservation.Kind
    ) {
        var watch = watch
        var generator = SeededGenerator(seed: 4)
        for number in 0..<200 {
            var message = Self.message(
                kind, from: "172.64.240.252", to: "172.64.240.252",
                .random(in: 0...UInt16.max, using: &generator), at: Double(number) / 10)
            if kind == .request {
                message.source = CheckedHost.edge(number % 40)
            } else {
                message.destination = CheckedHost.edge(number % 40)
            }
            watch.receive(message)
            watch.advance(to: message.at)
        }
        let count = Self.count(watch, at: 30)
        // The first few teach the shape and are not counted.
        #expect(count >= 180 && count < 200)
    }

    @Test func `agents of the other end and loops have no effect`() {
        var watch = watch
        // Own source as a request, multicast, from an own address.
        watch.receive(Self.message(.request, from: "10.252.2.27", to: "192.168.1.1", 1, at: 1))
        watch.receive(Self.message(.request, from: "10.252.2.26", to: "224.0.0.1", 1, at: 1))
        watch.receive(Self.message(.reply, from: "203.0.113.10", to: "10.252.2.27", 1, at: 1))
        #expect(Self.count(watch, at: 5) == 0)
    }

    @Test func `without a device, what a policy lets out of the tunnel is found on the underlay's`()
    {
        var settings = CheckedHost.settings
        settings.isPolicyBased = true
        settings.watched = [.wan]
        settings.encrypted = [
            .init(
                source: IPPrefix(CheckedHost.inside, length: 32),
                destination: IPPrefix(CheckedHost.farInside, length: 32))
        ]
        var watch = LoneTunnel(settings: settings, start: .zero)
        for number in 0..<40 {
            let now = Double(number) / 2
            // Anybody's pings of this host are none of the provider's.
            watch.receive(
                Self.message(
                    .request, from: "198.51.100.77", to: "203.0.113.10", 7, UInt16(number), at: now,
                    place: .wan))
            // An own source can only have come out of the tunnel; its answer would be seen.
            watch.receive(
                Self.message(
                    .reply, from: "203.0.113.10", to: "162.158.3.3", UInt16(number), at: now,
                    place: .wan))
            watch.advance(to: at(now))
        }
        watch.advance(to: at(25))
        var report = watch.report(at: at(25))
        #expect(report.totals[.request] == nil)
        #expect(report.totals[.reply]?.unanswered == 40)
        #expect(report.style == .reply)
        #expect(report.missing != nil)
        // An answer that a policy covers leaves encrypted, and proves nothing by not being seen.
        for number in 0..<40 {
            watch.receive(
                Self.message(
                    .reply, from: "10.252.2.27", to: "10.252.2.26", UInt16(number),
                    at: 400 + Double(number) / 2, place: .wan))
            watch.advance(to: at(400 + Double(number) / 2))
        }
        watch.advance(to: at(425))
        report = watch.report(at: at(425))
        #expect(report.totals[.reply]?.unjudged == 40)
        #expect(report.answered == nil)
        #expect(report.answeredReason?.contains("encrypted") == true)
    }

    @Test func `whoever asks the tunnel's address often, with a fresh identifier each, checks it`()
    {
        var watch = watch
        for number in 0..<40 {
            watch.receive(
                Self.message(
                    .request, from: "10.253.9.9", to: "10.252.2.27", UInt16(number * 13),
                    at: Double(number) / 4))
            watch.advance(to: at(Double(number) / 4))
        }
        #expect(Self.count(watch, at: 15) == 33)
        // Now and then, or with one identifier, is somebody's ping.
        var slow = self.watch
        var steady = self.watch
        for number in 0..<60 {
            slow.receive(
                Self.message(
                    .request, from: "10.253.9.9", to: "10.252.2.27", UInt16(number * 13),
                    at: Double(number) * 30))
            steady.receive(
                Self.message(
                    .request, from: "10.253.9.9", to: "10.252.2.27", 5, UInt16(number),
                    at: Double(number)))
        }
        #expect(Self.count(slow, at: 1_900) == 0)
        #expect(Self.count(steady, at: 70) == 0)
    }
}
