/// A complaint about one thing: words for the thing, and a denial beside them in the same clause.
///
/// Only what stands between them without a verb of its own counts: "identity of the peer does not
/// match" complains, "identity verified after an unknown payload" does not.
struct MessageComplaint {
    /// What is complained of; each in the order of its words.
    private let things: [[String]]

    /// About the identity that the customer sent.
    static let identity = MessageComplaint(things: [
        ["identity"], ["identities"], ["identification"], ["ike", "id"], ["peer", "id"],
        ["remote", "id"], ["local", "id"], ["initiator", "id"], ["responder", "id"], ["idi"],
        ["idr"], ["id", "fqdn"], ["id", "key"], ["id", "ipv4"], ["id", "rfc822"],
        ["id", "payload"], ["id", "type"],
    ])

    /// About the pre-shared key.
    static let secret = MessageComplaint(things: [
        ["psk"], ["pre", "shared", "key"], ["preshared", "key"], ["shared", "secret"],
        ["shared", "key"],
    ])

    private static let denials: [[String]] = [
        ["mismatch"], ["mismatched"], ["mismatches"], ["mismatching"], ["unknown"],
        ["unexpected"], ["unrecognized"], ["unrecognised"], ["invalid"], ["not", "found"],
        ["no", "such"], ["no", "matching"], ["no", "match"], ["not", "match"],
        ["doesn", "t", "match"], ["not", "matched"], ["not", "matching"], ["unsupported"],
        ["wrong"], ["rejected"], ["not", "accepted"], ["not", "allowed"], ["not", "authorized"],
        ["not", "configured"], ["not", "known"], ["not", "find"],
    ]

    /// What turns a denial round: "no mismatch".
    private static let reversals: Set<String> = ["no", "without", "never", "not"]

    /// Words without weight of their own.
    private static let fillers: Set<String> = [
        "a", "an", "any", "the", "of", "for", "from", "by", "with", "to", "in", "on", "is", "was",
        "are", "were", "be", "been", "has", "have", "does", "did", "do", "could", "peer",
        "remote", "local", "ike", "ikev2", "id", "ids", "initiator", "responder", "type",
        "payload", "value", "received", "sent", "presented", "given", "claimed", "this", "that",
        "tunnel", "config", "configuration", "connection", "account", "customer", "found",
        "matching", "peers", "s", "error", "auth", "fqdn", "key", "addr",
    ]

    /// How many words may stand between the thing and the denial, values not counted.
    private static let reach = 6

    func stands(in message: MessageWords) -> Bool {
        let words = message.words
        for start in words.indices where !words[start].isValue {
            guard let thing = things.first(where: { message.begin(at: start, with: $0) }) else {
                continue
            }
            let clause = words[start].clause
            let end = start + thing.count
            if Self.isDenied(message, from: end, to: words.count, by: 1, clause)
                || Self.isDenied(message, from: start - 1, to: -1, by: -1, clause)
            {
                return true
            }
        }
        return false
    }

    /// Whether a denial comes in a direction before anything of weight does.
    private static func isDenied(
        _ message: MessageWords, from start: Int, to end: Int, by step: Int, _ clause: Int
    ) -> Bool {
        let words = message.words
        var left = reach
        for index in stride(from: start, to: end, by: step) where !words[index].isValue {
            guard words[index].clause == clause, left > 0 else { return false }
            left -= 1
            for denial in denials {
                // Backwards, the last word of a denial comes first.
                let first = step > 0 ? index : index - denial.count + 1
                guard first >= 0, message.begin(at: first, with: denial) else { continue }
                let isReversed =
                    denial.count == 1 && first > 0 && reversals.contains(words[first - 1].text)
                return !isReversed
            }
            guard fillers.contains(words[index].text) || openings.contains(words[index].text)
            else { return false }
        }
        return false
    }

    /// Words that begin a denial of several.
    private static let openings: Set<String> = ["no", "not", "doesn", "t"]
}
