public import NetworkPrimitives

/// Watches the provider's health checks of one tunnel go in and out, and sends nothing.
///
/// A check comes out of the tunnel as an Echo Request or as an unsolicited Echo Reply, and its answer
/// leaves within 100 ms: the same identifier, number and payload as an Echo Reply, by the tunnel or
/// beside it. What leaves is told to `EchoExchanges`, which all tunnels of a host share, in any order
/// within a second; each watch judges what came by its tunnel. Any number may come: it holds no more
/// than its tables' limits.
public struct ProviderCheckWatch: Sendable {
    /// What is known of the tunnel.
    public private(set) var settings: Settings
    /// Since when it is watched.
    public let start: MonotonicInstant

    private var recognition = CheckRecognition()
    /// When the capture lost packets last.
    private var loss = LossSpan()
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

    /// An echo message came out of the tunnel: by its device or, policy-based, decrypted by the underlay's.
    public mutating func receive(_ arrival: CheckObservation, _ exchanges: inout EchoExchanges) {
        steering.noteEcho()
        if let refused = exchanges.arrive(arrival, by: settings.tunnel) {
            crowdedOutCount += 1
            judge(refused, exchanges, isEarly: true)
        }
    }

    /// The capture of a device that concerns this tunnel lost packets about `instant`: what is
    /// unanswered then proves nothing.
    public mutating func lose(at instant: MonotonicInstant) { loss.note(instant) }

    /// The tunnel's inbound SAs have decrypted so many packets so far; a total that falls begins anew.
    public mutating func note(decrypted total: UInt64, at now: MonotonicInstant) {
        steering.note(total: total, at: now)
    }

    /// Judges a check of this tunnel whose time is over.
    public mutating func judge(_ due: EchoExchanges.Due, _ exchanges: EchoExchanges) {
        judge(due.check, exchanges, isEarly: false)
    }

    /// Goes on in time; to be called about once a second, after what is due was judged.
    public mutating func advance(to now: MonotonicInstant) {
        bursts.advance(to: now)
        rate.advance(to: now)
    }

    /// How many entries all tables hold: bounded, whatever is received.
    public var heldCount: Int {
        recognition.heldCount + bursts.heldCount + found.senders.count + found.targets.count
    }

    private mutating func judge(
        _ check: PendingCheck, _ exchanges: EchoExchanges, isEarly: Bool
    ) {
        var check = check
        guard recognition.isCheck(check.arrival, settings, exchanges.conversations) else {
            otherCount += 1
            return
        }
        // What leaves by a device that is not watched is not missing.
        let arrival = check.arrival
        let (ours, theirs) =
            arrival.kind == .request
            ? (arrival.destination, arrival.source) : (arrival.source, arrival.destination)
        check.isDisturbed =
            isEarly || !settings.shows(from: ours, to: theirs)
            || loss.covers(arrival.at) || exchanges.forgotten.covers(arrival.at)
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
