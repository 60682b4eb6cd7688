public import NetworkPrimitives

// What the tracks add up to (§6 "numbers to report", §7).
extension CounterTracker {
    /// What the tracker knows about its stream.
    ///
    /// The estimate to report is `active + few`, or the provable minimum where that is higher (§6).
    /// Loss and reordering may be reported from a confidence of 0.95 (§6.2).
    public struct Summary: Equatable, Sendable {
        /// Tracks with three packets or more, without those of eight or more that have been silent
        /// for longer than a second and twelve of their mean gaps.
        public var active = 0
        /// Tracks with one or two packets.
        public var few = 0
        /// Tracks with three packets or more over the life of the SA: a sender that began again
        /// counts twice.
        public var instances = 0
        /// Tracks with exactly one packet.
        public var singles = 0
        /// Tracks with exactly two packets.
        public var doubles = 0
        /// The upper end of the range, by Chao: `active + few + n1(n1−1)/(2(n2+1))`.
        public var rangeHigh = 0
        /// Whether more than 2 % of all tracks began in the newer half of the stream's time.
        public var isGrowing = false
        /// The mean confidence of all decisions, 0...1; nil before the first packet.
        public var confidence: Double?
        /// Holes that nothing filled within half a second.
        public var lost: UInt64 = 0
        /// Numbers skipped beyond the 256 nearest of a jump: outages, not loss.
        public var outage: UInt64 = 0
        /// Packets that filled a hole.
        public var fills: UInt64 = 0
        /// How many of the fills are coincidences, by the decoys.
        public var expectedFalseFills = 0.0
        /// Fills without the expected coincidences, at least 0.
        public var netReordering = 0.0
        /// The mean number of other tracks at the same place when a packet came in order: ρ.
        public var colocation = 0.0
        /// The largest extent of a late packet, in packets of its track (RFC 4737 §4.2.1); nil
        /// without late packets.
        public var maximumExtent: Int?
        /// The longest time by which a packet was late (RFC 4737 §4.2.2); nil without late packets.
        public var maximumLateness: Duration?
        /// Packets taken.
        public var packets: UInt64 = 0

        /// `active + few`.
        public var estimate: Int { active + few }
    }

    /// The state of things at an instant; costs a pass over the tracks.
    public func summary(at instant: MonotonicInstant) -> Summary {
        let at = latest(instant)
        var summary = Summary()
        for track in tracks where track.isLive {
            if track.packets < 3 {
                summary.few += 1
            } else {
                summary.instances += 1
                if isActive(track, at) { summary.active += 1 }
            }
        }
        summary.instances += retired
        summary.singles = singles
        summary.doubles = doubles
        summary.rangeHigh =
            summary.active + summary.few + singles * (singles - 1) / (2 * (doubles + 1))
        if let firstArrival { summary.isGrowing = births.isGrowing(age: at &- firstArrival) }
        if packets > 0 { summary.confidence = confidenceSum / Double(packets) }
        summary.lost = lost
        summary.outage = outage
        summary.fills = fills
        summary.expectedFalseFills =
            Double(holesOpened) * Double(decoyWins) / Double(max(1, decoysOpened))
        summary.netReordering = max(0, Double(fills) - summary.expectedFalseFills)
        if steps > 0 { summary.colocation = Double(colocated) / Double(steps) }
        if fills > 0 {
            summary.maximumExtent = Int(maximumExtent)
            summary.maximumLateness = .nanoseconds(maximumLateness)
        }
        summary.packets = packets
        return summary
    }

    /// Tracks with a packet at or after an instant; with fewer than three packets they count too.
    public func tracks(since instant: MonotonicInstant) -> Int {
        tracks.count { $0.isLive && $0.seen >= instant.nanoseconds }
    }

    private func isActive(_ track: CounterTrack, _ at: Int64) -> Bool {
        guard track.packets >= 8 else { return true }
        let gaps = 12e9 * Double(track.elapsed) / max(Double(track.counted), 1e-9)
        return Double(at &- track.advanced) <= max(1e9, gaps)
    }

    /// The tracks with most packets first, ties by age, as senders named `#1`, `#2` … in order of
    /// appearance.
    ///
    /// `lost` and `reordered` are always given; whoever reports them leaves them out while the
    /// confidence is below 0.95 (§6.2).
    public func senders(limit: Int, at instant: MonotonicInstant) -> [SenderReport] {
        var order = tracks.indices.filter { tracks[$0].isLive }
        order.sort {
            (tracks[$1].packets, tracks[$0].serial) < (tracks[$0].packets, tracks[$1].serial)
        }
        return order.prefix(max(0, limit)).map { report(of: tracks[$0]) }
    }

    private func report(of track: CounterTrack) -> SenderReport {
        let span = Double(track.seen &- track.born) * 1e-9
        return SenderReport(
            name: "#\(track.serial)", packets: UInt64(track.packets),
            share: Double(track.packets) / Double(packets),
            perSecond: track.packets > 1 && span > 0 ? Double(track.packets - 1) / span : nil,
            hopLimit: track.hopLimit, lost: UInt64(track.lost),
            reordered: UInt64(track.reordered),
            firstArrival: MonotonicInstant(nanoseconds: track.born),
            lastArrival: MonotonicInstant(nanoseconds: track.seen), highestSequence: track.last)
    }

    /// How many counters are left when tracks that never collided are put together (§6,
    /// non-collision test).
    ///
    /// Two counters that cross the same numbers must collide, so tracks whose ranges overlap by 32
    /// or more and whose densities add up to no more than 1.05 are one counter that the path split.
    /// It means something only where no collision was seen and the provable minimum is 1.
    public func nonCollidingCounters() -> Int {
        var order = tracks.indices.filter { tracks[$0].packets >= 3 }
        order.sort { tracks[$0].first < tracks[$1].first }
        var counters = 0
        var high: UInt64 = 0
        var density = 0.0
        for slot in order {
            let track = tracks[slot]
            // A range that passes the wrap goes on beyond 2³².
            let span = UInt64(track.last &- track.first)
            let end = UInt64(track.first) + span
            let own = Double(track.packets) / Double(span + 1)
            if counters > 0, UInt64(track.first) + 32 <= high, density + own <= 1.05 {
                density += own
                high = max(high, end)
            } else {
                counters += 1
                high = end
                density = own
            }
        }
        return counters
    }
}
