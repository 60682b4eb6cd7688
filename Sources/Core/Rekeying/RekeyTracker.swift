public import NetworkPrimitives

/// The rekeys of one tunnel: what its kernel tells, joined with what is seen on the wire.
///
/// Where a kernel at hand has the tunnel's SAs, a rekey begins when it installs an inbound SA beside or
/// after another of the same lane. Where none has, as beside an appliance, it begins with the first packet of
/// a new SPI, and counts once the former one fell silent: an SPI that joins others is no rekey.
///
/// *Bounded.* 128 SAs, 32 rekeys under observation, the last 20 that are over.
public struct RekeyTracker: Sendable {
    /// How many rekeys are kept that are over.
    public static let recordLimit = 20
    static let openLimit = 32
    static let associationLimit = 128
    /// How long an SA counts as the former one of its lane after it was removed.
    static let successionGap = Duration.seconds(300)
    /// How long after a rekey's beginning it is given up.
    static let patience = SuccessionWatch.patience
    /// Probes are counted for so long at most: three minutes, the longest that the provider names.
    public static let probeSpan = Duration.seconds(180)
    /// Packets after which a new SPI on the wire is shown as a rekey under way.
    static let noteworthyPackets: UInt64 = 8

    private struct Association: Sendable {
        var spi: SPI
        var lane: UInt64
        var removedAt: MonotonicInstant?
    }

    /// Whether a kernel at hand has the tunnel's SAs, so that packets alone begin no rekey.
    public var isKernelReadable = false
    /// The rekeys under observation, oldest first.
    public private(set) var open: [RekeyRecord] = []
    /// The last 20 that are over, oldest first.
    public private(set) var ended: [RekeyRecord] = []
    /// Rekeys seen on the wire alone, by the time their former SPI fell silent.
    public private(set) var wireCount: UInt64 = 0
    /// How long finished rekeys took.
    public private(set) var histogram = ConvergenceHistogram()

    /// Inbound SAs in the order in which they were installed.
    private var associations: [Association] = []
    /// First packets of SPIs of which nothing more is to be learnt on the wire.
    private var judged: [SPI: MonotonicInstant] = [:]

    /// Makes a tracker that knows of no SA.
    public init() {}

    /// All rekeys that are known, the oldest first.
    public var records: [RekeyRecord] {
        (ended + open).sorted { $0.installedAt < $1.installedAt }.suffix(Self.recordLimit)
    }

    /// Whether no SA was told of yet.
    public var isUntold: Bool { associations.isEmpty }

    /// Whether a rekey is over whose probes are not counted yet.
    public var wantsProbes: Bool { ended.contains { $0.probes == nil } }

    /// The inbound SAs that the kernel has.
    public var installed: [SPI] { associations.filter { $0.removedAt == nil }.map(\.spi) }

    /// Whether the kernel has an inbound SA with this SPI.
    public func knows(_ spi: SPI) -> Bool {
        associations.contains { $0.spi == spi && $0.removedAt == nil }
    }

    /// The rekeys that are over, each once: for whoever keeps them himself.
    public mutating func takeEnded() -> [RekeyRecord] {
        defer { ended = [] }
        return ended
    }

    // MARK: - The kernel

    /// Takes an inbound SA that the kernel had before anyone watched; call in order of age.
    public mutating func noteAssociation(_ spi: SPI, lane: UInt64) {
        guard !associations.contains(where: { $0.spi == spi && $0.removedAt == nil }) else {
            return
        }
        keep(Association(spi: spi, lane: lane))
    }

    /// Takes the installation of an inbound SA.
    ///
    /// - Parameters:
    ///   - spi: Its SPI.
    ///   - lane: What it has in common with its successors and with no other: a number for its request
    ///     id, mark and interface.
    ///   - instant: When the kernel told of it.
    public mutating func install(_ spi: SPI, lane: UInt64, at instant: MonotonicInstant) {
        guard !associations.contains(where: { $0.spi == spi && $0.removedAt == nil }) else {
            return
        }
        let lanes = associations.filter { $0.lane == lane }
        // The newest that is left, or else the one that was removed last: both are gone when IKE begins
        // anew.
        let former =
            lanes.last { $0.removedAt == nil }
            ?? lanes.filter { association in
                association.removedAt.map { instant - $0 <= Self.successionGap } ?? false
            }.max { ($0.removedAt ?? instant) < ($1.removedAt ?? instant) }
        keep(Association(spi: spi, lane: lane))
        judged[spi] = nil
        guard let former, former.spi != spi else { return }
        var record = RekeyRecord(formerSPI: former.spi, spi: spi, installedAt: instant)
        record.formerRemovedAt = former.removedAt
        begin(record)
    }

    /// Takes the end of an SA, deleted or expired.
    public mutating func remove(_ spi: SPI, at instant: MonotonicInstant) {
        for place in associations.indices
        where associations[place].spi == spi && associations[place].removedAt == nil {
            associations[place].removedAt = instant
        }
        for place in open.indices where open[place].formerSPI == spi {
            if open[place].formerRemovedAt == nil { open[place].formerRemovedAt = instant }
        }
        for place in ended.indices where ended[place].formerSPI == spi {
            if ended[place].formerRemovedAt == nil { ended[place].formerRemovedAt = instant }
        }
        if let place = open.firstIndex(where: { $0.spi == spi && $0.arrivals == nil }) {
            end(place, .unfinished("the new SA was deleted before a packet came on it"))
        }
    }

    private mutating func keep(_ association: Association) {
        associations.removeAll { $0.spi == association.spi }
        if associations.count == Self.associationLimit {
            associations.remove(at: associations.firstIndex { $0.removedAt != nil } ?? 0)
        }
        associations.append(association)
    }

    private mutating func begin(_ record: RekeyRecord) {
        if open.count == Self.openLimit {
            end(0, .unfinished("over \(Self.openLimit) rekeys were under observation"))
        }
        open.append(record)
    }

    // MARK: - The wire

    /// Takes what is seen on the wire, as often as it is looked at.
    ///
    /// - Parameters:
    ///   - successions: The new SPIs.
    ///   - deletions: Packets for SAs that were deleted.
    public mutating func take(
        _ successions: [Succession], deletions: [SuccessionWatch.Deletion]
    ) {
        for succession in successions where judged[succession.spi] != succession.firstPacketAt {
            take(succession)
        }
        for deletion in deletions {
            for place in open.indices where open[place].formerSPI == deletion.spi {
                open[place].packetsForDeletedSPI = deletion.packets
            }
            for place in ended.indices where ended[place].formerSPI == deletion.spi {
                ended[place].packetsForDeletedSPI = deletion.packets
            }
        }
        let current = Set(successions.map(\.spi))
        judged = judged.filter { current.contains($0.key) }
    }

    private mutating func take(_ succession: Succession) {
        guard let place = place(for: succession) else { return }
        let origin = open[place].origin
        if origin == .wire { open[place].formerSPI = succession.replaced?.spi }
        let formers = formers(of: open[place], in: succession)
        let arrivals = succession.arrivals(from: formers)
        open[place].arrivals = arrivals
        open[place].overtakenBy = succession.overtakenBy
        let isSilent =
            origin == .kernel
            ? formers.allSatisfy(\.isSilent)
            : succession.isClosed && !succession.silentFormers.isEmpty
        guard isSilent || succession.isClosed else { return }
        judged[succession.spi] = succession.firstPacketAt
        if isSilent, arrivals.convergedAt != nil {
            end(place, .finished)
        } else if origin == .wire {
            // Another SA beside the former ones, or a number that somebody made up.
            open.remove(at: place)
        } else {
            end(place, .unfinished("the old SPI still carried after \(Self.seconds) s"))
        }
    }

    /// The SPIs that were replaced: as the kernel says, all former ones of the lane, since some sender may
    /// have missed a whole SA; else those that fell silent, or all while none has.
    private func formers(
        of record: RekeyRecord, in succession: Succession
    ) -> [Succession.Former] {
        guard record.origin == .kernel else {
            let silent = succession.silentFormers
            return silent.isEmpty ? succession.formers : silent
        }
        let lane = lane(of: record.spi)
        return succession.formers.filter { former in
            former.spi == record.formerSPI || self.lane(of: former.spi) == lane
        }
    }

    private func lane(of spi: SPI) -> UInt64? {
        associations.last { $0.spi == spi }?.lane
    }

    private static var seconds: Int64 { patience.components.seconds }

    /// The record that a succession is about, made where packets alone begin one; nil for none.
    private mutating func place(for succession: Succession) -> Int? {
        if let place = open.firstIndex(where: { $0.spi == succession.spi }) { return place }
        guard !isKernelReadable, succession.joint.packets > 1,
            succession.isClosed || succession.joint.packets >= Self.noteworthyPackets
        else { return nil }
        begin(
            RekeyRecord(
                formerSPI: nil, spi: succession.spi, installedAt: succession.firstPacketAt,
                origin: .wire))
        return open.count - 1
    }

    // MARK: - Time

    /// Gives up what has waited for too long, and counts probes.
    ///
    /// - Parameters:
    ///   - now: The current instant.
    ///   - probes: The tunnel's probes; nil where it is not probed.
    public mutating func advance(to now: MonotonicInstant, probes: ProbeLog?) {
        var place = 0
        while place < open.count {
            let record = open[place]
            if now - record.installedAt < Self.patience {
                place += 1
            } else if record.origin == .wire {
                open.remove(at: place)
            } else if record.arrivals == nil {
                end(
                    place,
                    .unfinished("no packet came on the new SPI in \(Self.seconds) s"))
            } else if now - record.installedAt < Self.patience * 2 {
                // The first packet came late, and its observation is not over.
                place += 1
            } else {
                end(place, .unfinished("given up after \(Self.seconds * 2) s"))
            }
        }
        for place in ended.indices where ended[place].probes == nil {
            countProbes(of: &ended[place], probes, now)
        }
    }

    private func countProbes(
        of record: inout RekeyRecord, _ log: ProbeLog?, _ now: MonotonicInstant
    ) {
        guard let log else { return }
        let end = min(
            record.arrivals?.convergedAt ?? .distantFuture, record.installedAt + Self.probeSpan)
        // Probes that were sent by then are decided some seconds later.
        guard now - end > .seconds(5) else { return }
        record.probes = log.counts(
            from: record.installedAt, through: max(end, record.installedAt))
    }

    private mutating func end(_ place: Int, _ ending: RekeyRecord.Ending) {
        var record = open.remove(at: place)
        record.ending = ending
        if ending == .finished {
            if record.origin == .wire { wireCount += 1 }
            if let convergence = record.convergence { histogram.add(convergence) }
        }
        if ended.count == Self.recordLimit { ended.removeFirst() }
        ended.append(record)
        guard ending == .finished, record.origin == .kernel else { return }
        let lane = lane(of: record.spi)
        // What carries now is newer than those that never carried.
        while let passed = open.firstIndex(where: {
            $0.installedAt < record.installedAt && $0.arrivals == nil
                && self.lane(of: $0.spi) == lane
        }) {
            end(passed, .unfinished("another rekey came before a packet on this SPI"))
        }
    }
}
