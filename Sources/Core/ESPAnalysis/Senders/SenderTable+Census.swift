import NetworkPrimitives
import RealModule

extension SenderTable {
    /// How many senders there are, by how much and when they sent.
    struct Census: Sendable {
        /// Senders that sent in the last 60 s.
        var activeLastMinute = 0
        /// Senders with three packets and more.
        var withThreePackets = 0
        /// Senders that sent nothing yet, as far as those with few packets let suppose (Chao1).
        var unseen = 0
        /// Whether more than 2 % of the senders appeared in the newer half of the time.
        var isGrowing = false
    }

    /// Counts the senders at an instant, of a stream that began at `start`.
    func census(at now: MonotonicInstant, since start: MonotonicInstant) -> Census {
        var census = Census()
        var once = 0.0
        var twice = 0.0
        var recent = 0
        let minuteAgo = (now - .seconds(60)).nanoseconds
        let middle = start.nanoseconds / 2 + now.nanoseconds / 2
        for sender in senders {
            if sender.lastArrival > minuteAgo { census.activeLastMinute += 1 }
            if sender.firstArrival > middle { recent += 1 }
            switch sender.packets {
            case 1: once += 1
            case 2: twice += 1
            default: census.withThreePackets += 1
            }
        }
        census.unseen = Int(once * (once - 1) / (2 * (twice + 1)))
        census.isGrowing = recent > max(2, senders.count / 50)
        return census
    }

    /// Whether many keys came once and never again, as the IVs of senders do that do not count in
    /// their IVs.
    func hasManyStrangers(at now: MonotonicInstant) -> Bool {
        let minuteAgo = (now - .seconds(60)).nanoseconds
        let strangers = senders.count { $0.packets == 1 && $0.lastArrival < minuteAgo }
        return strangers >= 128 && strangers * 4 > senders.count
    }

    /// The senders with most packets first.
    ///
    /// - Parameters:
    ///   - limit: How many.
    ///   - total: The stream's packets without copies.
    ///   - name: The name of a key.
    /// - Returns: At most `limit` reports.
    func reports(
        limit: Int, of total: UInt64, name: (_ key: UInt64) -> String
    ) -> [SenderReport] {
        var places = Array(senders.indices)
        if places.count > limit {
            places.sort { senders[$0].packets > senders[$1].packets }
            places.removeLast(places.count - limit)
        }
        return places.map { place in
            let sender = senders[place]
            let seconds = Double(sender.lastArrival &- sender.firstArrival) * 1e-9
            return SenderReport(
                name: name(sender.key), packets: sender.packets,
                share: total == 0 ? 0 : Double(sender.packets) / Double(total),
                perSecond: seconds > 0 ? Double(sender.packets - 1) / seconds : nil,
                hopLimit: sender.hopLimit, lost: sender.lost, reordered: sender.reordered,
                firstArrival: MonotonicInstant(nanoseconds: sender.firstArrival),
                lastArrival: MonotonicInstant(nanoseconds: sender.lastArrival),
                highestSequence: sender.next &- 1)
        }.sorted { ($0.packets, $1.name) > ($1.packets, $0.name) }
    }
}
