import NetworkPrimitives

/// Finds checks that were repeated at once, which is what the provider does when one failed.
///
/// Messages with one identifier between two addresses form a group. Three of a group within three
/// seconds, and then silence, are a burst: one check and its two repetitions. One alone is a single.
/// Two are neither: the second may be another server's that happens to use the identifier. Where
/// identifiers stay (one a server), the group's own pace is learned, and only what comes four times as
/// fast is a repetition. A group with more than three messages a second is a crowd, many servers with
/// one identifier, and says nothing.
struct RetryBursts: Sendable {
    private struct Group: Hashable, Sendable {
        var source: IPAddress
        var destination: IPAddress
        var identifier: UInt16
    }

    /// Messages of one group that follow each other quickly.
    private struct Run: Sendable {
        var start: MonotonicInstant
        var last: MonotonicInstant
        var count = 1

        init(at instant: MonotonicInstant) {
            start = instant
            last = instant
        }

        var meanGap: Duration { count < 2 ? .zero : (last - start) / (count - 1) }
    }

    /// A group that goes on at a pace of its own.
    private struct Paced: Sendable {
        var run: Run
        /// The usual time from run to run.
        var usual: Duration
    }

    /// What runs turned out to be.
    struct Tally: SlotValue, Hashable {
        /// One message alone.
        var singles = 0
        /// Two.
        var pairs = 0
        /// A check and two repetitions.
        var bursts = 0
        /// Messages of groups that tell nothing.
        var crowded = 0

        static func += (left: inout Tally, right: Tally) {
            left.singles += right.singles
            left.pairs += right.pairs
            left.bursts += right.bursts
            left.crowded += right.crowded
        }
    }

    static let limit = 8_192
    /// The three of a burst fit in this.
    static let span = Duration.seconds(3)
    /// After so long a silence the run of a group without a pace is over.
    static let silence = Duration.seconds(6)
    /// A group whose pace is faster is a crowd.
    static let crowdPace = Duration.milliseconds(334)
    private static let memory = Duration.seconds(60)

    private var fresh = AgeQueue<Group, Run>(limit: limit)
    private var paced = AgeQueue<Group, Paced>(limit: limit)
    private var recent = Slots<Tally>(length: .seconds(10), count: 60)

    var heldCount: Int { fresh.heldCount + paced.heldCount }

    /// What the runs that ended within `span` before `now` were; at most ten minutes are kept.
    func tally(of span: Duration, before now: MonotonicInstant) -> Tally {
        recent.sum(of: span, before: now)
    }

    /// A check arrived.
    mutating func note(_ arrival: CheckObservation) {
        let group = Group(
            source: arrival.source, destination: arrival.destination,
            identifier: arrival.identifier)
        if let known = paced[group] {
            note(arrival.at, group, known)
        } else if let run = fresh[group] {
            note(arrival.at, group, run)
        } else if let gone = fresh.renew(group, Run(at: arrival.at)) {
            close(gone.value)
        }
    }

    private mutating func note(_ now: MonotonicInstant, _ group: Group, _ run: Run) {
        var run = run
        let gap = max(now - run.last, .zero)
        let hasEnded =
            run.count == 3
            ? gap >= run.meanGap * 4 && gap > .zero
            : now - run.start > Self.span && gap >= run.meanGap * 4
        if hasEnded {
            close(run)
            begin(group, usual: now - run.start, at: now)
        } else if run.count == 3 {
            // Not a check and its repetitions: this identifier goes on at a pace of its own.
            recent.add(Tally(crowded: run.count), at: run.start)
            begin(group, usual: max(now - run.start, .zero) / run.count, at: now)
        } else {
            run.count += 1
            run.last = max(now, run.last)
            fresh.renew(group, run)
        }
    }

    private mutating func begin(_ group: Group, usual: Duration, at now: MonotonicInstant) {
        fresh.remove(group)
        let new = Paced(run: Run(at: now), usual: max(usual, .milliseconds(1)))
        if let gone = paced.renew(group, new) { close(gone.value) }
    }

    private mutating func note(_ now: MonotonicInstant, _ group: Group, _ known: Paced) {
        var known = known
        let gap = max(now - known.run.last, .zero)
        if gap < known.usual / 4, now - known.run.start <= Self.span {
            known.run.count += 1
            known.run.last = max(now, known.run.last)
        } else {
            close(known)
            // From run to run, so that repetitions do not make the pace look faster.
            let between = max(now - known.run.start, .zero)
            known.usual += (min(between, known.usual * 4) - known.usual) / 8
            known.usual = max(known.usual, .milliseconds(1))
            known.run = Run(at: now)
        }
        paced.renew(group, known)
    }

    /// Ends the runs whose time is over.
    mutating func advance(to now: MonotonicInstant) {
        while let (group, run) = fresh.oldest, isOver(run.last, Self.silence, at: now) {
            close(run)
            fresh.remove(group)
        }
        while let (group, known) = paced.oldest, isOver(known.run.last, Self.memory, at: now) {
            close(known)
            paced.remove(group)
        }
    }

    private func isOver(
        _ last: MonotonicInstant, _ wait: Duration, at now: MonotonicInstant
    ) -> Bool {
        // A stamp from the future is as good as over.
        now - last > wait || last - now > wait
    }

    private mutating func close(_ run: Run) {
        switch run.count {
        case 1: recent.add(Tally(singles: 1), at: run.start)
        case 2: recent.add(Tally(pairs: 1), at: run.start)
        case 3: recent.add(Tally(bursts: 1), at: run.start)
        default: recent.add(Tally(crowded: run.count), at: run.start)
        }
    }

    private mutating func close(_ known: Paced) {
        if known.usual < Self.crowdPace {
            recent.add(Tally(crowded: known.run.count), at: known.run.start)
        } else {
            close(known.run)
        }
    }
}
