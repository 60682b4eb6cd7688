@testable import IKE
import NetworkPrimitives
import PacketFormats
import Testing

/// Captures of strongSwan: what happened in them is in the fixtures' README, and tshark's list of
/// them was read by eye.
@Suite struct IKEExchangeTrackerTests {
    @Test func `rekeys, liveness and keepalives have their rhythm`() throws {
        let report = try #require(try CapturedIKE("rekeys").report(after: .seconds(1)))
        #expect(report.local == .v4(0x0a09_0102))
        #expect(report.isLocalKnown)
        #expect(report.initiator == .outbound)
        #expect(report.outbound.messages == 15 && report.inbound.messages == 15)
        #expect(report.outbound.requests == 5 && report.inbound.requests == 10)
        #expect(report.retransmissionRatio == 0)
        #expect(report.rekeys.count == 4)
        #expect(report.associations == 3, "both sides rekeyed the IKE SA at once")
        #expect(report.inbound.liveness.count == 4)
        #expect(report.outbound.keepalives.count == 7)
        let interval = try #require(report.outbound.keepalives.interval)
        #expect(interval > .milliseconds(995) && interval < .milliseconds(1005))
        #expect(report.chosen?.description == "AES_GCM_16_256/PRF_SHA2_256/ECP_384")
        #expect(report.floated && report.answered500 == true && report.answered4500 == true)
        #expect(report.natLocal == true, "a masquerade")
        #expect(report.natRemote == true && report.natPretended == true, "both pretend")
        #expect(report.established == true)
        #expect(report.failure == nil && report.likelyFailure == nil && report.evidence == [])
        #expect(report.open.isEmpty)
    }

    @Test func `each failure is told by what proves it`() throws {
        let expected: [String: (IKEFailure?, IKEFailure?, Bool?)] = [
            "blocked-500": (.noResponse, nil, nil), "blocked-4500": (.noResponse, nil, nil),
            "no-proposal": (.noProposal, nil, false), "wrong-secret": (nil, .authentication, false),
            "wrong-peer": (nil, .authentication, false),
            "child-refused": (nil, .childRefused, true),
            "rekey-refused": (nil, nil, true), "cbc": (nil, nil, true), "cookie": (nil, nil, true),
            "fragments": (nil, nil, true), "other-group": (nil, nil, true),
            "rekeys": (nil, nil, true), "rebind": (nil, nil, true), "ikev1": (nil, nil, nil),
        ]
        for name in CapturedIKE.names {
            let report = try #require(try CapturedIKE(name).report())
            let (failure, likely, established) = try #require(expected[name])
            #expect(report.failure == failure, "\(name)")
            #expect(report.likelyFailure == likely, "\(name)")
            #expect(report.established == established, "\(name)")
            let isSilent = failure == nil && likely == nil && name != "rekey-refused"
            #expect(report.evidence.isEmpty == isSilent, "\(name)")
        }
    }

    @Test func `ports that do not answer are named`() throws {
        let blocked = try #require(try CapturedIKE("blocked-4500").report())
        #expect(blocked.answered500 == true && blocked.answered4500 == false)
        #expect(blocked.outbound.retransmissions == 3)
        #expect(blocked.open.map(\.type) == [.ikeAuth])
        #expect(blocked.open[0].sendings == 4 && blocked.open[0].isOnPort4500)
        #expect(blocked.evidence.contains { $0.contains("IKE_AUTH to port 4500") })
        let first = try #require(try CapturedIKE("blocked-500").report())
        #expect(first.answered500 == false && first.answered4500 == nil)
    }

    @Test func `a request is unanswered when nothing came for ten seconds, and counted once`()
        throws
    {
        var (tracker, end) = try CapturedIKE("blocked-500").track()
        let counts = [9, 10, 60].map {
            tracker.reports(at: end + .seconds($0))[0].outbound.unanswered
        }
        #expect(counts == [0, 1, 1])
    }

    @Test func `cookies, other groups and fragments are part of an exchange`() throws {
        let cookie = try #require(try CapturedIKE("cookie").report())
        #expect(cookie.cookies == 3)
        #expect(cookie.associations == 4, "three are forged")
        #expect(cookie.outbound.retransmissions == 0)
        let group = try #require(try CapturedIKE("other-group").report())
        #expect(group.groupChanges == 1 && group.refusal == nil)
        #expect(group.offeredGroup?.description == "ECP_384")
        let fragments = try #require(try CapturedIKE("fragments").report())
        #expect(fragments.outbound.fragments == 4 && fragments.inbound.fragments == 3)
        #expect(fragments.outbound.requests == 3 && fragments.outbound.retransmissions == 0)
        let old = try #require(try CapturedIKE("ikev1").report())
        #expect(old.outbound.ikev1 == 1 && old.inbound.ikev1 == 1)
    }

    @Test func `a NAT that goes away changes an address under the same SPIs`() throws {
        var (tracker, end) = try CapturedIKE("rebind").track(
            .init(locals: [.v4(0xcb00_7102)]))
        let reports = tracker.reports(at: end)
        #expect(reports.count == 2)
        let first = tracker.report(local: nil, remote: .v4(0xcb00_7101), at: end)
        let before = try #require(first)
        #expect(before.natRemote == true, "the responder sees a NAT before the initiator")
        #expect(before.initiator == .inbound)
        let second = tracker.report(
            local: .v4(0xcb00_7102), remote: .v4(0x0a09_0102), at: end)
        let after = try #require(second)
        #expect(after.inbound.rebindings == 1)
        #expect(after.rekeys.count == 1)
        #expect(after.outbound.retransmissions == 1)
    }

    @Test func `a request counts between the hosts and the way in which it was sent`() throws {
        var tracker = IKEExchangeTracker()
        for (number, source) in [UInt32(1), 5].enumerated() {
            var octets = IKEMessageTests.message(
                [(46, [UInt8](repeating: 7, count: 25))], exchange: 37)
            octets[23] = UInt8(number)
            let datagram = IKEDatagram(
                ip: IPHeader(
                    source: .v4(source), destination: .v4(2), hopLimit: 64,
                    length: octets.count + 32, protocolNumber: 17),
                sourcePort: 4500, destinationPort: 4500, hasNonESPMarker: true,
                payload: 0..<octets.count, length: octets.count)
            octets.withRawSpan { tracker.receive(datagram, in: $0, at: .zero) }
        }
        let reports = tracker.reports(at: .zero + .seconds(20))
        #expect(reports.map(\.outbound.requests) == [1, 1])
        #expect(reports.map(\.outbound.unanswered) == [1, 1], "though the SA moved on")
        #expect(reports.map(\.outbound.rebindings).reduce(0, +) == 1)
    }

    @Test func `packets that were captured twice are no retransmissions`() throws {
        let capture = try CapturedIKE("rekeys")
        var tracker = IKEExchangeTracker()
        for frame in capture.frames {
            guard case .ike(let datagram) = frame.decoded else { continue }
            for delay in [Duration.zero, .microseconds(30)] {
                frame.octets.withRawSpan {
                    tracker.receive(datagram, in: $0, at: frame.at + delay)
                }
            }
        }
        let reports = tracker.reports(at: capture.frames.last?.at ?? .zero)
        let report = try #require(reports.first)
        #expect(report.outbound.retransmissions == 0 && report.inbound.retransmissions == 0)
        #expect(report.outbound.copies == 5 && report.inbound.copies == 10)
        #expect(report.outbound.requests == 5 && report.rekeys.count == 4)
        #expect(!report.isLocalKnown, "no address was said to be near")
        #expect(report.local == .v4(0x0a09_0102), "the one that asked first")
    }

    @Test func `a cut capture still tells exchanges`() throws {
        // Ethernet, IP, UDP, non-ESP marker, header: what 128 octets hold.
        let capture = try CapturedIKE("blocked-4500", cutAt: 128)
        var (tracker, end) = capture.track()
        let reports = tracker.reports(at: end)
        let report = try #require(reports.first)
        #expect(report.failure == .noResponse)
        #expect(report.outbound.truncated == 1 && report.inbound.truncated == 1)
        #expect(report.outbound.malformed == 0)
    }

    @Test(arguments: [true, false])
    func `an unanswered request of a probe is no failure, a daemon's is`(
        isProbe: Bool
    ) throws {
        let request = try #require(CapturedIKE("rekeys").frames.first)
        guard case .ike(let datagram) = request.decoded else {
            Issue.record("no IKE")
            return
        }
        var octets = request.octets
        if isProbe {
            let spi = IKEProbeMessage.spi(1)
            for index in 0..<8 {
                octets[datagram.payload.lowerBound + index] = UInt8(
                    truncatingIfNeeded: spi >> UInt64(56 - 8 * index))
            }
        }
        var tracker = IKEExchangeTracker()
        for second in 0..<4 {
            octets.withRawSpan {
                tracker.receive(datagram, in: $0, at: .zero + .seconds(second))
            }
        }
        let report = try #require(tracker.reports(at: .zero + .seconds(60)).first)
        #expect(report.failure == (isProbe ? nil : .noResponse))
        #expect((report.answered500 ?? report.answered4500) == (isProbe ? nil : false))
        #expect(report.associations == (isProbe ? 0 : 1))
    }

    @Test func `a flood of made-up SPIs and hosts displaces itself`() throws {
        let capture = try CapturedIKE("rekeys")
        var tracker = IKEExchangeTracker(
            settings: .init(
                pairs: 8, associations: 16, locals: [.v4(0x0a09_0102)],
                remotes: [.v4(0xcb00_7102)]))
        var at = MonotonicInstant.zero
        for frame in capture.frames {
            guard case .ike(let datagram) = frame.decoded else { continue }
            at = frame.at
            frame.octets.withRawSpan { tracker.receive(datagram, in: $0, at: at) }
        }
        let request = try #require(capture.frames.first)
        guard case .ike(let datagram) = request.decoded else { return }
        for number in 0..<2000 {
            var forged = datagram
            forged.ip.source = .v4(0xc633_6400 + UInt32(number % 200))
            var octets = request.octets
            let place = datagram.payload.lowerBound
            octets[place] = UInt8(number >> 8)
            octets[place + 1] = UInt8(number & 255)
            octets.withRawSpan { tracker.receive(forged, in: $0, at: at + .milliseconds(number)) }
        }
        let reports = tracker.reports(at: at + .seconds(3))
        #expect(reports.count == 8)
        #expect(tracker.forgottenPairs > 0)
        let wanted = tracker.report(
            local: .v4(0x0a09_0102), remote: .v4(0xcb00_7102), at: at + .seconds(3))
        let kept = try #require(wanted)
        #expect(kept.rekeys.count == 4, "the pair that is of interest stays")
        #expect(kept.established == true, "and so do SAs that answered")
    }
}
