/// What of an nftables ruleset bears on tunnels and their health checks.
struct FirewallReading: Equatable, Sendable {
    /// What a rule is about, of what tunnels need.
    enum Topic: String, CaseIterable, Sendable {
        /// ICMP or ICMPv6 of any type.
        case icmp
        /// Echo Replies by name: the provider's unsolicited ones among them.
        case echoReply = "echo_reply"
        /// Echo Requests by name.
        case echoRequest = "echo_request"
        /// ESP.
        case esp
        /// UDP port 500 or 4500.
        case ike
        /// What connection tracking calls invalid, as it does an unsolicited Echo Reply.
        case invalid
    }

    /// What a rule does with a packet it matches.
    enum Verdict: String, Sendable {
        case accept, drop, reject, jump, goto, queue
        case none
    }

    /// A rule that is about one of the topics.
    struct Rule: Equatable, Sendable {
        var family: String
        var table: String
        var chain: String
        /// nft's number for it, as in `nft delete rule … handle N`.
        var handle: Int64?
        var topics: [Topic]
        var verdict: Verdict
        /// Whether it names types of ICMP messages, and is not about all of them.
        var namesICMPTypes = false
        /// Whether it asks for more than its topics: addresses, ports, devices.
        var isNarrowed = false
        /// The device that packets must have come in by; nil for any, or where it names several.
        var inputDevice: String?
        /// Packets that reached its counter; nil without one.
        var packets: Int64?
        var bytes: Int64?
        var comment: String?
    }

    /// A chain that the kernel enters by itself.
    struct BaseChain: Equatable, Sendable {
        var family: String
        var table: String
        var name: String
        var type: String
        var hook: String
        var priority: Int64?
        /// What becomes of a packet that no rule decides: `accept` or `drop`.
        var policy: String
    }

    /// The most rules and base chains that are kept.
    static let limit = 256

    /// How many tables there are.
    var tables = 0
    /// How many chains.
    var chains = 0
    /// How many rules.
    var rules = 0
    /// Base chains, in nft's order.
    var baseChains: [BaseChain] = []
    /// Rules about what tunnels need, in nft's order.
    var relevant: [Rule] = []
    /// Whether some were left out.
    var isCut = false
    /// Rules of iptables whose matches nft does not show.
    var untranslated = 0

    /// Reads what `nft -j list ruleset` prints (libnftables-json(5)); nil for any other document.
    init?(_ document: JSONValue) {
        guard let objects = document["nftables"]?.elements else { return nil }
        for object in objects {
            if object["table"] != nil { tables += 1 }
            if let chain = object["chain"] {
                chains += 1
                note(chain: chain)
            }
            if let rule = object["rule"] {
                rules += 1
                note(rule: rule)
            }
        }
    }

    private mutating func note(chain: JSONValue) {
        guard let hook = chain["hook"]?.text else { return }
        guard baseChains.count < Self.limit else {
            isCut = true
            return
        }
        baseChains.append(
            BaseChain(
                family: chain["family"]?.text ?? "", table: chain["table"]?.text ?? "",
                name: chain["name"]?.text ?? "", type: chain["type"]?.text ?? "", hook: hook,
                priority: chain["prio"]?.wholeNumber,
                // nft(8): "accept" where none is given.
                policy: chain["policy"]?.text ?? "accept"))
    }

    /// Whether a statement is a match of iptables that nft names at most.
    private static func hidesMatch(_ statement: JSONValue) -> Bool {
        guard let xtables = statement["xt"] else { return false }
        if case .null = xtables { return true }
        return xtables["type"]?.text == "match"
    }

    private mutating func note(rule: JSONValue) {
        var content = RuleContent()
        let statements = rule["expr"]?.elements ?? []
        for statement in statements { content.note(statement) }
        if statements.contains(where: Self.hidesMatch) {
            untranslated += 1
            content.isNarrowed = true
        }
        guard !content.topics.isEmpty else { return }
        guard relevant.count < Self.limit else {
            isCut = true
            return
        }
        let counter = statements.lazy.compactMap { $0["counter"] }.first
        relevant.append(
            Rule(
                family: rule["family"]?.text ?? "", table: rule["table"]?.text ?? "",
                chain: rule["chain"]?.text ?? "", handle: rule["handle"]?.wholeNumber,
                topics: Topic.allCases.filter(content.topics.contains),
                verdict: content.verdict, namesICMPTypes: content.namesICMPTypes,
                isNarrowed: content.isNarrowed, inputDevice: content.inputDevice,
                packets: counter?["packets"]?.wholeNumber,
                bytes: counter?["bytes"]?.wholeNumber, comment: rule["comment"]?.text))
    }
}

/// What the statements of one rule are about.
private struct RuleContent {
    var topics: Set<FirewallReading.Topic> = []
    var verdict = FirewallReading.Verdict.none
    var namesICMPTypes = false
    var isNarrowed = false
    var inputDevice: String?

    mutating func note(_ statement: JSONValue) {
        guard case .object(let members) = statement else { return }
        for (key, value) in members {
            switch key {
            case "match": note(match: value)
            case "vmap":
                note(left: value["key"] ?? .null, right: value["data"] ?? .null)
                note(verdictsOf: value["data"] ?? .null)
            case "reject": verdict = .reject
            default:
                if let found = FirewallReading.Verdict(rawValue: key), found != .none {
                    verdict = found
                }
            }
        }
    }

    private mutating func note(match: JSONValue) {
        // What is excluded is not what the rule is about.
        guard match["op"]?.text != "!=" else {
            isNarrowed = true
            return
        }
        let left = match["left"] ?? .null
        let before = topics
        note(left: left, right: match["right"] ?? .null)
        switch left["meta"]?["key"]?.text {
        case "iifname", "iif":
            inputDevice = match["right"]?.text
            isNarrowed = true
        case "l4proto", "nfproto", "protocol": break
        default: if topics == before, !isAboutICMPType(left) { isNarrowed = true }
        }
    }

    private func isAboutICMPType(_ left: JSONValue) -> Bool {
        left["payload"]?["protocol"]?.text?.hasPrefix("icmp") == true
    }

    /// What a map of verdicts does with the word that made the rule one of a topic.
    private mutating func note(verdictsOf data: JSONValue) {
        let pairs = data["set"]?.elements ?? data.elements ?? []
        for pair in pairs {
            guard let parts = pair.elements, parts.count == 2 else { continue }
            let words = Self.words(of: parts[0])
            guard words.contains("invalid") || words.contains("echo-reply"),
                case .object(let members) = parts[1]
            else { continue }
            for (key, _) in members {
                if let found = FirewallReading.Verdict(rawValue: key) { verdict = found }
            }
        }
    }

    private mutating func note(left: JSONValue, right: JSONValue) {
        let words = Self.words(of: right)
        if words.contains("echo-reply") { topics.formUnion([.icmp, .echoReply]) }
        if words.contains("echo-request") { topics.formUnion([.icmp, .echoRequest]) }
        if left["ct"]?["key"]?.text == "state", words.contains("invalid") {
            topics.insert(.invalid)
        }
        switch left["payload"]?["protocol"]?.text {
        case "icmp", "icmpv6":
            topics.insert(.icmp)
            if left["payload"]?["field"]?.text == "type" { namesICMPTypes = true }
        case "esp": topics.insert(.esp)
        case "udp", "th":
            if left["payload"]?["field"]?.text?.hasSuffix("port") == true,
                Self.holds(500, in: right) || Self.holds(4500, in: right)
            {
                topics.insert(.ike)
            }
        case "ip", "ip6": noteProtocol(words)
        default: break
        }
        if left["meta"]?["key"]?.text == "l4proto" { noteProtocol(words) }
    }

    private mutating func noteProtocol(_ words: Set<String>) {
        if !words.isDisjoint(with: ["icmp", "icmpv6", "ipv6-icmp"]) { topics.insert(.icmp) }
        if words.contains("esp") { topics.insert(.esp) }
    }

    /// All strings in a value; keys of objects are not among them.
    private static func words(of value: JSONValue) -> Set<String> {
        switch value {
        case .string(let word): [word]
        case .array(let values): values.reduce(into: []) { $0.formUnion(words(of: $1)) }
        case .object(let members):
            members.reduce(into: []) { $0.formUnion(words(of: $1.value)) }
        case .null, .bool, .integer, .number: []
        }
    }

    /// Whether a number stands in a value, by itself, in a set or in a range.
    private static func holds(_ number: Int64, in value: JSONValue) -> Bool {
        switch value {
        case .integer(let other): return other == number
        case .array(let values): return values.contains { holds(number, in: $0) }
        case .object(let members):
            if let bounds = value["range"]?.elements, bounds.count == 2,
                let low = bounds[0].wholeNumber, let high = bounds[1].wholeNumber
            {
                return low <= number && number <= high
            }
            return members.contains { holds(number, in: $0.value) }
        case .null, .bool, .number, .string: return false
        }
    }
}
