import NetworkPrimitives

/// What a ladder still has to send.
struct LadderPlan: Sendable {
    /// The flow in turn.
    var flow = 0
    /// Controls, and tests, for each hop.
    var goal = ReplyLadder.goals[0]
    /// The hops that can still tell something; nil for all that come into question.
    var focus: ClosedRange<Int>?
    /// Where datagrams are sent, in flow 0.
    var datagramHops: ClosedRange<Int>?
    /// Controls and tests handed out, by hop, in this flow.
    private var progress: [Int: Int] = [:]
    private var datagramProgress: [Int: Int] = [:]
    private var orders: [Int: PairOrder] = [:]

    /// The plan of the next flow: only hops from the block on.
    func nextFlow(focus: ClosedRange<Int>) -> LadderPlan {
        var next = LadderPlan()
        next.flow = flow + 1
        next.focus = focus
        next.datagramHops = datagramHops
        next.datagramProgress = datagramProgress
        return next
    }

    /// The hops that controls and tests go to.
    func hops(_ ladder: ReplyLadder, _ evidence: LadderEvidence) -> ClosedRange<Int> {
        let farthest = Int(ladder.settings.farthestHop)
        let limit = max(1, min(farthest, (ladder.targetHops[flow] ?? .max) - 1))
        if let focus { return min(focus.lowerBound, limit)...min(focus.upperBound, limit) }
        let last = max(evidence.lastRequest, evidence.lastReply)
        let ahead = max(ladder.settings.lookahead, last + ReplyLadder.silentHops)
        return 1...min(limit, ahead)
    }

    /// The hops that something is still to be sent to.
    func dueHops(_ ladder: ReplyLadder) -> [Int] {
        let evidence = ladder.evidence(flow: flow)
        var due = hops(ladder, evidence).filter { hop in
            // Where no control is answered, more of them tell nothing.
            let rung = evidence.rungs[hop - 1]
            let isSilent =
                rung.requestsSent >= ReplyLadder.goals[0] && !rung.tally.isVisible
            if goal > ReplyLadder.goals[0], isSilent { return false }
            return sentOrNoted(at: hop, ladder.noted) < 2 * goal
        }
        if let datagramHops {
            due += datagramHops.filter { needsDatagram(at: $0) && !due.contains($0) }
        }
        return due
    }

    private func sentOrNoted(at hop: Int, _ noted: [Int: PairObservations]) -> Int {
        (progress[hop] ?? 0) + (flow == 0 ? 2 * (noted[hop]?.pairCount ?? 0) : 0)
    }

    private func needsDatagram(at hop: Int) -> Bool {
        (datagramProgress[hop] ?? 0) < ReplyLadder.goals[0]
    }

    /// Hands out the next packet for a due hop.
    mutating func take(
        at hop: Int, noted: [Int: PairObservations],
        using generator: inout some RandomNumberGenerator
    ) -> (LadderProbe.Kind, flow: Int) {
        let index = progress[hop] ?? 0
        let needsDatagram = (datagramHops?.contains(hop) ?? false) && needsDatagram(at: hop)
        if needsDatagram,
            sentOrNoted(at: hop, noted) >= 2 * goal || Int.random(in: 0..<3, using: &generator) == 0
        {
            datagramProgress[hop, default: 0] += 1
            return (.datagram, 0)
        }
        progress[hop] = index + 1
        return (orders[hop, default: PairOrder()].kind(at: index, using: &generator), flow)
    }
}

/// Makes the probes of one ladder: what is constant for a flow, and what numbers them.
struct LadderProbeFactory: Sendable {
    private var identifiers: [UInt16] = []
    private var ports: [UInt16] = []
    private var sequence: UInt16

    /// Draws the identifiers of the flows, each another one.
    init(using generator: inout some RandomNumberGenerator) {
        while identifiers.count < ReplyLadder.checksums.count {
            let identifier = 0x4000 | UInt16.random(in: 0...0x3fff, using: &generator)
            if !identifiers.contains(identifier) { identifiers.append(identifier) }
        }
        while ports.count < ReplyLadder.checksums.count {
            // RFC 6335 §6: the dynamic ports.
            let port = UInt16.random(in: 0xc000...0xfffe, using: &generator)
            if !ports.contains(port) { ports.append(port) }
        }
        sequence = UInt16.random(in: .min ... .max, using: &generator)
    }

    mutating func make(
        _ kind: LadderProbe.Kind, hop: Int, flow: Int, number: UInt64,
        using generator: inout some RandomNumberGenerator
    ) -> LadderProbe {
        sequence &+= 1
        if kind == .datagram {
            // A checksum of 0 means none (RFC 768), and 0xffff stands for 0.
            if sequence == 0 || sequence == 0xffff { sequence = 1 }
            return LadderProbe(
                number: number, kind: kind, hopLimit: UInt8(hop), flow: flow,
                identifier: ports[flow], sequence: ReplyLadder.datagramPort + UInt16(flow),
                checksum: sequence, nonce: generator.next())
        }
        return LadderProbe(
            number: number, kind: kind, hopLimit: UInt8(hop), flow: flow,
            identifier: identifiers[flow], sequence: sequence,
            checksum: ReplyLadder.checksums[flow], nonce: generator.next())
    }
}
