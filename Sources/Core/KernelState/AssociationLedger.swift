public import NetworkPrimitives

/// Counts what the SAs of tunnels come to, over all rekeys: dumps and events in, totals out.
///
/// The kernel forgets an SA's counters with the SA. But what it had come to stands in the event that
/// tells of its end, so nothing is missing as long as events arrive. Where they do not (all SAs
/// flushed at once, events lost, no privilege), totals are a lower bound and say why.
///
/// *Bound.* One entry for each SA that the kernel has and a watched tunnel owns; 64 changes a tunnel;
/// 4 096 policy templates beyond those that have SAs.
public struct AssociationLedger: Sendable {
    /// What is known of an SA that the kernel has.
    private struct Entry {
        var association: SecurityAssociation
        var owner: AssociationOwners.Owner
        /// What of it is in the totals.
        var counted: AssociationTotals
        /// When an event told of it last.
        var toldIn: UInt64
        /// Whether the last reading did not list it.
        var isMissing = false
    }

    /// SAs that can replace each other: those of one tunnel and one policy template.
    private struct Succession: Hashable {
        var tunnel: String
        var requestID: UInt32
        var protocolNumber: IPsecProtocol
    }

    private static let changeLimit = 64
    /// Successions that are remembered, though their SAs may be gone.
    private static let successionLimit = 4096

    private var entries: [AssociationKey: Entry] = [:]
    private var totals: [String: TunnelTotals] = [:]
    private var recent: [String: [AssociationChange]] = [:]
    /// Successions that have had an inbound SA.
    private var successions: Set<Succession> = []
    /// Counts readings of the kernel's table.
    private var reading: UInt64 = 0
    /// SAs that ended since the reading began, which may still list them; nil when nothing is read.
    private var ended: Set<AssociationKey>?
    private var hasReadOnce = false

    /// Makes a ledger without SAs.
    public init() {}

    /// What a tunnel's SAs came to so far.
    public func totals(of tunnel: String) -> TunnelTotals { totals[tunnel] ?? TunnelTotals() }

    /// What happened to a tunnel's SAs, oldest first.
    public func changes(of tunnel: String) -> [AssociationChange] { recent[tunnel] ?? [] }

    /// The SAs that a tunnel has now, newest first.
    public func associations(of tunnel: String) -> [DirectedAssociation] {
        entries.values.filter { $0.owner.tunnel == tunnel }.map {
            DirectedAssociation(direction: $0.owner.direction, association: $0.association)
        }.sorted {
            let left = $0.association.addedAt?.nanoseconds ?? 0
            let right = $1.association.addedAt?.nanoseconds ?? 0
            return left == right
                ? $0.association.spi.rawValue < $1.association.spi.rawValue : left > right
        }
    }

    /// Forgets tunnels that are no longer watched.
    public mutating func forget(allTunnelsBut names: Set<String>) {
        entries = entries.filter { names.contains($0.value.owner.tunnel) }
        totals = totals.filter { names.contains($0.key) }
        recent = recent.filter { names.contains($0.key) }
        successions = successions.filter { names.contains($0.tunnel) }
    }

    // MARK: - Readings

    /// Call before the kernel's table is read; apply the events that came meanwhile after the read, and
    /// then `finishReading`.
    ///
    /// What an event says is newer than what the table said.
    public mutating func beginReading() {
        reading += 1
        ended = []
    }

    /// Takes in the kernel's table as it was read after `beginReading`.
    ///
    /// - Parameters:
    ///   - associations: all SAs of the namespace.
    ///   - owners: whose they are.
    ///   - eventsMissing: why an SA may have gone without an event; nil when none may.
    ///   - now: the current instant.
    public mutating func finishReading(
        _ associations: [SecurityAssociation], owners: AssociationOwners,
        eventsMissing: String?, at now: MonotonicInstant
    ) {
        var listed: Set<AssociationKey> = []
        for association in associations where !association.isLarval {
            let key = association.key
            listed.insert(key)
            // It ended, or an event that came later told of it: the table is old news.
            if ended?.contains(key) == true || entries[key]?.toldIn == reading { continue }
            take(association, owners, at: now, isEvent: false)
        }
        for (key, entry) in entries {
            let isMissing = !listed.contains(key) && entry.toldIn != reading
            // The kernel takes an SA from its table a moment before it tells: until the next reading
            // its last counters may still come.
            guard isMissing, entry.isMissing || eventsMissing != nil else {
                entries[key]?.isMissing = isMissing
                continue
            }
            entries[key] = nil
            note(.vanished, entry, at: now)
            markLowerBound(
                entry.owner.tunnel,
                eventsMissing ?? "an SA was gone without a word of the kernel about its counters")
        }
        // Whole lives of SAs may be missing too.
        if let eventsMissing, hasReadOnce {
            for tunnel in owners.tunnelNames { markLowerBound(tunnel, eventsMissing) }
        }
        hasReadOnce = true
        ended = nil
    }

    /// Ends a reading whose table is of no use, because events older than it may still come.
    public mutating func abandonReading() { ended = nil }

    /// Places every SA anew, after devices, policies or watched tunnels changed.
    ///
    /// What was counted stays with the tunnel that it was counted for. An SA that nobody claims, as when
    /// its device goes and comes back, stays too: forgotten, it would be counted a second time.
    public mutating func replace(owners: AssociationOwners) {
        for (key, entry) in entries {
            if let owner = owners.owner(of: entry.association), owner != entry.owner {
                entries[key]?.owner = owner
            }
        }
    }

    // MARK: - Events

    /// Takes in an event about SAs; others change nothing.
    public mutating func receive(
        _ event: KernelEvent, owners: AssociationOwners, at now: MonotonicInstant
    ) {
        switch event {
        case .associationAdded(let association), .associationUpdated(let association):
            guard !association.isLarval else { return }
            take(association, owners, at: now, isEvent: true)
        case .associationExpired(let association, let isHard):
            // A reserved SPI that nobody used expires too.
            guard entries[association.key] != nil || association.packets > 0 else { return }
            finish(
                association.key, last: association, owners, isHard ? .hardExpired : .softExpired,
                at: now, isEnd: isHard)
        case .associationDeleted(let key, let last):
            finish(key, last: last, owners, .deleted, at: now, isEnd: true)
        case .associationsFlushed(let which):
            for (key, entry) in entries where which == nil || key.protocol == which {
                entries[key] = nil
                ended?.insert(key)
                note(.flushed, entry, at: now)
                markLowerBound(
                    entry.owner.tunnel,
                    "all SAs were flushed, and the kernel does not tell what they had come to")
            }
        case .mappingChanged(let key, let from, let to):
            guard let entry = entry(key) else { return }
            totals[entry.owner.tunnel, default: TunnelTotals()].mappingChanges += 1
            note(
                .mappingChanged, entry, at: now,
                detail: "from \(from.address) port \(from.port) to \(to.address) port \(to.port)")
        case .associationWanted, .migrated, .policyChanged, .policiesRemoved, .linkChanged,
            .linkRemoved, .routingChanged, .overrun:
            break
        }
    }

    /// An SA by its key; events about mappings do not tell the mark.
    private func entry(_ key: AssociationKey) -> Entry? {
        if let entry = entries[key] { return entry }
        return entries.first {
            $0.key.spi == key.spi && $0.key.destination == key.destination
                && $0.key.protocol == key.protocol
        }?.value
    }

    /// Counts an SA that the kernel has.
    private mutating func take(
        _ association: SecurityAssociation, _ owners: AssociationOwners,
        at now: MonotonicInstant, isEvent: Bool
    ) {
        let key = association.key
        let figures = AssociationTotals(association)
        if var entry = entries[key], entry.association.addedAt == association.addedAt,
            isEvent || figures.reaches(entry.counted)
        {
            entry.isMissing = false
            // An event that was written before the table was read and came after it: of the same SA,
            // since the end of another would have been told.
            guard figures.reaches(entry.counted) else {
                entries[key] = entry
                return
            }
            totals[entry.owner.tunnel, default: TunnelTotals()][entry.owner.direction]
                .add(from: entry.counted, to: figures)
            entry.counted = figures
            entry.association = association
            if isEvent { entry.toldIn = reading }
            entries[key] = entry
            return
        }
        if let former = entries[key] {
            // Another SA in its place: the end of the former one was not told.
            entries[key] = nil
            note(.vanished, former, at: now)
            markLowerBound(former.owner.tunnel, "an SA was replaced by another with its SPI")
        }
        guard let owner = owners.owner(of: association) else { return }
        countRekey(association, owner)
        totals[owner.tunnel, default: TunnelTotals()][owner.direction]
            .add(from: AssociationTotals(), to: figures)
        let entry = Entry(
            association: association, owner: owner, counted: figures,
            toldIn: isEvent ? reading : 0)
        entries[key] = entry
        if isEvent || hasReadOnce { note(.installed, entry, at: now) }
    }

    /// Counts what an SA had come to when an event told of it for the last time, or nearly so.
    private mutating func finish(
        _ key: AssociationKey, last: SecurityAssociation?, _ owners: AssociationOwners,
        _ kind: AssociationChange.Kind, at now: MonotonicInstant, isEnd: Bool
    ) {
        if isEnd { ended?.insert(key) }
        guard var entry = entries[key] else {
            // Its beginning was not told: as if it began and ended now.
            guard let last, !last.isLarval || last.packets > 0,
                let owner = owners.owner(of: last)
            else { return }
            let figures = AssociationTotals(last)
            totals[owner.tunnel, default: TunnelTotals()][owner.direction]
                .add(from: AssociationTotals(), to: figures)
            let entry = Entry(
                association: last, owner: owner, counted: figures, toldIn: reading)
            if !isEnd { entries[key] = entry }
            note(kind, entry, at: now)
            return
        }
        if let last {
            let figures = AssociationTotals(last)
            totals[entry.owner.tunnel, default: TunnelTotals()][entry.owner.direction]
                .add(from: entry.counted, to: figures)
            if figures.reaches(entry.counted) { entry.counted = figures }
            entry.association.packets = max(last.packets, entry.association.packets)
            entry.association.bytes = max(last.bytes, entry.association.bytes)
        } else {
            markLowerBound(
                entry.owner.tunnel, "the kernel did not tell what a deleted SA had come to")
        }
        entry.toldIn = reading
        entries[key] = isEnd ? nil : entry
        note(kind, entry, at: now)
    }

    /// Counts a new inbound SA as a rekey where its succession has had one.
    private mutating func countRekey(
        _ association: SecurityAssociation, _ owner: AssociationOwners.Owner
    ) {
        guard owner.direction == .inbound else { return }
        let succession = Succession(
            tunnel: owner.tunnel, requestID: association.requestID,
            protocolNumber: association.protocol)
        if successions.contains(succession), hasReadOnce {
            totals[owner.tunnel, default: TunnelTotals()].rekeys += 1
        } else {
            if successions.count >= Self.successionLimit {
                successions = Set(
                    entries.values.filter { $0.owner.direction == .inbound }.map {
                        Succession(
                            tunnel: $0.owner.tunnel, requestID: $0.association.requestID,
                            protocolNumber: $0.association.protocol)
                    })
            }
            successions.insert(succession)
        }
    }

    private mutating func markLowerBound(_ tunnel: String, _ reason: String) {
        // The first reason stays: it is why, whatever came on top.
        if totals[tunnel]?.lowerBoundReason == nil {
            totals[tunnel, default: TunnelTotals()].lowerBoundReason = reason
        }
    }

    private mutating func note(
        _ kind: AssociationChange.Kind, _ entry: Entry, at now: MonotonicInstant,
        detail: String? = nil
    ) {
        var changes = recent[entry.owner.tunnel] ?? []
        if changes.count >= Self.changeLimit { changes.removeFirst() }
        changes.append(
            AssociationChange(
                kind: kind, spi: entry.association.spi, direction: entry.owner.direction, at: now,
                detail: detail))
        recent[entry.owner.tunnel] = changes
    }
}

extension SecurityAssociation {
    /// Whether it is only a place kept for an SA: an SPI that a key daemon reserved, or an SA that the
    /// kernel asked for (XFRM_STATE_ACQ), which have no algorithms yet.
    var isLarval: Bool { cipher == nil && integrity == nil && `protocol` != .other(108) }
}
