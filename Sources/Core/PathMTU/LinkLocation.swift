import NetworkPrimitives

/// Finds the link behind which packets of one size do not come, by how many hops they live.
struct LinkLocation: Sendable {
    /// What passes the whole path; one octet more does not.
    let best: Int
    /// A hop known to be behind the link; nil for the target, which is as far as its answers show.
    let behind: Int?
    /// Whether all hops may be asked at once: somebody waits, and no router floods them with refusals.
    let isWide: Bool

    private var size: Int { best + 1 }
    /// Hops looked at together where nobody waits.
    private static let window = 4
    private static let triesOfMute = 3

    /// What each hop should be sent next; hops that need nothing more are missing.
    func wanted(_ evidence: HopEvidence) -> [Int: Int] {
        let reach = evidence.reach(of: size)
        let end = end(evidence, reach: reach)
        guard end > reach + 1 else { return [:] }
        var wanted: [Int: Int] = [:]
        var examined = 0
        var window = 0
        for distance in (reach + 1)..<end {
            let hop = evidence[distance]
            if isMute(hop, evidence) { continue }
            window += 1
            guard isWide || window <= Self.window else { break }
            if hop.silent[size] == nil, hop.refusals[size] == nil {
                if !hop.isBusy { wanted[distance] = size }
                continue
            }
            examined += 1
            guard examined <= (isWide ? 2 : 1), !hop.isBusy else { continue }
            let isTried = hop.isAlive && HopTrial(of: size, at: hop).need == .size
            wanted[distance] = isTried ? size : best
        }
        return wanted
    }

    /// Enters into `report` which link it is, or why that is not known.
    func conclude(
        _ evidence: HopEvidence, named router: IPAddress?, into report: inout PathMTUReport
    ) {
        let reach = evidence.reach(of: size)
        let end = end(evidence, reach: reach)
        report.limitingLink = nil
        report.limitingLinkReason = nil
        let isKnown = end <= evidence.hops.count || behind != nil || evidence.target != nil
        if isKnown, end == reach + 1 {
            var link = PathMTUReport.LimitingLink(
                distance: reach, router: router ?? (reach > 0 ? evidence[reach].router : nil))
            link.mayBeOnTheWayBack = router == nil && end == evidence.target
            report.limitingLink = link
            return
        }
        if let router {
            report.limitingLink = PathMTUReport.LimitingLink(distance: nil, router: router)
        }
        report.limitingDistances = isKnown ? reach...(end - 1) : nil
        let place = reach == 0 ? "this host" : "hop \(reach)"
        report.limitingLinkReason =
            isKnown
            ? "routers between \(place) and hop \(end) do not answer"
            : "no router behind \(place) answers"
    }

    /// The nearest hop that the size certainly does not reach; one past the last if there is none.
    private func end(_ evidence: HopEvidence, reach: Int) -> Int {
        var end = evidence.hops.count + 1
        if let behind { end = min(end, behind) }
        if let target = evidence.target { end = min(end, target) }
        for distance in (reach + 1)..<max(end, reach + 1)
        where excludes(evidence[distance], evidence) {
            return distance
        }
        return max(end, reach + 1)
    }

    private func excludes(_ hop: HopEvidence.Hop, _ evidence: HopEvidence) -> Bool {
        if evidence.believesRefusals, hop.refusals[size] != nil { return true }
        return hop.isAlive && HopTrial(of: size, at: hop).need == .excluded
    }

    private func isMute(_ hop: HopEvidence.Hop, _ evidence: HopEvidence) -> Bool {
        if hop.isAlive { return HopTrial(of: size, at: hop).need == .hopeless }
        return (hop.silent[best] ?? 0) >= Self.triesOfMute
    }
}
