import ESPAnalysis
import NetworkPrimitives
import Rekeying

/// What is seen on the wire of one tunnel's rekeys.
struct RekeyArrivals: Sendable {
    /// New inbound SPIs, and how arrivals went over to them.
    var successions: [Succession] = []
    /// Packets for SAs that were deleted.
    var deletions: [SuccessionWatch.Deletion] = []
}

/// Watches the inbound SPIs of every tunnel of one capture, by whatever a tunnel is told from others.
///
/// It costs nothing while no SPI is new: the stream table tells when one is, and from the batch with its
/// first packet on every packet comes here until all is over. What carried before, the table knows.
struct RekeyWatch<Tunnel: Hashable & Sendable>: Sendable {
    /// The way of a packet.
    private struct Way: Hashable {
        var source: IPAddress
        var destination: IPAddress
    }

    /// The most tunnels and ways; further ones are not watched.
    private static var limit: Int { 4096 }

    private var tunnels: [Tunnel] = []
    private var watches: ContiguousArray<SuccessionWatch> = []
    private var places: [Tunnel: Int] = [:]
    /// By way: the place in `watches`, or -1 for packets of no tunnel.
    private var ways: [Way: Int] = [:]
    private var latest: (way: Way, place: Int)?
    private var seenOpenings: UInt64 = 0

    /// Whether packets are looked at one by one now.
    private(set) var isObserving = false
    /// Whether there is something new to tell.
    private var isChanged = false

    /// Whether the packets that a table has just taken in are to be received here.
    @inline(__always)
    func wants(_ table: borrowing StreamTable) -> Bool {
        isObserving || table.openings != seenOpenings
    }

    /// Receives packets that the table has taken in.
    ///
    /// - Parameters:
    ///   - batch: the packets in order.
    ///   - table: the table, by whose streams it is known what carried before.
    ///   - tunnel: the tunnel that packets from one address to another come in by; nil for none.
    mutating func receive(
        _ batch: Span<ESPObservation>, of table: borrowing StreamTable,
        tunnel: (_ source: IPAddress, _ destination: IPAddress) -> Tunnel?
    ) {
        guard batch.count > 0 else { return }
        if !isObserving { recall(table, before: batch[0].arrival, tunnel) }
        seenOpenings = table.openings
        isObserving = true
        isChanged = true
        for index in batch.indices {
            let place = place(batch[index].source, batch[index].destination, tunnel)
            if place >= 0 { watches[place].receive(batch[index].spi, at: batch[index].arrival) }
        }
        isObserving = watches.contains { $0.isObserving }
    }

    /// Learns what carried while nothing was looked at here.
    private mutating func recall(
        _ table: borrowing StreamTable, before instant: MonotonicInstant,
        _ tunnel: (_ source: IPAddress, _ destination: IPAddress) -> Tunnel?
    ) {
        for activity in table.activities() where activity.firstArrival < instant {
            let place = place(activity.source, activity.id.destination, tunnel)
            guard place >= 0 else { continue }
            watches[place].noteCarrier(
                activity.id.spi, first: activity.firstArrival, last: activity.lastArrival,
                packets: activity.packets)
        }
    }

    @inline(__always)
    private mutating func place(
        _ source: IPAddress, _ destination: IPAddress,
        _ tunnel: (_ source: IPAddress, _ destination: IPAddress) -> Tunnel?
    ) -> Int {
        if let latest, latest.way.source == source, latest.way.destination == destination {
            return latest.place
        }
        let way = Way(source: source, destination: destination)
        let place = ways[way] ?? newPlace(way, tunnel(source, destination))
        latest = (way, place)
        return place
    }

    private mutating func newPlace(_ way: Way, _ tunnel: Tunnel?) -> Int {
        if ways.count >= Self.limit { ways.removeAll(keepingCapacity: true) }
        var place = -1
        if let tunnel { place = self.place(of: tunnel) }
        ways[way] = place
        return place
    }

    /// The place of a tunnel, made if it has none; -1 if there is no room.
    private mutating func place(of tunnel: Tunnel) -> Int {
        if let known = places[tunnel] { return known }
        guard watches.count < Self.limit else { return -1 }
        tunnels.append(tunnel)
        watches.append(SuccessionWatch())
        places[tunnel] = watches.count - 1
        return watches.count - 1
    }

    // MARK: - What the kernel tells

    /// Notes that the kernel has a new inbound SA for a tunnel: packets are looked at for a while.
    mutating func install(_ spi: SPI, of tunnel: Tunnel, at instant: MonotonicInstant) {
        let place = place(of: tunnel)
        guard place >= 0 else { return }
        watches[place].install(spi, at: instant)
    }

    /// Notes that the kernel deleted an inbound SA of a tunnel.
    mutating func remove(_ spi: SPI, of tunnel: Tunnel, at instant: MonotonicInstant) {
        guard let place = places[tunnel] else { return }
        watches[place].remove(spi, at: instant)
        isChanged = true
    }

    /// Learns what carried before packets are looked at for what the kernel told.
    mutating func prepare(
        _ table: borrowing StreamTable,
        tunnel: (_ source: IPAddress, _ destination: IPAddress) -> Tunnel?
    ) {
        guard !isObserving else { return }
        recall(table, before: .distantFuture, tunnel)
        seenOpenings = table.openings
        isObserving = true
    }

    /// Forgets which tunnel packets belong to, and the tunnels that are no longer there.
    mutating func adopt(_ names: Set<Tunnel>) {
        let kept = tunnels.indices.filter { names.contains(tunnels[$0]) }
        watches = ContiguousArray(kept.map { watches[$0] })
        tunnels = kept.map { tunnels[$0] }
        places = Dictionary(uniqueKeysWithValues: zip(tunnels, tunnels.indices))
        ways = [:]
        latest = nil
    }

    /// The table is another one: its streams begin again.
    mutating func forgetOpenings() { seenOpenings = 0 }

    // MARK: - Time

    /// Ends what is over; no packet before `now` is missing any more.
    mutating func advance(to now: MonotonicInstant) {
        guard isObserving else { return }
        for place in watches.indices { watches[place].advance(to: now) }
        isObserving = watches.contains { $0.isObserving }
        isChanged = true
    }

    /// What is seen of the tunnels whose SPIs change, once for each change; empty when nothing did.
    mutating func takeNews(at now: MonotonicInstant) -> [Tunnel: RekeyArrivals] {
        guard isChanged else { return [:] }
        isChanged = false
        return arrivals(at: now)
    }

    /// What is seen of the tunnels whose SPIs change, or did in the last minutes.
    func arrivals(at now: MonotonicInstant) -> [Tunnel: RekeyArrivals] {
        var arrivals: [Tunnel: RekeyArrivals] = [:]
        for (place, tunnel) in tunnels.enumerated() {
            let watch = watches[place]
            let entry = RekeyArrivals(
                successions: watch.reports(at: now), deletions: watch.deletions)
            if !entry.successions.isEmpty || !entry.deletions.isEmpty { arrivals[tunnel] = entry }
        }
        return arrivals
    }
}
