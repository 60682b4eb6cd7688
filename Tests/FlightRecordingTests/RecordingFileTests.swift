import FlightRecording
import NetworkPrimitives
import Testing

@Suite struct RecordingFileTests {
    private static let at = WallTime(nanoseconds: 1_795_405_500_123_000_000)

    @Test func `a name says tunnel, time and state`() {
        let name = RecordingName(tunnel: "cf-1", at: Self.at, state: "down").text
        #expect(name == "cf-1-20261123T034500Z-down.pcapng")
        #expect(RecordingName.tunnelPart(of: name) == "cf-1")
    }

    @Test func `no tunnel's name leads out of the folder`() {
        for tunnel in ["../../etc/passwd", "..", "", "a/b", "x\0y", "\u{fc}"] {
            let name = RecordingName(tunnel: tunnel, at: Self.at, state: "degraded").text
            #expect(!name.contains("/") && !name.contains("\0") && !name.hasPrefix("."))
            #expect(RecordingName.tunnelPart(of: name) == RecordingName.safe(tunnel))
        }
    }

    @Test(arguments: [
        "events.sqlite", "cf-1.pcapng", ".cf-1-20261123T034500Z-down.pcapng", "notes.txt",
        "cf-1-20261123T034500Z-down.pcapng.gz", "cf-1-yesterday-down.pcapng",
    ])
    func `files of others are no recordings`(name: String) {
        #expect(RecordingName.tunnelPart(of: name) == nil)
    }

    private static func file(
        _ tunnel: String, minute: Int, size: Int = 100
    ) -> RecordingRetention.File {
        let at = WallTime(nanoseconds: Int64(minute) * 60_000_000_000)
        return .init(
            name: RecordingName(tunnel: tunnel, at: at, state: "down").text, size: size,
            modified: at)
    }

    private static func now(minute: Int) -> WallTime {
        WallTime(nanoseconds: Int64(minute) * 60_000_000_000)
    }

    @Test func `the oldest go first, of a tunnel and of all`() {
        let limits = RecordingRetention(
            perTunnel: 3, overall: 5, totalSize: 1 << 20, age: .seconds(86_400))
        let files =
            (0..<5).map { Self.file("cf-1", minute: $0) }
            + (10..<15).map { Self.file("cf-2", minute: $0) }
            + [.init(name: "mine.txt", size: 1 << 30, modified: Self.now(minute: 0))]
        let excess = limits.excess(files.shuffled(), at: Self.now(minute: 20))
        // Three of the newer tunnel, two of the older; what goes is named oldest first.
        #expect(excess == [0, 1, 2].map { files[$0].name } + [5, 6].map { files[$0].name })
    }

    @Test func `size and age are kept to`() {
        let limits = RecordingRetention(totalSize: 250, age: .seconds(600))
        let files = (0..<12).map { Self.file("cf-1", minute: $0) }
        #expect(
            limits.excess(files, at: Self.now(minute: 12)) == files.prefix(10).map(\.name))
        #expect(limits.excess(files, at: Self.now(minute: 60)) == files.map(\.name))
        // One that is larger than all may be is the last that there is.
        let large = Self.file("cf-1", minute: 20, size: 1000)
        #expect(limits.excess(files + [large], at: Self.now(minute: 20)) == files.map(\.name))
    }

    @Test func `a flapping tunnel is recorded once a minute`() {
        var schedule = RecordingSchedule()
        func at(_ second: Int) -> MonotonicInstant {
            MonotonicInstant(nanoseconds: Int64(second) * 1_000_000_000)
        }
        #expect(schedule.decide("cf-1", at: at(0)) == .begin)
        #expect(schedule.decide("cf-1", at: at(3)) == .join)
        schedule.end("cf-1")
        #expect(schedule.decide("cf-1", at: at(59)) == .skip)
        #expect(schedule.decide("cf-2", at: at(59)) == .begin)
        #expect(schedule.decide("cf-1", at: at(60)) == .begin)
        for number in 3..<9 { #expect(schedule.decide("cf-\(number)", at: at(61)) == .begin) }
        // Eight at a time.
        #expect(schedule.decide("cf-9", at: at(61)) == .skip)
        schedule.end("cf-2")
        #expect(schedule.decide("cf-9", at: at(61)) == .begin)
    }
}
