public import NetworkPrimitives

/// How far requests to a port that stays silent get: one hop farther with each answer of a router.
///
/// A router whose filter drops them still says that their hop limit ran out there, since it looks at that
/// first; the one behind it says nothing any more.
struct PortLadder: Sendable {
    /// From a request to the next when no router answers; twice for each hop, as routers answer with only so
    /// many errors a second.
    static let patience = Duration.milliseconds(500)
    /// The most hops, as for the ladders of pings.
    static let hopLimit = 24
    private(set) var report = PortLadderReport()
    private var hop = 0
    private var tries = 0

    /// The hop limit of the request to send now, nobody having answered the last; nil when it is over.
    mutating func next() -> UInt8? {
        if hop == 0 || isAnswered || tries >= 2 {
            let silent = hop - (report.rungs.last?.hop ?? 0)
            guard hop < Self.hopLimit, silent < PortLadderReport.silentHops else {
                report.isComplete = true
                return nil
            }
            hop += 1
            tries = 0
        }
        tries += 1
        report.sent += 1
        return UInt8(hop)
    }

    /// Takes a router's word that the hop limit ran out; whether that is news.
    mutating func take(_ router: IPAddress?) -> Bool {
        // A second answer of the router before came late.
        guard hop > 0, !isAnswered, router == nil || router != report.rungs.last?.router else {
            return false
        }
        report.rungs.append(.init(hop: hop, router: router))
        return true
    }

    private var isAnswered: Bool { report.rungs.last?.hop == hop }
}

/// How far requests to a port got.
public struct PortLadderReport: Hashable, Sendable {
    /// A router that said that a request's hop limit ran out.
    public struct Rung: Hashable, Sendable {
        /// Its distance in hops, at least 1.
        public var hop: Int
        /// Its address; nil when the kernel did not say.
        public var router: IPAddress?

        /// Makes a rung.
        public init(hop: Int, router: IPAddress?) {
            self.hop = hop
            self.router = router
        }
    }

    /// So many hops in a row that say nothing end a ladder.
    public static let silentHops = 3

    /// Routers that they reached, nearest first.
    public var rungs: [Rung] = []
    /// Requests with a hop limit that were sent.
    public var sent = 0
    /// Whether it came to its end: three hops that say nothing, or the most hops.
    public var isComplete = false

    /// A ladder that was not begun.
    public init() {}
}
