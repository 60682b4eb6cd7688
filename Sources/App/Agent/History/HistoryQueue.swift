import EventStore
import NetworkPrimitives

/// What waits to be stored: bounded, and what had no room is counted.
struct HistoryQueue: Sendable {
    /// The most events that wait; minutes likewise.
    static let limit = 10_000

    /// What waits, oldest first.
    private(set) var batch = StoreBatch()
    /// Rows that had no room since the last that were stored.
    private(set) var dropped: UInt64 = 0

    /// Whether nothing waits.
    var isEmpty: Bool { batch.events.isEmpty && batch.minutes.isEmpty }

    /// Takes rows; the oldest go where there is no room.
    mutating func add(_ more: StoreBatch) {
        batch.events += more.events
        batch.minutes += more.minutes
        let excess = (
            max(0, batch.events.count - Self.limit), max(0, batch.minutes.count - Self.limit)
        )
        batch.events.removeFirst(excess.0)
        batch.minutes.removeFirst(excess.1)
        dropped += UInt64(excess.0 + excess.1)
    }

    /// All that waits, to be stored at a time; what was dropped is an event of it.
    mutating func take(heartbeat: WallTime) -> (batch: StoreBatch, dropped: UInt64) {
        defer {
            batch = StoreBatch()
            dropped = 0
        }
        var taken = batch
        taken.heartbeat = heartbeat
        return (taken, dropped)
    }

    /// Takes back what could not be stored, in front of what came meanwhile.
    mutating func putBack(_ taken: (batch: StoreBatch, dropped: UInt64)) {
        let later = batch
        batch = taken.batch
        batch.heartbeat = nil
        dropped += taken.dropped
        add(later)
    }
}
