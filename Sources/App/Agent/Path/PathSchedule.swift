import Configuration
import KernelState
import NetworkPrimitives
import PathMTU
import ReplyPath

/// Which path is to be measured when, and what was found: a value, so that its days pass in a test
/// within milliseconds.
struct PathSchedule: Sendable {
    /// Something that is due.
    enum Work: Hashable, Sendable {
        /// A search for the largest packet.
        case search(PathKey)
        /// A ladder.
        case ladder(PathKey)
        /// One packet of the size that was found.
        case confirm(PathKey, number: UInt64, byteCount: Int)
    }

    /// What was found of one path.
    struct Findings: Sendable {
        var mtu: PathMTUReport?
        var replies: ReplyPathReport?
        /// Why the last round captured no answers; nil when it did.
        var captureReason: String?
    }

    private struct Entry: Sendable {
        var subject: PathSubject
        /// Nil for a path that is measured on demand alone.
        var watches: Watches?
        var findings = Findings()
        /// The device's MTU as it was seen last.
        var deviceMTU: Int?
        /// When anybody last cared for a path that is not watched.
        var touchedAt: MonotonicInstant
    }

    private struct Watches: Sendable {
        var sizes: PathMTUWatch
        var replies: ReplyPathWatch
        /// Whether the ladder that runs is a quick one.
        var isClimbingQuickly = false
        /// A search that is due and waits for its turn.
        var wantsSearch = false
        var isSearching = false
        /// Confirmations that are due.
        var confirmations: [(number: UInt64, byteCount: Int)] = []
    }

    /// First measurements start so far apart: paths may share routers.
    static let spread = Duration.seconds(3)
    /// How soon after the start the first one starts: tunnels come up, and echo probes go first.
    static let headStart = Duration.seconds(5)
    /// How long what was found on demand is kept.
    static let guestMemory = Duration.seconds(120)

    private var entries: [PathKey: Entry] = [:]
    private var order: [PathKey] = []

    // MARK: - Which paths

    /// Makes the watched paths those of `plans`.
    mutating func watch(_ plans: [TunnelPlan], at now: MonotonicInstant) {
        var started = 0
        let subjects = PathSubject.subjects(of: plans)
        for (key, subject) in subjects {
            if var entry = entries[key], var watches = entry.watches {
                if !subject.leadsTheSameWay(as: entry.subject) {
                    if subject.search.route?.destination != entry.subject.search.route?.destination
                    {
                        entry.findings.mtu = nil
                    }
                    if subject.ladder.route?.destination != entry.subject.ladder.route?.destination
                    {
                        entry.findings.replies = nil
                    }
                    watches.sizes.pathChanged(at: now)
                    watches.replies.ask(.pathChanged, at: now)
                }
                if subject.searchInterval != entry.subject.searchInterval
                    || subject.ladderInterval != entry.subject.ladderInterval
                {
                    watches = Watches(
                        sizes: PathMTUWatch(interval: subject.searchInterval, start: now),
                        replies: ReplyPathWatch(interval: subject.ladderInterval, start: now))
                }
                entry.watches = watches
                entry.subject = subject
                entries[key] = entry
                continue
            }
            let first = now + Self.headStart + Self.spread * started
            started += 1
            var entry = entries[key] ?? Entry(subject: subject, touchedAt: now)
            entry.subject = subject
            entry.watches = Watches(
                sizes: PathMTUWatch(interval: subject.searchInterval, start: first),
                replies: ReplyPathWatch(interval: subject.ladderInterval, start: first))
            entries[key] = entry
        }
        let watched = Set(subjects.map(\.key))
        entries = entries.filter { watched.contains($0.key) || $0.value.watches == nil }
        order = subjects.map(\.key) + order.filter { !watched.contains($0) }
        forgetGuests(at: now)
    }

    /// Takes paths in that are measured on demand, watched or not.
    mutating func invite(_ plans: [TunnelPlan], at now: MonotonicInstant) -> [PathKey] {
        forgetGuests(at: now)
        return PathSubject.subjects(of: plans).map { key, subject in
            if entries[key] == nil {
                entries[key] = Entry(subject: subject, touchedAt: now)
                order.append(key)
            } else if entries[key]?.watches == nil {
                entries[key]?.subject = subject
            }
            entries[key]?.touchedAt = now
            return key
        }
    }

    private mutating func forgetGuests(at now: MonotonicInstant) {
        entries = entries.filter {
            $0.value.watches != nil || now - $0.value.touchedAt < Self.guestMemory
        }
        order.removeAll { entries[$0] == nil }
    }

    /// The path as its tunnels' plans have it.
    func subject(of key: PathKey) -> PathSubject? { entries[key]?.subject }

    /// The namespaces of the watched paths.
    var namespaces: Set<String?> {
        Set(
            entries.values.compactMap { entry in
                entry.watches.map { _ in entry.subject.plan.configuration.netns }
            })
    }

    /// What was found of it.
    func findings(of key: PathKey) -> Findings? { entries[key]?.findings }

    // MARK: - When

    /// What is due at `now`, the longest known path first.
    ///
    /// A search and a ladder are named until they are started.
    mutating func due(at now: MonotonicInstant) -> [Work] {
        var work: [Work] = []
        for key in order {
            guard var entry = entries[key], var watches = entry.watches else { continue }
            if entry.subject.search.route != nil, watches.sizes.deadline <= now {
                var actions: [PathMTUWatch.Action] = []
                watches.sizes.advance(to: now, into: &actions)
                for action in actions {
                    switch action {
                    case .search: watches.wantsSearch = true
                    case .confirm(let number, let byteCount):
                        watches.confirmations.append((number, byteCount))
                    }
                }
            }
            if watches.wantsSearch, !watches.isSearching { work.append(.search(key)) }
            for (number, byteCount) in watches.confirmations {
                work.append(.confirm(key, number: number, byteCount: byteCount))
            }
            watches.confirmations = []
            if entry.subject.ladder.route != nil, watches.replies.due(at: now) != nil {
                work.append(.ladder(key))
            }
            entry.watches = watches
            entries[key] = entry
        }
        return work
    }

    /// Whether a round that is due is to be a quick one, as in an examination: nothing is known of the path
    /// yet, or its tunnel's state has just changed, and an operator wants to know why.
    func isQuick(_ work: Work) -> Bool {
        switch work {
        case .search(let key): entries[key]?.findings.mtu == nil
        case .ladder(let key):
            entries[key]?.findings.replies == nil
                || entries[key]?.watches?.replies.cause == .stateChanged
        case .confirm: false
        }
    }

    /// Notes that a round of the path began.
    mutating func started(
        _ key: PathKey, search: Bool, ladder: Bool, at now: MonotonicInstant
    ) {
        if search {
            entries[key]?.watches?.isSearching = true
            entries[key]?.watches?.wantsSearch = false
        }
        if ladder {
            let isQuick = isQuick(.ladder(key))
            entries[key]?.watches?.isClimbingQuickly = isQuick
            entries[key]?.watches?.replies.started(at: now)
        }
    }

    /// Takes what a round found.
    mutating func ended(_ key: PathKey, _ outcome: PathRoundOutcome, at now: MonotonicInstant) {
        guard var entry = entries[key] else { return }
        if !outcome.isCancelled { entry.findings.captureReason = outcome.captureReason }
        if let mtu = outcome.mtu {
            if !outcome.isCancelled { entry.findings.mtu = mtu }
            // One that was called off tells nothing: what was known stays to be confirmed.
            let known = outcome.isCancelled ? entry.findings.mtu ?? mtu : mtu
            entry.watches?.sizes.searched(known, at: now)
            entry.watches?.isSearching = false
        }
        if let replies = outcome.replies {
            if !outcome.isCancelled { entry.findings.replies = replies }
            entry.watches?.replies.ended(at: now)
            // What a quick ladder says against somebody is looked at again with more flows.
            if entry.watches?.isClimbingQuickly == true, replies.verdict != .open {
                entry.watches?.replies.ask(.interval, at: now)
            }
            entry.watches?.isClimbingQuickly = false
        }
        entries[key] = entry
    }

    /// Notes that an examination had no time for a path; what is known of it stays.
    mutating func lackedTime(_ key: PathKey) {
        guard var entry = entries[key] else { return }
        let reason = "time limit"
        if entry.subject.search.route != nil, entry.findings.mtu == nil {
            entry.findings.mtu = PathMTUReport(unknown: reason)
        }
        if entry.subject.ladder.route != nil, entry.findings.replies == nil {
            entry.findings.replies = ReplyPathReport(inconclusive: reason)
        }
        entries[key] = entry
    }

    /// Notes what became of a confirmation.
    mutating func confirmed(
        _ key: PathKey, _ number: UInt64, isAnswered: Bool?, at now: MonotonicInstant
    ) {
        entries[key]?.watches?.sizes.confirmed(number, isAnswered: isAnswered, at: now)
    }

    // MARK: - At once

    /// Notes that a tunnel's state changed: who drops replies may have changed with it.
    mutating func noteStateChange(of tunnel: String, at now: MonotonicInstant) {
        for key in order where isOf(key, tunnel) {
            entries[key]?.watches?.replies.ask(.stateChanged, at: now)
        }
    }

    /// Notes that large packets through a tunnel vanish where small ones pass.
    mutating func noteVanishingPackets(of tunnel: String, at now: MonotonicInstant) {
        for key in order where isOf(key, tunnel) {
            entries[key]?.watches?.sizes.largePacketsVanish(at: now)
        }
    }

    /// Notes the MTUs of devices, by namespace and name: another MTU is another path.
    mutating func note(
        deviceMTUs: [String?: [String: Int]], at now: MonotonicInstant
    ) {
        for key in order {
            guard let entry = entries[key], entry.watches != nil,
                let device = entry.subject.device.value,
                let mtu = deviceMTUs[entry.subject.plan.configuration.netns]?[device]
            else { continue }
            if let known = entry.deviceMTU, known != mtu {
                entries[key]?.watches?.sizes.pathChanged(at: now)
            }
            entries[key]?.deviceMTU = mtu
        }
    }

    /// Whether a path belongs to a tunnel.
    private func isOf(_ key: PathKey, _ tunnel: String) -> Bool {
        switch key {
        case .inside(let name): name == tunnel
        case .outside: entries[key]?.subject.tunnels.contains(tunnel) ?? false
        }
    }
}
