import NetworkPrimitives

/// The settled probes of a ladder, counted by hop.
struct LadderEvidence: Sendable {
    /// What is known of one hop.
    struct Rung: Sendable {
        var requestsSent = 0
        var requestsAnswered = 0
        var testsSent = 0
        var testsAnswered = 0
        var datagramsSent = 0
        var datagramsAnswered = 0
        var requestRouters: [IPAddress] = []
        var replyRouters: [IPAddress] = []
        var datagramRouters: [IPAddress] = []
        var filteredBy: IPAddress?
        var isSettled = true

        var tally: HopTally {
            HopTally(
                controlsAnswered: requestsAnswered, controlsSent: requestsSent,
                testsAnswered: testsAnswered, testsSent: testsSent)
        }

        /// Whether controls and tests of one flow drew answers of different routers.
        var isSplit: Bool {
            !requestRouters.isEmpty && !replyRouters.isEmpty
                && Set(requestRouters).isDisjoint(with: replyRouters)
        }
    }

    /// Hop h stands at h − 1.
    var rungs: [Rung]

    /// Counts what belongs to one flow, or to all of them for nil; up to the hop before `target`.
    init(
        _ records: [LadderRecord], flow: Int?, attempt: Int, farthestHop: Int, beyond target: Int?,
        ignoresUnseen: Bool, noted: [Int: PairObservations]
    ) {
        rungs = Array(repeating: Rung(), count: farthestHop)
        for record in records
        where record.attempt == attempt && (flow == nil || record.flow == flow) {
            rungs[record.hop - 1].add(record, ignoresUnseen: ignoresUnseen)
        }
        // From the target on there is no router to answer a test.
        if let target, target <= farthestHop {
            for hop in target...farthestHop {
                let isSettled = rungs[hop - 1].isSettled
                rungs[hop - 1] = Rung()
                rungs[hop - 1].isSettled = isSettled
            }
        }
        guard flow == nil || flow == 0 else { return }
        for (hop, pairs) in noted where hop <= farthestHop && hop < target ?? .max {
            rungs[hop - 1].requestsSent += pairs.controlsSent
            rungs[hop - 1].requestsAnswered += pairs.controlsAnswered
            rungs[hop - 1].testsSent += pairs.testsSent
            rungs[hop - 1].testsAnswered += pairs.testsAnswered
            if let router = pairs.router {
                if pairs.controlsAnswered > 0 { rungs[hop - 1].requestRouters.insertOnce(router) }
                if pairs.testsAnswered > 0 { rungs[hop - 1].replyRouters.insertOnce(router) }
            }
        }
    }

    /// The farthest hop where a router answered a request; 0 for none.
    var lastRequest: Int { (rungs.lastIndex { $0.requestsAnswered > 0 } ?? -1) + 1 }
    /// The farthest hop where a router answered a test; 0 for none.
    var lastReply: Int { (rungs.lastIndex { $0.testsAnswered > 0 } ?? -1) + 1 }
    /// The farthest hop where a router answered a datagram; 0 for none.
    var lastDatagram: Int { (rungs.lastIndex { $0.datagramsAnswered > 0 } ?? -1) + 1 }

    /// Whether, as far as tests are known to come, routers treat them unlike controls: others answer,
    /// or one kind alone is answered.
    var isLopsided: Bool {
        rungs.prefix(lastReply).contains { rung in
            rung.isSplit
                || rung.requestsAnswered >= 2 && rung.testsSent >= 3 && rung.testsAnswered == 0
                || rung.testsAnswered >= 2 && rung.requestsSent >= 3 && rung.requestsAnswered == 0
        }
    }

    /// The tallies as far as a router was seen; of silent hops among them nothing, for they are as
    /// silent to controls.
    var visible: [HopTally] {
        rungs.prefix(max(lastRequest, lastReply)).map { $0.tally.isVisible ? $0.tally : HopTally() }
    }
}

extension LadderEvidence.Rung {
    mutating func add(_ record: LadderRecord, ignoresUnseen: Bool) {
        guard record.isSettled else {
            isSettled = false
            return
        }
        guard record.counts else { return }
        // What the capture did not see leave was no test of the path; the target is no router.
        if record.state == .reachedTarget { return }
        // Of datagrams no capture says when they leave.
        if record.state == .silent, ignoresUnseen, !record.wasSeen, record.kind != .datagram {
            return
        }
        let isAnswered = record.state == .timeExceeded
        switch record.kind {
        case .request:
            requestsSent += 1
            requestsAnswered += isAnswered ? 1 : 0
            if isAnswered, let router = record.router { requestRouters.insertOnce(router) }
        case .reply:
            testsSent += 1
            testsAnswered += isAnswered ? 1 : 0
            if isAnswered, let router = record.router { replyRouters.insertOnce(router) }
            if record.state == .filtered { filteredBy = filteredBy ?? record.router }
        case .datagram:
            datagramsSent += 1
            datagramsAnswered += isAnswered ? 1 : 0
            if isAnswered, let router = record.router { datagramRouters.insertOnce(router) }
        }
    }
}

extension [IPAddress] {
    /// Appends an address unless it is there already, or there are eight.
    mutating func insertOnce(_ address: IPAddress) {
        if count < 8, !contains(address) { append(address) }
    }
}
