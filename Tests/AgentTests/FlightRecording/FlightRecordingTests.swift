import CaptureFormats
import Configuration
import FlightRecording
import Foundation
import HostFacts
import Logging
import NetworkPrimitives
import PacketFormats
import Synchronization
import Testing
import TunnelHealth

@testable import Agent

/// What a file holds of what the rings held.
@Suite struct FlightRecordingTests {
    private static let wall = WallTime(nanoseconds: 1_795_405_500_000_000_000)
    private static let remote = ip("198.51.100.1")

    /// A raw IPv4 packet of 100 octets on the wire, 48 of them captured.
    private static func packet(
        _ number: UInt8, from source: [UInt8], to destination: [UInt8], _ payload: [UInt8]
    ) -> [UInt8] {
        let rest = [UInt8](repeating: 0, count: 28 - payload.count)
        return [0x45, 0, 0, 100, 0, 0, 0, 0, 64, number, 0, 0] + source + destination + payload
            + rest
    }

    private static let near: [UInt8] = [203, 0, 113, 10]
    private static let far: [UInt8] = [198, 51, 100, 1]
    private static let other: [UInt8] = [198, 51, 100, 99]

    private static func esp(_ sequence: UInt8, from source: [UInt8], to end: [UInt8]) -> [UInt8] {
        packet(
            50, from: source, to: end, [0xc0, 0, 0, 1, 0, 0, 0, sequence, 1, 2, 3, 4, 5, 6, 7, 8])
    }

    private static func rings(
        link: UInt32 = 12, _ esp: [(Double, [UInt8])], _ control: [(Double, [UInt8])] = [],
        start: DeviceRings? = nil, way: HeaderRing.Way = .unknown
    ) -> DeviceRings {
        var rings = start ?? DeviceRings(espByteCount: 1 << 16, controlByteCount: 1 << 16)
        rings.adopt(linkType: link)
        for (seconds, packet) in esp {
            packet.withRawSpan {
                rings.receiveESP($0, payload: 28, wireLength: 100, at: at(seconds))
            }
        }
        for (seconds, packet) in control {
            packet.withRawSpan {
                rings.receive(
                    FrameDecoder().decode($0, linkType: .rawIP, wireLength: 100), $0,
                    wireLength: 100, at: at(seconds), way)
            }
        }
        return rings
    }

    private static let thread = CaptureToken()

    private static func device(
        _ rings: DeviceRings, _ name: String = "wan0", _ side: RecordedDevice.Side = .outside
    ) -> RecordedDevice {
        RecordedDevice(
            place: CapturePlace(namespace: nil, device: name), side: side,
            thread: ObjectIdentifier(thread), rings: rings)
    }

    private static func event(
        _ from: TunnelState, _ to: TunnelState, _ seconds: Double, _ reason: String? = nil
    ) -> RecordedEvent {
        RecordedEvent(
            tunnel: "cf-1", from: from, to: to, at: at(seconds),
            wall: wall + .seconds(seconds - 100), reason: reason)
    }

    private struct Read: Equatable {
        var interface: Int
        var linkType: UInt32
        var seconds: Double
        var length: Int
        var captured: Int
    }

    private static func read(_ octets: [UInt8]) -> [Read] {
        var reader = CaptureReader()
        var packets: [Read] = []
        while case .packet(let packet) = octets.withRawSpan({ reader.next($0, isFinal: true) }) {
            packets.append(
                Read(
                    interface: packet.interface, linkType: packet.linkType.rawValue,
                    seconds: Double((packet.arrival?.nanoseconds ?? 0) - wall.nanoseconds) / 1e9
                        + 100,
                    length: packet.wireLength, captured: packet.octets.count))
        }
        return packets
    }

    @Test func `the minute before, the seconds after, and only this tunnel's packets`() {
        let echo = Self.packet(1, from: Self.near, to: Self.far, [8, 0, 0, 0, 0, 1, 0, 1])
        let inner = Self.packet(
            1, from: [10, 252, 0, 1], to: [10, 252, 0, 0], [8, 0, 0, 0, 0, 1, 0, 2])
        let early = Self.rings(
            [
                (10, Self.esp(1, from: Self.far, to: Self.near)),  // more than a minute before
                (50, Self.esp(2, from: Self.far, to: Self.near)),
                (60, Self.esp(3, from: Self.other, to: Self.near)),  // another tunnel's
                (70, Self.esp(4, from: Self.near, to: Self.far)),
            ], [(99.9, echo)])
        let late = Self.rings(
            [(102, Self.esp(5, from: Self.far, to: Self.near))], [], start: early)
        let inside = Self.rings([], [(98, inner)], way: .outbound)
        let plain = Self.rings([], [(99.9, echo), (99.95, inner)], way: .outbound)
        let file = FlightRecordingFile(
            events: [
                Self.event(.healthy, .degraded, 100),
                Self.event(.degraded, .down, 101, "no answer"),
            ], remote: Self.remote,
            before: [
                Self.device(early), Self.device(inside, "ipsec0", .inside),
                Self.device(plain, "wan0", .plain),
            ],
            after: [Self.device(late)], now: (at(105), Self.wall + .seconds(5)),
            application: "tunnel-probe")
        let (octets, count) = file.octets()
        let read = Self.read(octets)
        #expect(count == read.count)
        // The echo on the WAN is there once, though two rings saw it.
        #expect(read.map(\.seconds) == [50, 70, 98, 99.9, 99.95, 102])
        #expect(read.map(\.interface) == [0, 0, 1, 0, 0, 0])
        #expect(read.allSatisfy { $0.linkType == 101 && $0.length == 100 })
        #expect(read.map(\.captured) == [36, 36, 28, 28, 28, 36])
        let text = String(decoding: octets, as: UTF8.self)
        #expect(text.contains("tunnel cf-1: healthy -> degraded at 2026-11-23T03:45:00"))
        #expect(text.contains("degraded -> down at 2026-11-23T03:45:01"))
        #expect(text.contains("wan0, all tunnels: 6 packets recorded, 0 passed unrecorded"))
    }

    @Test func `what did not fit is said`() {
        let many = (0..<20_000).map {
            (40 + Double($0) / 400, Self.esp(UInt8($0 & 255), from: Self.far, to: Self.near))
        }
        let rings = Self.rings(many)
        let file = FlightRecordingFile(
            events: [Self.event(.healthy, .down, 95)], remote: Self.remote, before: [],
            after: [Self.device(rings)], now: (at(100), Self.wall), application: "tunnel-probe")
        let (octets, _) = file.octets()
        let text = String(decoding: octets, as: UTF8.self)
        #expect(text.contains("of dense ESP the first of each tenth of a second are kept"))
        var reader = CaptureReader()
        var packets = 0
        while case .packet = octets.withRawSpan({ reader.next($0, isFinal: true) }) { packets += 1 }
        // Every packet between the first and the last is in the file or among those left out.
        #expect(UInt64(packets) + (reader.reportedDrops ?? 0) > 19_000)
    }

    @Test func `rings of another thread are not taken for the same`() {
        let before = Self.rings([(99, Self.esp(1, from: Self.far, to: Self.near))])
        let after = Self.rings([(103, Self.esp(9, from: Self.far, to: Self.near))])
        var newer = Self.device(after)
        let anotherThread = CaptureToken()
        newer.thread = ObjectIdentifier(anotherThread)
        let file = FlightRecordingFile(
            events: [Self.event(.healthy, .down, 100)], remote: Self.remote,
            before: [Self.device(before)], after: [newer], now: (at(105), Self.wall + .seconds(5)),
            application: "tunnel-probe")
        #expect(Self.read(file.octets().octets).map(\.seconds) == [99, 103])
    }

    @Test func `a silent minute is a file too`() {
        let file = FlightRecordingFile(
            events: [Self.event(.healthy, .down, 100)], remote: Self.remote, before: [],
            after: [Self.device(Self.rings([]))], now: (at(105), Self.wall), application: "x")
        let (octets, packets) = file.octets()
        #expect(packets == 0)
        #expect(
            String(decoding: octets, as: UTF8.self).contains(
                "no packet of this tunnel passed in the last minute"))
    }

    // MARK: - The recorder

    private static func recorder(
        _ folder: String,
        headers: @escaping @Sendable (String) async -> [RecordedDevice] = { _ in
            [device(rings([(1, esp(1, from: far, to: near))]))]
        }
    ) -> FlightRecorder {
        var configuration = AgentConfiguration.defaults
        configuration.stateDirectory = folder
        let recorder = FlightRecorder(
            configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            aftermath: .milliseconds(50), remote: { _ in remote }, headers: headers)
        recorder.start()
        return recorder
    }

    private static func eventually(_ condition: () -> Bool) async -> Bool {
        for _ in 0..<1000 {
            if condition() { return true }
            try? await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    private static func transition(
        _ from: TunnelState, _ to: TunnelState
    ) -> HealthStateMachine.Transition {
        .init(from: from, to: to, at: MonotonicInstant(nanoseconds: 5_000_000_000))
    }

    private static func temporaryFolder() throws -> String {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("recorder-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
        return path
    }

    @Test func `a change to worse is written once a minute, and told`() async throws {
        let folder = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let recorder = Self.recorder(folder)
        let saved = SavedFiles()
        recorder.onSaved = { saved.append($0) }
        recorder.note("cf-1", Self.transition(.down, .healthy), reason: nil)
        recorder.note("cf-1", Self.transition(.down, .degraded), reason: nil)
        recorder.note("cf-1", Self.transition(.healthy, .degraded), reason: nil)
        recorder.note("cf-1", Self.transition(.degraded, .down), reason: "silence")
        #expect(await Self.eventually { recorder.counts(of: "cf-1")[.written] == 1 })
        recorder.note("cf-1", Self.transition(.healthy, .down), reason: nil)
        #expect(recorder.counts(of: "cf-1")[.skipped] == 1)
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/captures")
        #expect(names.count == 1)
        let name = try #require(names.first)
        #expect(name.hasPrefix("cf-1-") && name.hasSuffix("Z-down.pcapng"), "\(name)")
        let file = try #require(saved.all.first)
        #expect(file.path == "\(folder)/captures/\(name)")
        #expect(file.event.to == .degraded)
        recorder.stop()
    }

    @Test func `a file that cannot be written is counted and nothing else`() async throws {
        let folder = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // A file where the folder should be.
        try Data().write(to: URL(fileURLWithPath: "\(folder)/captures"))
        let recorder = Self.recorder(folder)
        recorder.note("cf-1", Self.transition(.healthy, .down), reason: nil)
        #expect(await Self.eventually { recorder.counts(of: "cf-1")[.failed] == 1 })
        recorder.note("cf-2", Self.transition(.healthy, .down), reason: nil)
        #expect(await Self.eventually { recorder.counts(of: "cf-2")[.failed] == 1 })
        recorder.stop()
    }

    @Test func `a tunnel that nothing is captured of has no file`() async throws {
        let folder = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let recorder = Self.recorder(folder) { _ in [] }
        recorder.note("cf-1", Self.transition(.healthy, .down), reason: nil)
        #expect(await Self.eventually { recorder.counts(of: "cf-1")[.skipped] == 1 })
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/captures"))
        recorder.stop()
    }
}

/// Stands for a capture's thread.
private final class CaptureToken: Sendable {}

/// What a recorder told.
private final class SavedFiles: Sendable {
    private let files = Mutex<[FlightRecorder.Saved]>([])

    var all: [FlightRecorder.Saved] { files.withLock { $0 } }

    func append(_ file: FlightRecorder.Saved) { files.withLock { $0.append(file) } }
}
