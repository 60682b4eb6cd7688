import NetworkPrimitives

/// What checks of one style ask of one address of this side.
struct CheckTarget: Sendable {
    var style: ProviderChecksReport.Style
    var address: IPAddress
    var total = CheckTally()
    /// Of the last five minutes.
    var recent = Slots<CheckTally>(length: .seconds(5), count: 61)
    /// Where the last unanswered check's answer would have gone.
    var lastUnanswered: (far: IPAddress, hopLimit: UInt8)?
    /// The last sender.
    var lastFar: IPAddress
    var lastAt: MonotonicInstant
}

/// The targets of a tunnel's checks and their senders, both bounded.
struct CheckTargets: Sendable {
    static let targetLimit = 16
    static let senderLimit = 4_096

    private(set) var targets: [CheckTarget] = []
    private(set) var senders: [IPAddress: MonotonicInstant] = [:]
    /// Whether more senders were seen than are kept.
    private(set) var isSenderListCut = false
    private(set) var areTargetsCut = false

    mutating func note(_ check: PendingCheck, style: ProviderChecksReport.Style) {
        let arrival = check.arrival
        let (ours, theirs) =
            style == .request
            ? (arrival.destination, arrival.source) : (arrival.source, arrival.destination)
        note(sender: theirs, at: arrival.at)
        let index = self.index(of: ours, style, theirs, at: arrival.at)
        var tally = CheckTally()
        tally.note(check)
        targets[index].total += tally
        targets[index].recent.add(tally, at: arrival.at)
        targets[index].lastAt = max(targets[index].lastAt, arrival.at)
        targets[index].lastFar = theirs
        if tally.unanswered > 0 {
            targets[index].lastUnanswered = (theirs, arrival.hopLimit)
        }
    }

    private mutating func note(sender: IPAddress, at instant: MonotonicInstant) {
        if senders[sender] == nil, senders.count >= Self.senderLimit {
            isSenderListCut = true
            return
        }
        senders[sender] = instant
    }

    private mutating func index(
        of address: IPAddress, _ style: ProviderChecksReport.Style, _ far: IPAddress,
        at instant: MonotonicInstant
    ) -> Int {
        if let known = targets.firstIndex(where: { $0.address == address && $0.style == style }) {
            return known
        }
        let new = CheckTarget(style: style, address: address, lastFar: far, lastAt: instant)
        guard targets.count >= Self.targetLimit else {
            targets.append(new)
            return targets.count - 1
        }
        // The one that has been silent the longest goes.
        areTargetsCut = true
        let oldest = targets.indices.min { targets[$0].lastAt < targets[$1].lastAt } ?? 0
        targets[oldest] = new
        return oldest
    }
}
