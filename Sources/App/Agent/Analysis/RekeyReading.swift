import ESPAnalysis
import NetworkPrimitives
import Rekeying

/// The rekeys in a capture file, timed as live ones are, by the file's clock.
///
/// What a tunnel is to the live capture, a pair of outer addresses is to a file.
struct RekeyReading: Sendable {
    /// From one outer address to another.
    struct Way: Hashable, Sendable {
        var source: IPAddress
        var destination: IPAddress
    }

    /// A rekey, and whose it is.
    struct Rekey: Sendable {
        var way: Way
        var record: RekeyRecord
    }

    /// Rekeys that are kept; further ones are counted only.
    private static let limit = 1000
    private static let lookInterval = Duration.seconds(1)

    private var watch = RekeyWatch<Way>()
    private var trackers: [Way: RekeyTracker] = [:]
    private(set) var rekeys: [Rekey] = []
    /// Rekeys beyond those that are kept.
    private(set) var unlisted: UInt64 = 0
    private var nextLook = MonotonicInstant(nanoseconds: .min)

    /// Takes in packets that the table has taken in.
    mutating func receive(_ batch: Span<ESPObservation>, of table: borrowing StreamTable) {
        guard watch.wants(table) else { return }
        var start = 0
        while start < batch.count {
            if batch[start].arrival >= nextLook { look(at: batch[start].arrival) }
            var end = start + 1
            while end < batch.count, batch[end].arrival < nextLook { end += 1 }
            watch.receive(batch.extracting(start..<end), of: table) {
                Way(source: $0, destination: $1)
            }
            start = end
        }
    }

    private mutating func look(at now: MonotonicInstant) {
        nextLook = now + Self.lookInterval
        watch.advance(to: now)
        for (way, arrivals) in watch.takeNews(at: now) {
            var tracker = trackers[way] ?? RekeyTracker()
            tracker.take(arrivals.successions, deletions: [])
            for record in tracker.takeEnded() { keep(record, of: way) }
            trackers[way] = tracker
        }
    }

    private mutating func keep(_ record: RekeyRecord, of way: Way) {
        guard rekeys.count < Self.limit else {
            unlisted += 1
            return
        }
        rekeys.append(Rekey(way: way, record: record))
    }

    /// Ends the reading: what is not over by the end of the file, but has taken over, is kept too.
    mutating func finish(at end: MonotonicInstant) {
        look(at: end)
        for (way, tracker) in trackers {
            for var record in tracker.open where record.convergence != nil {
                let silence = end - (record.arrivals?.lastTailAt ?? record.installedAt)
                record.ending = .unfinished(
                    "the capture ends \(silence.components.seconds) s after the last packet on the "
                        + "former SPI")
                keep(record, of: way)
            }
        }
        rekeys.sort { $0.record.installedAt < $1.record.installedAt }
    }
}

/// A rekey of a file, with what only its surroundings tell.
struct CapturedRekey: Sendable {
    var record: RekeyRecord
    var source: IPAddress
    var destination: IPAddress
    /// The name of the tunnel with these outer addresses; nil for none.
    var tunnel: String?
    /// Which way its packets go; nil without a tunnel.
    var direction: TrafficDirection?
    /// Why the two are nil; nil when they are not.
    var unknownBecause: String?
    /// The file's clock.
    var clock: CaptureClock
}
