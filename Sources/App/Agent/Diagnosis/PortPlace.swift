import IKE
import NetworkPrimitives
import ReplyPath

extension IKEProbeReport.Port {
    /// Where requests to this silent port die, a sentence; nil where its hop ladder does not tell.
    ///
    /// How far they get says something beside how far pings get only: a router that answers neither is no sign
    /// of anything.
    ///
    /// - Parameter pings: the ladder of Echo Requests on the same path.
    /// - Returns: the sentence.
    func place(beside pings: ReplyPathReport) -> String? {
        guard let ladder, ladder.isComplete, state == .filtered else { return nil }
        let last = ladder.rungs.last
        let reached = last?.hop ?? 0
        /// The router of a hop that answers pings.
        func router(_ hop: Int) -> String? {
            let rung = pings.hops.first { $0.distance == hop }
            guard let rung, rung.requestsAnswered > 0, !rung.isTarget else { return nil }
            return rung.requestRouters.first?.description
        }
        let from =
            last.map { "hop \($0.hop)\($0.router.map { " (\($0))" } ?? "")" } ?? "this host"
        if let beyond = pings.targetHop, reached >= beyond - 1, reached > 0 {
            return
                "requests to UDP \(number) with a hop limit get as far as \(from), the last router before "
                + "the endpoint: they die there or at the endpoint, or its answers do on their way back"
        }
        // Hops that answer pings and say nothing of these.
        let silent = (reached + 1..<reached + 1 + PortLadderReport.silentHops).lazy
            .compactMap { hop in router(hop).map { (hop, $0) } }.first
        guard let (hop, address) = silent else {
            return last == nil
                ? nil
                : "requests to UDP \(number) with a hop limit get as far as \(from); what is behind it answers "
                    + "no pings with a hop limit either"
        }
        return "requests to UDP \(number) with a hop limit "
            + (last == nil ? "get out of this host to no router: " : "get as far as \(from): ")
            + "hop \(hop) (\(address)) answers pings with one, and not these, so they die between the two"
    }
}
