public import NetworkPrimitives

/// Watches the provider's health checks of one tunnel go in and out, and sends nothing.
///
/// A check comes out of the tunnel as an Echo Request or as an unsolicited Echo Reply, and its answer
/// leaves within 100 ms: the same identifier, number and payload as an Echo Reply, by the tunnel or
/// beside it. It takes observations of several devices in any order within a second, any number of
/// them, and holds no more than its tables' limits.
public struct ProviderCheckWatch: Sendable {
    /// What is known of the tunnel.
    public private(set) var settings: Settings
    /// Since when it is watched.
    public let start: MonotonicInstant

    private var matching = CheckMatching()
    private var conversations = EchoConversations()
    private var recognition = CheckRecognition()
    private var found = CheckTargets()
    private var totals: [ProviderChecksReport.Style: CheckTally] = [:]
    /// Echo messages out of the tunnel that were no checks.
    private var others = 0
    /// Messages that had to leave the table before their time.
    private var crowdedOut = 0

    /// Begins to watch.
    public init(settings: Settings, start: MonotonicInstant) {
        self.settings = settings
        self.start = start
    }

    /// Takes what is known of the tunnel now; what was counted stays.
    public mutating func update(_ settings: Settings) { self.settings = settings }

    /// An echo message was seen.
    public mutating func receive(_ observation: CheckObservation) {
        switch (observation.direction, observation.kind) {
        case (.outbound, .request): conversations.note(observation)
        case (.outbound, .reply): matching.leave(observation)
        case (.inbound, _):
            guard observation.place == .tunnel else { return }
            if let gone = matching.arrive(observation) {
                crowdedOut += 1
                judge(gone, isEarly: true)
            }
        }
    }

    /// The capture of `place` lost packets about `instant`: what is unanswered then proves nothing.
    public mutating func lose(at place: CheckObservation.Place, _ instant: MonotonicInstant) {
        matching.lose(at: instant)
    }

    /// Judges the checks whose time is over; to be called about once a second.
    public mutating func advance(to now: MonotonicInstant) {
        while let check = matching.judge(at: now) { judge(check, isEarly: false) }
    }

    private mutating func judge(_ check: PendingCheck, isEarly: Bool) {
        var check = check
        guard recognition.isCheck(check.arrival, settings, conversations) else {
            others += 1
            return
        }
        // What leaves by a device that is not watched is not missing.
        if isEarly || !settings.watched.isSuperset(of: [.tunnel, .wan]) {
            check.isDisturbed = true
        }
        let style: ProviderChecksReport.Style = check.arrival.kind == .request ? .request : .reply
        totals[style, default: CheckTally()].note(check)
        found.note(check, style: style)
    }
}
