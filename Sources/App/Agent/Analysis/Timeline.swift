import ESPAnalysis
import IKE
import NetworkPrimitives

/// Something that happened at a time, from whichever source.
struct TimelineEntry: Equatable, Sendable {
    /// Who says so.
    enum Source: String, Sendable {
        /// The capture; times are those of the host that captured.
        case capture
        /// The provider's IKE log; times are the provider's.
        case ikeLog = "ike_log"
    }

    /// When, by the clock of the source.
    var at: WallTime
    var source: Source
    /// What, like "stream_begins" or "failure"; each source has its own words.
    var kind: String
    /// What, for people.
    var text: String
    /// The tunnel; nil where it is not known.
    var tunnel: String?
    /// The stream's SPI; nil where the source names none.
    var spi: SPI?
    /// The failure that a record proves.
    var failure: IKEFailure?
}

/// What happened, in order, from all sources.
///
/// The sources' clocks are not compared: times are as each gives them.
struct Timeline: Equatable, Sendable {
    /// The most entries that are kept.
    static let limit = 1000

    /// By time; what stands first at the same time came first in its source.
    private(set) var entries: [TimelineEntry] = []
    /// How many entries there was no room for, and records without a time.
    private(set) var leftOut: UInt64 = 0

    init(_ all: [TimelineEntry], leftOut: UInt64) {
        let sorted = all.enumerated().sorted {
            ($0.element.at, $0.offset) < ($1.element.at, $1.offset)
        }.map(\.element)
        // What fails is kept before what goes on, and what is late before what is early.
        let failures = sorted.count { $0.failure != nil }
        var room = max(0, Self.limit - min(failures, Self.limit / 2))
        var failureRoom = Self.limit - min(room, sorted.count - failures)
        var kept: [TimelineEntry] = []
        for entry in sorted.reversed() {
            if entry.failure != nil, failureRoom > 0 {
                failureRoom -= 1
            } else if entry.failure == nil, room > 0 {
                room -= 1
            } else {
                continue
            }
            kept.append(entry)
        }
        entries = kept.reversed()
        self.leftOut = leftOut + UInt64(sorted.count - kept.count)
    }
}

extension AnalysisReport {
    /// What the capture and the provider's log tell, in order.
    var timeline: Timeline {
        var entries = streams.flatMap(\.timelineEntries)
        var leftOut: UInt64 = 0
        if let ikeLog {
            entries += ikeLog.timelineEntries
            leftOut = ikeLog.digest.eventsLeftOut + ikeLog.eventsWithoutTime
        }
        return Timeline(entries, leftOut: leftOut)
    }
}

extension CapturedStream {
    /// When it begins and ends.
    fileprivate var timelineEntries: [TimelineEntry] {
        let name = report.id.text
        let count = FigureText.count(report.packets, "packet")
        return [
            TimelineEntry(
                at: firstSeen, source: .capture, kind: "stream_begins",
                text: "first packet of \(name)", tunnel: tunnel, spi: report.id.spi),
            TimelineEntry(
                at: lastSeen, source: .capture, kind: "stream_ends",
                text: "last packet of \(name), \(count) in all", tunnel: tunnel,
                spi: report.id.spi),
        ]
    }
}

extension IKELogReport {
    fileprivate var timelineEntries: [TimelineEntry] {
        digest.events.compactMap { event in
            guard let at = event.record.time else { return nil }
            return TimelineEntry(
                at: at, source: .ikeLog, kind: event.meaning.kind.rawValue,
                text: event.record.message, tunnel: tunnel(of: event.record),
                failure: event.meaning.failure)
        }
    }

    fileprivate var eventsWithoutTime: UInt64 {
        UInt64(digest.events.count { $0.record.time == nil })
    }

    /// The tunnel between a record's addresses.
    func tunnel(of record: ProviderLogRecord) -> String? {
        let number = digest.peers.firstIndex {
            $0.local == record.local && $0.remote == record.remote
        }
        return number.flatMap { tunnels[$0] }
    }
}
