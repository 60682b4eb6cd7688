import NetworkPrimitives
import NetworkSimulation
import Testing

@testable import Reflecting

/// Whole runs, both sides, over a simulated network.
@Suite struct ReflectionRunTests {
    @Test func `over a clean path everything arrives, both ways, and is counted once`() {
        var simulation = SimulatedReflection()
        let report = simulation.run()
        #expect(report.isComplete)
        #expect(report.reason == nil)
        for direction in [report.forward, report.reverse] {
            #expect(direction.verdict == .open)
            for delivery in [direction.replies, direction.requests] {
                #expect(delivery.sent == 10)
                #expect(delivery.received == 10)
                #expect(delivery.duplicates == 0)
                #expect(delivery.reordered == 0)
                #expect(delivery.ratio == 1)
                #expect(delivery.hopLimits == 60...60)
                #expect(delivery.likelyHops == 4)
            }
        }
        #expect(report.answersReceived == 10)
        #expect(report.answersDelivered == 10)
        #expect(report.isTranslated == false)
        #expect(report.roundTrip == .milliseconds(40))
        #expect(report.observed == Endpoint(address: SimulatedReflection.agent, port: 40_000))
        #expect(simulation.summaries.count == 1)
        #expect(simulation.reflector.counts.drops().isEmpty)
        // Hello, challenge, begin, begun, ten slots, settling, receipt: not much longer than that.
        #expect((simulation.now - MonotonicInstant(nanoseconds: 7_000_000_000)) < .seconds(1))
    }

    @Test func `a filter for unsolicited Echo Replies is seen each way, and only that way`() {
        var network = SimulatedReflection.Network()
        network.dropsForwardReplies = true
        var simulation = SimulatedReflection(network)
        var report = simulation.run()
        #expect(report.forward.verdict == .blocked)
        #expect(report.forward.replies.received == 0)
        #expect(report.forward.requests.received == 10)
        #expect((report.forward.confidence ?? 0) > 0.99)
        #expect(report.forward.reason?.contains("none of 10 Echo Replies arrived") == true)
        #expect(report.reverse.verdict == .open)
        // What the kernels answer passes such a filter.
        #expect(report.answersReceived == 10)

        network.dropsForwardReplies = false
        network.dropsReverseReplies = true
        simulation = SimulatedReflection(network)
        report = simulation.run()
        #expect(report.forward.verdict == .open)
        #expect(report.reverse.verdict == .blocked)
        #expect(report.reverse.requests.received == 10)
    }

    @Test func `loss, jitter and copies never make a path blocked that is not`() {
        for seed in 0..<200 as Range<UInt64> {
            var network = SimulatedReflection.Network()
            network.loss = 0.3
            network.jitter = .milliseconds(90)
            network.duplication = 0.2
            var simulation = SimulatedReflection(network, seed: seed)
            let report = simulation.run()
            #expect(report.forward.verdict != .blocked, "seed \(seed)")
            #expect(report.reverse.verdict != .blocked, "seed \(seed)")
            for direction in [report.forward, report.reverse] {
                for delivery in [direction.replies, direction.requests] {
                    if let received = delivery.received, let sent = delivery.sent {
                        #expect(received <= sent, "seed \(seed)")
                    }
                }
                #expect((direction.verdict == .inconclusive) == (direction.confidence == nil))
                #expect(direction.verdict != .inconclusive || direction.reason != nil)
            }
        }
    }

    @Test func `with 30 percent loss a filter is still found, and too few requests are no proof`() {
        var blocked = 0
        for seed in 0..<100 as Range<UInt64> {
            var network = SimulatedReflection.Network()
            network.loss = 0.3
            network.dropsForwardReplies = true
            var simulation = SimulatedReflection(network, seed: seed)
            let report = simulation.run()
            #expect(report.forward.verdict != .open, "seed \(seed)")
            if report.forward.verdict == .blocked { blocked += 1 }
        }
        #expect(blocked > 80)

        var direction = ReflectionReport.Direction()
        direction.replies.sent = 10
        direction.requests.sent = 10
        direction.replies.received = 0
        for arrived in 0...10 as ClosedRange<UInt32> {
            direction.requests.received = arrived
            direction.judge(because: nil, arrivingAt: "there", isTranslated: false)
            // (11 - arrived) / 12 to the tenth is below 1 % from four on.
            #expect((direction.verdict == .blocked) == (arrived >= 4), "\(arrived) arrived")
        }
    }

    @Test func `copies and reordering are counted apart`() {
        var network = SimulatedReflection.Network()
        network.duplication = 1
        network.jitter = .milliseconds(200)
        var simulation = SimulatedReflection(network, seed: 5)
        let report = simulation.run()
        #expect(report.isComplete)
        #expect(report.forward.replies.received == 10)
        #expect(report.forward.replies.duplicates.map { $0 > 0 } == true)
        #expect(report.forward.replies.reordered.map { $0 > 0 } == true)
        #expect(report.forward.replies.ratio == 1)
    }

    @Test func `a rate limit on Echo Replies is open, with the share and a remark`() {
        var network = SimulatedReflection.Network()
        network.dropsShareOfForwardReplies = 0.7
        var simulation = SimulatedReflection(network, seed: 3)
        let report = simulation.run()
        #expect(report.forward.verdict == .open)
        #expect(report.forward.reason?.hasPrefix("only ") == true)
        #expect((report.forward.replies.ratio ?? 1) < 0.5)
    }

    @Test func `a translator is told, and blamed for what it drops`() {
        var network = SimulatedReflection.Network()
        network.translated = .v4(0xcb00_7163)
        network.dropsReverseReplies = true
        var simulation = SimulatedReflection(network)
        let report = simulation.run()
        #expect(report.isTranslated == true)
        #expect(report.observed?.address == network.translated)
        #expect(report.observedProbeSource == network.translated)
        #expect(report.reverse.verdict == .blocked)
        #expect(report.reverse.reason?.contains("translation of addresses") == true)
    }

    @Test
    func `behind a translator that lets nothing in, the way back is unclear, and why is said`() {
        var direction = ReflectionReport.Direction()
        (direction.replies.sent, direction.replies.received) = (10, 0)
        (direction.requests.sent, direction.requests.received) = (10, 0)
        direction.judge(because: nil, arrivingAt: "this host", isTranslated: true)
        #expect(direction.verdict == .inconclusive)
        #expect(direction.reason?.contains("addresses are translated") == true)
        direction.judge(because: nil, arrivingAt: "this host", isTranslated: false)
        #expect(direction.reason?.contains("translated") == false)
    }

    @Test func `no clock is compared: neither skew nor drift matters`() {
        for (skew, drift) in [
            (Duration.seconds(-5), 0), (.seconds(86_400 * 400), 0), (.zero, 0.2), (.zero, -0.2),
        ] {
            var simulation = SimulatedReflection(skew: skew, drift: drift)
            let report = simulation.run()
            #expect(report.isComplete)
            #expect(report.forward.replies.received == 10)
        }
    }

    @Test func `lost datagrams are sent again, six times in all, and then the reason is told`() {
        var network = SimulatedReflection.Network()
        network.droppedFirst = 2
        var simulation = SimulatedReflection(network)
        #expect(simulation.run().isComplete)

        network = SimulatedReflection.Network()
        network.dropsDatagrams = true
        simulation = SimulatedReflection(network)
        var report = simulation.run()
        #expect(!report.isComplete)
        #expect(report.reason?.hasPrefix("no answer: UDP to it is filtered") == true)
        #expect(report.forward.verdict == .inconclusive)
        #expect(report.forward.replies.received == nil)
        #expect(report.reverse.replies.received == nil)
        #expect(report.reverse.replies.sent == nil)
        #expect(simulation.now - MonotonicInstant(nanoseconds: 7_000_000_000) < .seconds(6))

        simulation = SimulatedReflection(network)
        simulation.client.rejected(because: "port unreachable, says 192.0.2.7")
        report = simulation.run()
        #expect(report.reason?.contains("port unreachable, says 192.0.2.7") == true)
    }

    @Test func `another key gets no answer at all`() {
        var simulation = SimulatedReflection(secret: Array(repeating: 9, count: 16))
        let report = simulation.run()
        #expect(!report.isComplete)
        #expect(report.reason?.contains("key") == true)
        #expect(simulation.reflector.counts.sent == 0)
        #expect(simulation.reflector.counts.unauthenticated == 6)
    }

    @Test func `a probe that this host refuses to send is not counted as sent`() {
        var tally = DeliveryTally()
        for _ in 0..<10 {
            tally.sent(.reply)
            tally.sent(.request)
            tally.failedToSend(.reply, isRefusedHere: true, because: "EPERM")
        }
        tally.receipt = Receipt()
        tally.receipt?.requests.received = 10
        var report = ReflectionReport()
        tally.conclude(because: nil, into: &report)
        #expect(report.forward.replies.sent == 0)
        #expect(report.forward.replies.ratio == nil)
        #expect(report.forward.verdict == .blocked)
        #expect(report.forward.reason == "this host cannot send Echo Replies: EPERM")
    }
}
