import KernelState
import NetworkPrimitives
import ProviderChecks
import Testing

@testable import Agent

/// Why checks stay unanswered: every cell of the table of §9.1 of the measurement's specification, and
/// what it leaves out.
@Suite struct ObstacleSearchTests {
    typealias Obstacle = ProviderChecksReport.Obstacle

    enum Check: String, CaseIterable, Sendable {
        case replyUnidirectional, replyBidirectional, request
    }

    static let inside = ip("10.252.2.27")
    static let farInside = ip("10.252.2.26")
    static let endpoint = ip("203.0.113.10")
    static let edge = ip("162.158.3.3")

    private static func search(
        _ check: Check, kind: TunnelKind = .vti, acceptLocal: Int = 1, reversePath: Int = 0,
        forwarding: Int = 1, rules: String = ""
    ) throws -> ObstacleSearch {
        let (style, source, destination): (ProviderChecksReport.Style, IPAddress, IPAddress) =
            switch check {
            case .replyUnidirectional: (.reply, endpoint, edge)
            case .replyBidirectional: (.reply, inside, farInside)
            case .request: (.request, inside, farInside)
            }
        var readings = NamespaceReadings()
        readings.settings = [
            "ipv4/ip_forward": .known(forwarding), "ipv4/icmp_echo_ignore_all": .known(0),
            "ipv6/icmp/echo_ignore_all": .known(0),
        ]
        let plain: [String: Reading<Int>] = [
            "accept_local": .known(0), "rp_filter": .known(0), "forwarding": .known(1),
            "disable_policy": .known(0), "disable_xfrm": .known(0),
        ]
        readings.deviceSettings["all"] = .init(v4: plain, v6: ["forwarding": .known(forwarding)])
        var own = plain
        own["accept_local"] = .known(acceptLocal)
        own["rp_filter"] = .known(reversePath)
        own["forwarding"] = .known(forwarding)
        readings.deviceSettings["ipsec0"] = .init(v4: own, v6: ["forwarding": .known(forwarding)])
        readings.rules = .known([
            RoutingRule(family: .v4, priority: 0, table: 255),
            RoutingRule(family: .v4, priority: 32_766, table: 254),
        ])
        readings.firewall = .known(try ruleset(rules))
        return ObstacleSearch(
            missing: try missing(style, source, destination), kind: kind, device: "ipsec0",
            wanDevice: "eth0", tunnelDevices: ["ipsec0", "ipsec1"],
            ownAddresses: [inside, endpoint], deviceAddresses: [inside], readings: readings,
            arrival: .known(nil), departure: .known(nil),
            routes: AnswerRoutes(
                forward: .known(.route(route(destination == edge ? "eth0" : "ipsec0"))),
                reverse: .known(.route(route("ipsec0")))))
    }

    private static func missing(
        _ style: ProviderChecksReport.Style, _ source: IPAddress, _ destination: IPAddress,
        isLate: Bool = false
    ) throws -> ProviderChecksReport.MissingAnswer {
        let share = try #require(ProviderChecksReport.Share(0, of: 100))
        return .init(
            style: style, source: source, destination: destination, hopLimit: 60, answered: share,
            isLate: isLate)
    }

    private static func route(_ device: String) -> ResolvedRoute {
        ResolvedRoute(interfaceIndex: 1, interfaceName: device, source: nil, gateway: nil)
    }

    /// A ruleset with one base chain for each hook, as nft prints it; `rules` are JSON objects.
    private static func ruleset(_ rules: String, policy: String = "accept") throws
        -> FirewallReading
    {
        let chains = ["prerouting", "input", "forward", "output", "postrouting"].map {
            #"{"chain":{"family":"inet","table":"f","name":"\#($0)","type":"filter","hook":"\#($0)","#
                + #""prio":0,"policy":"\#(policy)"}}"#
        }.joined(separator: ",")
        let text = #"{"nftables":[\#(chains)\#(rules.isEmpty ? "" : ",")\#(rules)]}"#
        let document = try Array(text.utf8).withRawSpan { (text) throws(JSONError) in
            try JSONValue(parsing: text)
        }
        return try #require(FirewallReading(document))
    }

    private static func rule(_ chain: String, _ statements: String) -> String {
        #"{"rule":{"family":"inet","table":"f","chain":"\#(chain)","handle":7,"expr":[\#(statements)]}}"#
    }

    private static let invalid =
        #"{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":"invalid"}}"#
    private static func counter(_ packets: Int) -> String {
        #"{"counter":{"packets":\#(packets),"bytes":1}}"#
    }
    private static let drop = #"{"drop":null}"#

    // MARK: - The table

    struct Row: Sendable, CustomTestStringConvertible {
        var acceptLocal: Int
        var reversePath: Int
        var dropsInvalid = false
        /// Reply unidirectional, reply bidirectional, request.
        var causes: [Obstacle?]

        var testDescription: String {
            "accept_local=\(acceptLocal) rp_filter=\(reversePath) invalid=\(dropsInvalid)"
        }
    }

    static let rows = [
        Row(acceptLocal: 0, reversePath: 0, causes: [.martianSource, .martianSource, nil]),
        Row(acceptLocal: 0, reversePath: 2, causes: [.martianSource, .martianSource, nil]),
        Row(acceptLocal: 1, reversePath: 0, causes: [nil, nil, nil]),
        Row(acceptLocal: 1, reversePath: 2, causes: [nil, nil, nil]),
        Row(acceptLocal: 1, reversePath: 1, causes: [.reversePathFilter, nil, nil]),
        Row(
            acceptLocal: 1, reversePath: 0, dropsInvalid: true, causes: [.firewall, .firewall, nil]),
    ]

    @Test(arguments: rows, Check.allCases)
    func `names the cause of every cell of the table`(row: Row, check: Check) throws {
        let conclusion = try Self.search(
            check, acceptLocal: row.acceptLocal, reversePath: row.reversePath,
            rules: row.dropsInvalid
                ? Self.rule("forward", "\(Self.invalid),\(Self.drop)") : ""
        ).conclusion
        let index = try #require(Check.allCases.firstIndex(of: check))
        #expect(conclusion.obstacle == row.causes[index], "\(conclusion)")
        #expect((conclusion.detail == nil) == (row.causes[index] == nil))
        #expect((conclusion.reason == nil) == (row.causes[index] != nil))
    }

    @Test func `an XFRM interface's packets pass the reverse-path filter`() throws {
        #expect(
            try Self.search(.replyUnidirectional, kind: .xfrm, reversePath: 1).conclusion.obstacle
                == nil)
        for kind in [TunnelKind.vti, .gre] {
            #expect(
                try Self.search(.replyUnidirectional, kind: kind, reversePath: 1).conclusion
                    .obstacle == .reversePathFilter)
        }
    }

    // MARK: - Settings

    @Test func `forwarding comes first, and the others are told besides`() throws {
        let conclusion = try Self.search(.replyBidirectional, acceptLocal: 0, forwarding: 0)
            .conclusion
        #expect(conclusion.obstacle == .noForwarding)
        #expect(
            conclusion.detail
                == "net.ipv4.conf.ipsec0.forwarding = 0 (net.ipv4.ip_forward = 0); besides: "
                + "net.ipv4.conf.ipsec0.accept_local = 0, and 10.252.2.27 is an address of this host"
        )
        // A request to an address of this host is not forwarded.
        #expect(try Self.search(.request, forwarding: 0).conclusion.obstacle == nil)
    }

    @Test func `what one device or all of them accept is accepted`() throws {
        var search = try Self.search(.replyBidirectional, acceptLocal: 0)
        search.readings.deviceSettings["all"]?.v4["accept_local"] = .known(1)
        #expect(search.conclusion.obstacle == nil)
        // The greater value of the reverse-path filter counts, and 2 is the looser.
        search = try Self.search(.replyUnidirectional, reversePath: 1)
        search.readings.deviceSettings["all"]?.v4["rp_filter"] = .known(2)
        #expect(search.conclusion.obstacle == nil)
        search = try Self.search(.replyUnidirectional, reversePath: 0)
        search.readings.deviceSettings["all"]?.v4["rp_filter"] = .known(1)
        #expect(search.conclusion.obstacle == .reversePathFilter)
    }

    @Test func `a source that is not this host's has its way looked up`() throws {
        var search = try Self.search(.replyUnidirectional, acceptLocal: 0, reversePath: 1)
        search.missing.source = ip("192.168.1.20")
        #expect(search.conclusion.obstacle == nil)
        search.routes.reverse = .known(.route(Self.route("lan0")))
        #expect(search.conclusion.obstacle == .reversePathFilter)
        search.readings.deviceSettings["ipsec0"]?.v4["rp_filter"] = .known(2)
        #expect(search.conclusion.obstacle == nil)
        search.routes.reverse = .known(.unreachable(.noRoute))
        #expect(search.conclusion.obstacle == .reversePathFilter)
    }

    @Test func `a request from the Internet fails a strict filter of its own`() throws {
        var search = try Self.search(.request, reversePath: 1)
        search.missing.destination = Self.edge
        search.routes.reverse = .known(.route(Self.route("eth0")))
        search.routes.forward = .known(.route(Self.route("eth0")))
        #expect(search.conclusion.obstacle == .reversePathFilter)
    }

    @Test func `IPv6 knows neither martians of its own nor a reverse-path filter`() throws {
        var search = try Self.search(.replyBidirectional, acceptLocal: 0, reversePath: 1)
        search.missing.source = ip("fd00::1")
        search.missing.destination = ip("fd00::")
        search.ownAddresses = [ip("fd00::1")]
        #expect(search.conclusion.obstacle == nil)
        search.readings.deviceSettings["all"]?.v6["forwarding"] = .known(0)
        #expect(search.conclusion.obstacle == .noForwarding)
    }

    @Test func `a host told to be silent is`() throws {
        var search = try Self.search(.request)
        search.readings.settings["ipv4/icmp_echo_ignore_all"] = .known(1)
        #expect(search.conclusion.obstacle == .echoIgnored)
        search = try Self.search(.replyBidirectional)
        search.readings.settings["ipv4/icmp_echo_ignore_all"] = .known(1)
        #expect(search.conclusion.obstacle == nil)
    }

    @Test func `what is not known is not blamed, and said`() throws {
        var search = try Self.search(.replyBidirectional)
        search.readings = NamespaceReadings()
        let conclusion = search.conclusion
        #expect(conclusion.obstacle == nil)
        #expect(conclusion.reason?.hasPrefix("not proven: ") == true)
        for word in ["forwards", "accept_local", "rp_filter", "packet filter"] {
            #expect(conclusion.reason?.contains(word) == true, "\(word)")
        }
        search = try Self.search(.replyBidirectional, acceptLocal: 0)
        search.readings.rules = .known([RoutingRule(family: .v4, priority: 0, table: 100)])
        #expect(search.conclusion.obstacle == nil)
    }

    @Test func `an answer that comes late is not missing`() throws {
        var search = try Self.search(.request)
        search.missing = try Self.missing(.request, Self.inside, Self.farInside, isLate: true)
        #expect(search.conclusion.obstacle == nil)
        #expect(search.conclusion.reason?.contains("later than 100 ms") == true)
    }

    @Test func `another host that is asked may be the silent one`() throws {
        var search = try Self.search(.request)
        search.missing.source = ip("192.168.1.20")
        #expect(search.conclusion.reason?.contains("192.168.1.20") == true)
    }

    // MARK: - Routes and selectors

    @Test func `the way of the answer tells the direction`() throws {
        #expect(try Self.search(.replyBidirectional).answerDirection == .bidirectional)
        #expect(try Self.search(.replyUnidirectional).answerDirection == .unidirectional)
        #expect(try Self.search(.replyBidirectional, kind: .policy).answerDirection == nil)
        var search = try Self.search(.replyUnidirectional)
        for (device, direction) in [
            ("ipsec1", ProviderChecksReport.Direction.bidirectional), ("eth9", nil),
        ] {
            search.routes.forward = .known(.route(Self.route(device)))
            #expect(search.answerDirection == direction)
        }
        search.routes.forward = .known(.unreachable(.noRoute))
        #expect(search.answerDirection == nil)
    }

    @Test func `no route is a cause, a way that is not watched is none`() throws {
        var search = try Self.search(.replyUnidirectional)
        search.routes.forward = .known(.unreachable(.noRoute))
        #expect(search.conclusion.obstacle == .noRoute)
        search.routes.forward = .known(.route(Self.route("eth9")))
        #expect(search.conclusion.obstacle == nil)
        #expect(search.conclusion.reason?.contains("eth9") == true)
        search.routes.forward = .known(.route(Self.route("ipsec1")))
        #expect(search.conclusion.reason?.contains("in order") == true)
    }

    private static func lookup(
        _ direction: SecurityPolicy.Direction, _ decision: SelectorCoverage.Decision
    ) -> ProbeCoverage.Lookup {
        .init(
            question: PolicyQuestion(
                direction: direction, source: inside, destination: farInside, protocol: 1),
            decision: decision)
    }

    @Test func `selectors that do not cover the check or its answer are a cause`() throws {
        var search = try Self.search(.replyBidirectional, kind: .xfrm)
        search.arrival = .known(Self.lookup(.forward, .unmatched))
        #expect(search.conclusion.obstacle == .selectors)
        // A device may be told to ask no policy.
        search.readings.deviceSettings["ipsec0"]?.v4["disable_policy"] = .known(1)
        #expect(search.conclusion.obstacle == nil)
        search.departure = .known(Self.lookup(.out, .unmatched))
        #expect(search.conclusion.obstacle == .selectors)
        // Beside the tunnel no policy is needed.
        search.routes.forward = .known(.route(Self.route("eth0")))
        #expect(search.conclusion.obstacle == nil)
        // A VTI has asked before the packet was seen, and GRE's policies are for GRE.
        for kind in [TunnelKind.vti, .gre] {
            search = try Self.search(.replyUnidirectional, kind: kind)
            search.arrival = .known(Self.lookup(.forward, .unmatched))
            #expect(search.conclusion.obstacle == nil)
        }
    }

    // MARK: - Packet filter

    @Test func `the chain is what counts`() throws {
        for (chain, isHit) in [
            ("forward", true), ("prerouting", true), ("postrouting", true), ("input", false),
            ("output", false),
        ] {
            let conclusion = try Self.search(
                .replyBidirectional,
                rules: Self.rule(chain, "\(Self.invalid),\(Self.counter(5)),\(Self.drop)")
            ).conclusion
            #expect((conclusion.obstacle == .firewall) == isHit, "\(chain)")
            if isHit {
                #expect(
                    conclusion.detail
                        == "inet f \(chain) (hook \(chain)), handle 7: ct state invalid drop, "
                        + "5 packets")
            }
        }
    }

    @Test func `a rule that nothing met is innocent`() throws {
        let search = try Self.search(
            .replyBidirectional,
            rules: Self.rule("forward", "\(Self.invalid),\(Self.counter(0)),\(Self.drop)"))
        #expect(search.conclusion.obstacle == nil)
    }

    @Test func `a verdict map is read`() throws {
        let map =
            #"{"vmap":{"key":{"ct":{"key":"state"}},"data":{"set":[["established",{"accept":null}],"#
            + #"["invalid",{"drop":null}]]}}}"#
        #expect(
            try Self.search(.replyBidirectional, rules: Self.rule("forward", map)).conclusion
                .obstacle == .firewall)
    }

    @Test func `Echo Replies that are accepted first do not meet the rule`() throws {
        let accept =
            #"{"match":{"op":"==","left":{"payload":{"protocol":"icmp","field":"type"}},"#
            + #""right":"echo-reply"}},{"accept":null}"#
        let conclusion = try Self.search(
            .replyBidirectional,
            rules: Self.rule("forward", accept) + ","
                + Self.rule("forward", "\(Self.invalid),\(Self.drop)")
        ).conclusion
        #expect(conclusion.obstacle == nil)
        #expect(conclusion.reason?.contains("ct state invalid") == true)
    }

    @Test func `a rule for another device is innocent, one for more than that is not proven`()
        throws
    {
        func rule(_ device: String) -> String {
            let match =
                #"{"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"\#(device)"}}"#
            return Self.rule("forward", "\(match),\(Self.invalid),\(Self.counter(9)),\(Self.drop)")
        }
        #expect(
            try Self.search(.replyBidirectional, rules: rule("eth0")).conclusion.reason?
                .contains("in order") == true)
        #expect(
            try Self.search(.replyBidirectional, rules: rule("ipsec*")).conclusion.obstacle
                == .firewall)
        let narrowed =
            #"{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"saddr"}},"#
            + #""right":"192.0.2.1"}}"#
        let conclusion = try Self.search(
            .replyBidirectional,
            rules: Self.rule("forward", "\(narrowed),\(Self.invalid),\(Self.drop)")
        ).conclusion
        #expect(conclusion.obstacle == nil)
        #expect(conclusion.reason?.contains("ct state invalid") == true)
    }

    @Test func `a chain that drops by default could be it`() throws {
        var search = try Self.search(.replyBidirectional)
        search.readings.firewall = .known(try Self.ruleset("", policy: "drop"))
        #expect(search.conclusion.obstacle == nil)
        #expect(search.conclusion.reason?.contains("f forward drops what no rule accepts") == true)
        search.readings.firewall = .unknown(reason: "nft is not installed (package nftables)")
        #expect(search.conclusion.reason?.contains("nft is not installed") == true)
    }

    @Test func `requests are dropped by rules about requests`() throws {
        func rule(_ chain: String, _ type: String) -> String {
            Self.rule(
                chain,
                #"{"match":{"op":"==","left":{"payload":{"protocol":"icmp","field":"type"}},"#
                    + #""right":"\#(type)"}},\#(Self.drop)"#)
        }
        #expect(
            try Self.search(.request, rules: rule("input", "echo-request")).conclusion.obstacle
                == .firewall)
        #expect(
            try Self.search(.request, rules: rule("output", "echo-reply")).conclusion.obstacle
                == .firewall)
        for (chain, type) in [("forward", "echo-request"), ("input", "timestamp-request")] {
            #expect(
                try Self.search(.request, rules: rule(chain, type)).conclusion.obstacle == nil)
        }
    }
}
