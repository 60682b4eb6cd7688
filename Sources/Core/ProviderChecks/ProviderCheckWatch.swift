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
    private(set) var found = CheckTargets()
    private(set) var bursts = RetryBursts()
    private(set) var health = PredictedHealth()
    private(set) var rate: CheckRate
    private(set) var steering = SteeringWatch()
    private(set) var totals: [ProviderChecksReport.Style: CheckTally] = [:]
    /// Echo messages out of the tunnel that were taken for no checks.
    public private(set) var otherCount = 0
    /// Messages that were judged before their time, for lack of room.
    public private(set) var crowdedOutCount = 0

    /// Begins to watch.
    public init(settings: Settings, start: MonotonicInstant) {
        self.settings = settings
        self.start = start
        rate = CheckRate(start: start)
    }

    /// Takes what is known of the tunnel now; what was counted stays.
    public mutating func update(_ settings: Settings) { self.settings = settings }

    /// An echo message was seen.
    public mutating func receive(_ observation: CheckObservation) {
        switch (observation.direction, observation.kind) {
        case (.outbound, .request): conversations.note(observation)
        case (.outbound, .reply): matching.leave(observation)
        case (.inbound, _):
            guard observation.place == settings.arrivalPlace else { return }
            steering.noteEcho()
            if let gone = matching.arrive(observation) {
                crowdedOutCount += 1
                judge(gone, isEarly: true)
            }
        }
    }

    /// The capture of `place` lost packets about `instant`: what is unanswered then proves nothing.
    public mutating func lose(at place: CheckObservation.Place, _ instant: MonotonicInstant) {
        matching.lose(at: instant)
    }

    /// The tunnel's inbound SAs have decrypted so many packets so far; a total that falls begins anew.
    public mutating func note(decrypted total: UInt64, at now: MonotonicInstant) {
        steering.note(total: total, at: now)
    }

    /// Judges the checks whose time is over; to be called about once a second.
    public mutating func advance(to now: MonotonicInstant) {
        while let check = matching.judge(at: now) { judge(check, isEarly: false) }
        bursts.advance(to: now)
        rate.advance(to: now)
    }

    /// How many entries all tables hold: bounded, whatever is received.
    public var heldCount: Int {
        matching.pendingCount + matching.leavingCount + conversations.heldCount
            + recognition.heldCount + bursts.heldCount + found.senders.count + found.targets.count
    }

    private mutating func judge(_ check: PendingCheck, isEarly: Bool) {
        var check = check
        guard recognition.isCheck(check.arrival, settings, conversations) else {
            otherCount += 1
            return
        }
        // What leaves by a device that is not watched is not missing.
        let arrival = check.arrival
        let (ours, theirs) =
            arrival.kind == .request
            ? (arrival.destination, arrival.source) : (arrival.source, arrival.destination)
        if isEarly || !settings.shows(from: ours, to: theirs) { check.isDisturbed = true }
        let style: ProviderChecksReport.Style = check.arrival.kind == .request ? .request : .reply
        totals[style, default: CheckTally()].note(check)
        found.note(check, style: style)
        bursts.note(check.arrival)
        rate.note(at: check.arrival.at)
        guard check.answer != nil || !check.isDisturbed else { return }
        health.note(
            isAnswered: check.answer.map { $0.delay <= CheckMatching.timeout } ?? false,
            at: check.arrival.at)
    }
}
