@testable import Agent
import KernelState
import NetworkPrimitives
import PathMTU
import ReplyPath

/// One made-up rung: who answers Echo Requests, and how many of three Echo Replies are answered.
func rung(
    _ distance: Int, _ router: String?, replies: Int = 3, requests: Int = 3, isTarget: Bool = false
) -> ReplyPathReport.Hop {
    var hop = ReplyPathReport.Hop(distance: distance)
    hop.requestsSent = 3
    hop.repliesSent = 3
    hop.datagramsSent = 1
    hop.isTarget = isTarget
    guard let router else { return hop }
    hop.requestsAnswered = requests
    hop.repliesAnswered = isTarget ? 0 : replies
    hop.datagramsAnswered = 1
    hop.requestRouters = [ip(router)]
    if hop.repliesAnswered > 0 { hop.replyRouters = [ip(router)] }
    return hop
}

extension ReplyPathReport {
    /// A ladder that ended open.
    static func open(_ hops: [Hop]) -> ReplyPathReport {
        var report = made(.open, hops)
        report.confidence = 0.9994
        return report
    }

    /// A ladder whose Echo Replies die after a hop.
    static func blocked(after hop: Int, likely: [Int], _ place: Place?, _ hops: [Hop])
        -> ReplyPathReport
    {
        var report = made(.blocked, hops)
        report.confidence = 0.9968
        report.blockedAfterHop = hop
        report.blockedAfterAddress = hops.first { $0.distance == hop }?.requestRouters.first
        report.likelyHops = likely
        report.place = place
        return report
    }

    /// A ladder that ended without a verdict.
    static func unclear(_ reason: String, _ hops: [Hop]) -> ReplyPathReport {
        var report = made(.inconclusive, hops)
        report.reason = reason
        return report
    }

    private static func made(_ verdict: Verdict, _ hops: [Hop]) -> ReplyPathReport {
        var report = ReplyPathReport(inconclusive: "made up")
        report.verdict = verdict
        report.reason = nil
        report.hops = hops
        report.lastHopRequest = hops.last { $0.requestsAnswered > 0 }?.distance
        report.lastHopReply = hops.last { $0.repliesAnswered > 0 }?.distance
        report.checksums = 1
        report.endedAt = at(190)
        return report
    }
}

extension PathMTUReport {
    /// A search that ended with an exact size.
    static func found(
        _ bytes: Int, isBlackHole: Bool = false, behind link: LimitingLink? = nil
    ) -> PathMTUReport {
        var report = PathMTUReport(unknown: "made up")
        report.reason = nil
        report.bytes = bytes
        report.isBlackHole = isBlackHole
        report.limitingLink = link
        report.limitingLinkReason = link == nil ? "nothing on the path limits it" : nil
        report.probesSent = 3
        report.rounds = 2
        report.endedAt = at(195)
        return report
    }
}

extension TunnelMTU {
    /// Figures that an engine would have worked out.
    static func made(
        overhead: Int, fitting: Int, _ verdict: Verdict, isDeviceTooLarge: Bool, set mtu: Int
    ) -> TunnelMTU {
        var made = TunnelMTU(
            outside: nil, inside: nil, deviceMTU: nil, routeMTU: nil,
            overhead: .unknown(reason: "made up"))
        made.overhead = overhead
        made.greatestOverhead = overhead + 3
        made.overheadReason = nil
        made.fitting = fitting
        made.verdict = verdict
        made.verdictReason = nil
        made.isDeviceTooLarge = isDeviceTooLarge
        made.recommendedMTU = mtu
        made.recommendedMSSIPv4 = mtu - 40
        made.recommendedMSSIPv6 = mtu >= 1280 ? mtu - 60 : nil
        made.recommendationReason = nil
        return made
    }
}

/// What may be known of a tunnel's paths, made up.
enum MadeUpPath: String, CaseIterable {
    case unknown, healthy, blocked, hole, translated, long, here

    var path: TunnelPath {
        var path = TunnelPath()
        path.takenAt = at(200)
        path.wall = StatusReport.moment
        guard self != .unknown else { return path }
        path.outsideMTU = .found(1500)
        path.insideMTU = .found(1446)
        path.deviceMTU = .known(1400)
        path.routeMTU = .unknown(reason: "the route has no MTU of its own")
        path.tunnelMTU = .made(
            overhead: 54, fitting: 1446, .consistent, isDeviceTooLarge: false, set: 1400)
        path.outsideReplies = .open(Self.six)
        path.insideReplies = .open(Self.two)
        change(&path)
        return path
    }

    private static let six = [
        rung(1, "203.0.113.1"), rung(2, "198.18.0.1"), rung(3, "198.18.0.5", replies: 2),
        rung(4, nil), rung(5, "198.18.44.129", replies: 1, requests: 2),
        rung(6, "198.51.100.1", isTarget: true),
    ]
    private static let two = [
        rung(1, "10.252.0.0"), rung(2, "10.253.0.2", isTarget: true),
    ]

    private func change(_ path: inout TunnelPath) {
        switch self {
        case .unknown, .healthy: break
        case .blocked:
            path.outsideReplies = .blocked(
                after: 3, likely: [3, 4], .transit,
                [
                    rung(1, "203.0.113.1"), rung(2, "198.18.0.1"), rung(3, "198.18.0.5"),
                    rung(4, nil), rung(5, nil), rung(6, "198.18.44.129", replies: 0),
                    rung(7, "198.18.44.133", replies: 0, requests: 1), rung(8, nil),
                    rung(9, nil), rung(10, nil),
                ])
            path.insideReplies = ReplyPathReport(
                inconclusive: "there is no address beyond the far end: set inside_beyond")
            path.outsideReplies.openProbability = 0.0032
            path.outsideReplies.blockedAfterProbabilities = [0, 0.0001, 0.002, 0.8, 0.1947, 0]
        case .hole:
            path.outsideMTU = .found(1454, behind: .init(distance: 2, router: ip("198.18.0.1")))
            path.outsideMTU.suspiciousMessages = 2
            path.insideMTU = .found(
                1300, isBlackHole: true, behind: .init(distance: 1, router: nil))
            path.deviceMTU = .known(1438)
            path.routeMTU = .known(1420)
            path.tunnelMTU = .made(
                overhead: 54, fitting: 1400, .insideDropsEarlier(bytes: 100),
                isDeviceTooLarge: true, set: 1300)
        case .translated:
            path.outsideMTU.bytes = nil
            path.outsideMTU.atLeast = 1472
            path.outsideMTU.reason = "the endpoint answers no Echo Request"
            path.outsideMTU.provenDistance = 5
            path.tunnelMTU = TunnelMTU(
                outside: nil, inside: nil, deviceMTU: nil, routeMTU: nil,
                overhead: .unknown(reason: "the outside path MTU is not known"))
            path.tunnelMTU.overheadReason = "the outside path MTU is not known"
            path.tunnelMTU.recommendationReason = "the outside path MTU is not known"
            path.outsideReplies = .unclear(
                "an address translator is on the way, hop 1 or nearer: it drops Echo Replies that "
                    + "nobody asked for, whatever the networks behind it do", Self.six)
        case .long:
            path.outsideReplies = .blocked(
                after: 0, likely: [0], .firstHop,
                [
                    rung(1, "2001:db8:1234:5678:9abc:def0:1234:5678", replies: 0),
                    rung(2, "2001:db8:ffff:1111:2222:3333:4444:5555", replies: 0),
                    rung(3, nil), rung(4, "2001:db8:ffff:1111:2222:3333:4444:6666", replies: 0),
                ])
            path.insideReplies = .open([
                rung(1, "fd00:10:252::1"), rung(2, "fd00:10:253::2", isTarget: true),
            ])
            path.outsideReplies.hops[1].requestRouters.append(ip("2001:db8:ffff::9"))
        case .here:
            path.outsideReplies = .blocked(after: 0, likely: [0], .thisHost, [])
            path.outsideMTU = PathMTUReport(unknown: "the time limit")
            path.insideMTU = .found(1500)
            path.deviceMTU = .known(1500)
            path.tunnelMTU = .made(
                overhead: 54, fitting: 1446, .outerFragmentation(bytes: 54),
                isDeviceTooLarge: true, set: 1400)
        }
    }
}

extension StatusReport {
    /// A tunnel of which the paths are made up, and nothing else.
    static func made(_ path: MadeUpPath) -> StatusReport {
        var report = fresh
        report.tunnels[0].plan.remote = ip(path == .long ? "2001:db8:c::1" : "198.51.100.1")
        report.tunnels[0].plan.tunnelInterface = "ipsec0"
        report.tunnels[0].plan.roles[1] = .probe(
            ProbeRoute(destination: ip(path == .long ? "fd00:10:253::2" : "10.253.0.2")))
        report.tunnels[0].path = path.path
        return report
    }
}
