import NetworkPrimitives

/// What iptables-save(8) prints: the rules of iptables, which nft shows without what they match.
///
/// ```
/// *filter
/// :FORWARD DROP [0:0]
/// [12:1008] -A FORWARD -m conntrack --ctstate INVALID -j DROP
/// COMMIT
/// ```
extension FirewallReading {
    /// A reading without anything.
    private init() {}

    /// Reads the listing of one family, `ip` or `ip6`; what is no rule or chain is passed over.
    ///
    /// Tables of iptables' older kind get a name of their own: nft's may have the same.
    init(listing text: RawSpan, family: String, isLegacy: Bool) {
        self.init()
        var table = ""
        var start = 0
        while start < text.byteCount {
            var end = start
            while end < text.byteCount, text.uint8(at: end) != UInt8(ascii: "\n") { end += 1 }
            let words = Self.words(of: text, from: start, to: end)
            start = end + 1
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            if first.hasPrefix("*") {
                table = String(first.dropFirst()) + (isLegacy ? " (legacy)" : "")
                tables += 1
            } else if first.hasPrefix(":"), words.count >= 2 {
                chains += 1
                note(chain: String(first.dropFirst()), policy: words[1], table, family)
            } else if let at = words.firstIndex(of: "-A"), at <= 1, words.count > at + 1 {
                rules += 1
                note(
                    rule: words[(at + 1)...], counter: at == 1 ? first : "", table, family)
            }
        }
    }

    /// The words of a line; one in double quotes is one word.
    private static func words(of text: RawSpan, from start: Int, to end: Int) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        var isQuoted = false
        var hasWord = false
        var offset = start
        while offset < end {
            let byte = text.uint8(at: offset)
            offset += 1
            switch byte {
            case UInt8(ascii: "\\") where isQuoted && offset < end:
                word.append(text.uint8(at: offset))
                offset += 1
            case UInt8(ascii: "\""):
                isQuoted.toggle()
                hasWord = true
            case UInt8(ascii: " ") where !isQuoted, UInt8(ascii: "\r") where !isQuoted:
                if hasWord { words.append(String(decoding: word, as: UTF8.self)) }
                word = []
                hasWord = false
            default:
                word.append(byte)
                hasWord = true
            }
        }
        if hasWord { words.append(String(decoding: word, as: UTF8.self)) }
        return words
    }

    private mutating func note(
        chain: String, policy: String, _ table: String, _ family: String
    ) {
        // A chain of the user's own has no policy.
        guard policy != "-" else { return }
        guard baseChains.count < Self.limit else {
            isCut = true
            return
        }
        baseChains.append(
            BaseChain(
                family: family, table: table, name: chain, type: table, hook: chain.lowercased(),
                priority: nil, policy: policy.lowercased()))
    }

    private mutating func note(
        rule words: ArraySlice<String>, counter: String, _ table: String, _ family: String
    ) {
        guard let chain = words.first else { return }
        var content = ListedRule()
        content.read(words.dropFirst())
        guard !content.topics.isEmpty else { return }
        guard relevant.count < Self.limit else {
            isCut = true
            return
        }
        let counts = counter.drop { $0 == "[" }.prefix { $0 != "]" }.split(separator: ":")
        relevant.append(
            Rule(
                family: family, table: table, chain: chain, handle: nil,
                topics: Topic.allCases.filter(content.topics.contains), verdict: content.verdict,
                namesICMPTypes: content.namesICMPTypes, isNarrowed: content.isNarrowed,
                inputDevice: content.inputDevice,
                packets: counts.count == 2 ? Int64(counts[0]) : nil,
                bytes: counts.count == 2 ? Int64(counts[1]) : nil, comment: content.comment))
    }

    /// Puts what a listing says in the place of the same chains, and beside what else there is.
    mutating func adopt(_ listing: FirewallReading) {
        func place(_ family: String, _ table: String, _ chain: String) -> [String] {
            [family, table, chain]
        }
        let known = Set(listing.baseChains.map { place($0.family, $0.table, $0.name) })
        let ruled = Set(listing.relevant.map { place($0.family, $0.table, $0.chain) })
        relevant.removeAll {
            known.union(ruled).contains(place($0.family, $0.table, $0.chain))
        }
        let had = Set(baseChains.map { place($0.family, $0.table, $0.name) })
        relevant += listing.relevant.prefix(max(0, Self.limit - relevant.count))
        baseChains += listing.baseChains.filter {
            !had.contains(place($0.family, $0.table, $0.name))
        }
        if !listing.baseChains.isEmpty { untranslated = 0 }
        isCut = isCut || listing.isCut || relevant.count >= Self.limit
    }
}

/// What one rule of a listing is about.
private struct ListedRule {
    var topics: Set<FirewallReading.Topic> = []
    var verdict = FirewallReading.Verdict.none
    var namesICMPTypes = false
    var isNarrowed = false
    var inputDevice: String?
    var comment: String?

    mutating func read(_ words: ArraySlice<String>) {
        var index = words.startIndex
        var isNegated = false
        func value() -> String { index + 1 < words.endIndex ? words[index + 1] : "" }
        while index < words.endIndex {
            let option = words[index]
            let argument = value()
            switch option {
            case "!":
                isNegated = true
                isNarrowed = true
                index += 1
                continue
            case "-m", "--reject-with": break
            case "--comment": comment = argument
            case "-p": if !isNegated { note(protocol: argument) }
            case "--icmp-type", "--icmpv6-type": if !isNegated { note(type: argument) }
            case "--ctstate", "--state":
                if !isNegated, argument.split(separator: ",").contains("INVALID") {
                    topics.insert(.invalid)
                } else {
                    isNarrowed = true
                }
            case "-i":
                // iptables ends a name that stands for several with a plus.
                if !isNegated {
                    inputDevice =
                        argument.last == "+" ? argument.dropLast() + "*" : argument
                }
                isNarrowed = true
            case "--dport", "--sport", "--dports", "--sports":
                if ["500", "4500"].contains(
                    where: argument.split(separator: ",").map(String.init).contains)
                {
                    topics.insert(.ike)
                }
                isNarrowed = true
            case "-j", "-g": note(target: argument, isJump: option == "-j")
            default:
                isNarrowed = true
                // An option's arguments are passed over one by one, as words that narrow too.
                index += 1
                isNegated = false
                continue
            }
            isNegated = false
            index += 2
        }
    }

    private mutating func note(protocol name: String) {
        switch name {
        case "icmp", "icmpv6", "ipv6-icmp", "1", "58": topics.insert(.icmp)
        case "esp", "50": topics.insert(.esp)
        default: isNarrowed = true
        }
    }

    private mutating func note(type: String) {
        topics.insert(.icmp)
        namesICMPTypes = true
        switch type {
        case "0", "129", "echo-reply", "pong": topics.insert(.echoReply)
        case "8", "128", "echo-request", "ping": topics.insert(.echoRequest)
        case "any", "255": namesICMPTypes = false
        default: break
        }
    }

    private mutating func note(target: String, isJump: Bool) {
        switch target {
        case "DROP": verdict = .drop
        case "REJECT": verdict = .reject
        case "ACCEPT": verdict = .accept
        case "NFQUEUE", "QUEUE": verdict = .queue
        case "LOG", "MARK", "CONNMARK", "TCPMSS", "CT", "NFLOG", "RETURN": verdict = .none
        default: verdict = isJump ? .jump : .goto
        }
    }
}
