import Dispatch
import EventStore
import History
import Logging
import NetworkPrimitives
import RawSockets
import Synchronization

/// Writes the queue of a history service into its store, on a thread of its own; survives full disks.
struct HistoryWriter {
    /// How long something waits that is not urgent.
    static let interval = Duration.seconds(2)
    /// How often the store tells that the agent runs.
    static let heartbeat = Duration.seconds(10)
    /// How long after a failure it is tried again.
    static let pause = Duration.seconds(5)
    /// How often old rows are looked for.
    static let tidying = Duration.seconds(60)

    private let service: HistoryService
    private let folder: String
    private var store: EventStore?
    private var isFirst = true
    private var failure: String?
    /// Said until the agent ends.
    private var damageNotice: String?
    private var lastCommit = MonotonicInstant.zero
    private var lastTry: MonotonicInstant?
    private var lastTidying: MonotonicInstant?

    /// Writes for a service.
    init(_ service: HistoryService) {
        self.service = service
        folder = service.state.withLock { $0.folder }
    }

    /// Runs until the service ends.
    consuming func run() {
        var writer = self
        while true {
            let isEnding = writer.service.state.withLock { $0.isEnding }
            writer.turn(isEnding: isEnding)
            if isEnding { return }
            _ = writer.service.wakes.wait(timeout: .now() + Self.interval.seconds)
        }
    }

    private mutating func turn(isEnding: Bool) {
        let now = MonotonicClock.now()
        // A full disk is not full again and again at each change of state.
        if failure != nil, !isEnding, let lastTry, now - lastTry < Self.pause { return }
        do throws(StoreError) {
            if store?.isMovedAway == true {
                store = nil
                service.logger.warning(
                    "\(folder): the event store was deleted or moved; a new one begins")
            }
            let store = try open()
            try commit(to: store, at: now, isEnding: isEnding)
            if lastTidying.map({ now - $0 >= Self.tidying }) ?? true, !isEnding {
                lastTidying = now
                try tidy(store)
            }
            succeed()
            service.readOrders()
        } catch {
            lastTry = now
            fail(error)
        }
    }

    private mutating func open() throws(StoreError) -> EventStore {
        if let store { return store }
        let wall = WallClock.now()
        let opening = try EventStore.open(in: folder, now: wall)
        store = opening.store
        if let damage = opening.damage {
            service.state.withLock { $0.figures.damaged += 1 }
            service.logger.error(
                """
                the event store is damaged and a new one begun; the old one is \(damage.path): \
                \(damage.reason)
                """
            )
            damageNotice =
                "the event store was damaged, so that the history before \(wall) is in "
                + "\(damage.path) only: \(damage.reason)"
            service.keep(
                HistoryKind.storeDamaged.event(
                    at: wall,
                    [("path", .string(damage.path)), ("reason", .string(damage.reason))]))
        }
        if isFirst {
            isFirst = false
            try noteFormerEnd(opening.store.reader, wall)
        }
        return opening.store
    }

    /// An agent that was killed could not say so: its last heartbeat does.
    private func noteFormerEnd(_ reader: EventReader, _ now: WallTime) throws(StoreError) {
        let started = try reader.latest("agent_started", of: "", before: now)
        let stopped = try reader.latest("agent_stopped", of: "", before: now)
        guard let started, stopped.map({ $0.id < started.id }) ?? true,
            let heartbeat = try reader.heartbeat()
        else { return }
        service.keep(HistoryKind.agentLost.event(at: heartbeat))
    }

    private mutating func commit(
        to store: EventStore, at now: MonotonicInstant, isEnding: Bool
    ) throws(StoreError) {
        let wall = WallClock.now()
        let taken = service.state.withLock {
            $0.queue.isEmpty && now - lastCommit < Self.heartbeat && !isEnding
                ? nil : $0.queue.take(heartbeat: wall)
        }
        guard let taken else { return }
        var batch = taken.batch
        if taken.dropped > 0 {
            batch.events.append(
                HistoryKind.rowsDropped.event(
                    at: wall, [("rows", .integer(Int64(clamping: taken.dropped)))]))
        }
        do throws(StoreError) {
            batch.minutes = try batch.minutes.map { minute throws(StoreError) in
                try Self.joined(minute, store.reader)
            }
            try store.append(batch)
        } catch {
            service.state.withLock { $0.queue.putBack(taken) }
            throw error
        }
        lastCommit = now
        let size = try store.size()
        service.state.withLock { state in
            state.figures.written += UInt64(batch.events.count + batch.minutes.count)
            state.figures.dropped += taken.dropped
            state.figures.size = size
        }
    }

    /// A minute with what a former agent, or this one before the clock was set, wrote of it.
    private static func joined(
        _ minute: StoredMinute, _ reader: EventReader
    ) throws(StoreError) -> StoredMinute {
        let stored = try reader.minutes(minute.at...minute.at, of: minute.tunnel, limit: 1)
        guard let former = stored.first else { return minute }
        func read(_ row: StoredMinute) -> HistoryMinute {
            HistoryCoding.minute(at: row.at, tunnel: row.tunnel, body: row.body)
        }
        var whole = read(former)
        whole.add(read(minute))
        return StoredMinute(whole)
    }

    private func tidy(_ store: EventStore) throws(StoreError) {
        let (age, size) = service.state.withLock { ($0.age, $0.size) }
        let start = WallClock.now() + (.zero - age)
        let trimmed = try store.trim(.init(start: start, size: size))
        if trimmed.aged + trimmed.oversize > 0 {
            service.logger.info(
                "event store: \(trimmed.aged) rows were too old, \(trimmed.oversize) had no room")
        }
    }

    private mutating func succeed() {
        service.state.withLock {
            $0.figures.isWorking = true
            $0.notice = damageNotice
        }
        guard failure != nil else { return }
        failure = nil
        service.logger.notice("the event store is written again")
    }

    private mutating func fail(_ error: StoreError) {
        service.state.withLock {
            $0.figures.isWorking = false
            $0.figures.failures += 1
        }
        // Committed rows stay readable on a full disk; everything else is opened anew.
        if error.kind != .full, error.kind != .busy { store = nil }
        guard failure != error.description else { return }
        failure = error.description
        service.logger.warning("the event store is not written: \(error)")
        service.state.withLock {
            $0.notice = "the history is not stored, only the latest is kept in memory: \(error)"
        }
    }
}
