/// What unhealthy episodes are held against.
public enum FlapCause: String, CaseIterable, Hashable, Sendable {
    /// Replacements of the inbound SA.
    case rekeys
    /// Changes of the route or the next hop to the endpoint.
    case routeChanges = "route_changes"
    /// Loss on the underlay.
    case underlayLoss = "underlay_loss"
    /// Changes of the underlay's path MTU.
    case pathMTU = "path_mtu"
    /// The hour of the day.
    case timeOfDay = "time_of_day"

    /// Seconds around one occurrence in which an episode may have begun because of it.
    struct Reach: Equatable {
        /// Before it: clocks differ, and it may be noticed late.
        var lead: Double
        /// After its end.
        var tail: Double
        /// Before that: an episode there came first, and may be the reason of the occurrence.
        var before: Double
    }

    /// The reach over days (algorithms §11.3 for rekeys; the provider names up to three minutes).
    var reach: Reach {
        switch self {
        case .rekeys: Reach(lead: 2, tail: 180, before: 180)
        // The routes are read every five seconds, and a way of its own makes its plan later.
        case .routeChanges: Reach(lead: 10, tail: 60, before: 60)
        // A lost probe and the state that it changes are of the same second.
        case .underlayLoss: Reach(lead: 5, tail: 10, before: 60)
        // An occurrence is the time between two measurements, with the change somewhere in it.
        case .pathMTU: Reach(lead: 5, tail: 60, before: 60)
        case .timeOfDay: Reach(lead: 0, tail: 0, before: 0)
        }
    }

    /// How much earlier than noticed an occurrence may be, within the hour; nil where minutes tell nothing.
    var shortLead: Double? {
        switch self {
        case .rekeys, .underlayLoss: 2
        case .routeChanges: 10
        case .pathMTU, .timeOfDay: nil
        }
    }

    /// One of them in a sentence, like `rekey`.
    public var noun: String {
        switch self {
        case .rekeys: "rekey"
        case .routeChanges: "route change"
        case .underlayLoss: "loss on the underlay"
        case .pathMTU: "change of the path MTU"
        case .timeOfDay: "time of day"
        }
    }

    /// Several of them in a sentence.
    public var plural: String {
        switch self {
        case .rekeys: "rekeys"
        case .routeChanges: "route changes"
        case .underlayLoss: "losses on the underlay"
        case .pathMTU: "changes of the path MTU"
        case .timeOfDay: "times of day"
        }
    }
}
