import ESPAnalysis
import FlightRecording
import IKE
import NetworkPrimitives
import PacketCapture
import PacketFormats
import RawSockets

/// Captures on one device, on a thread of its own that owns the capture and what is made of it.
///
/// A device that is missing or down is tried again until it is there.
final class CaptureThread: Sendable {
    /// What the thread has to tell; called on it, must not block.
    enum Event: Sendable {
        /// Packets are captured, and what is to be known about how.
        case capturing(CapturePlace, precision: CaptureFilter.Precision)
        /// None are, and why.
        case interrupted(CapturePlace, reason: String, isPassing: Bool)
        /// Packets were lost since the last event of this kind, at most one a minute.
        case dropped(CapturePlace, packets: UInt64)
        /// What is new of tunnels' rekeys on the wire, about once a second while there are some.
        case rekeying([String: RekeyArrivals])
    }

    /// What is known of a device's capture at one moment.
    struct Snapshot: Sendable {
        var place: CapturePlace
        var condition: CapturedDevice.Condition
        /// Packets handed to this process, of whatever kind and owner.
        var packets: UInt64
        /// Packets lost because the ring was full, or that the device itself dropped.
        var drops: UInt64
        /// Stamps that could not be used.
        var unusableStamps: UInt64
        /// Stamps that lay before that of an earlier packet.
        var backwardStamps: UInt64
        var frames: FrameCounts
        var traffic: TrafficRecorder.Snapshot
        /// What was seen of IKE, by tunnel.
        var ike: [String: IKEWireReport] = [:]
        /// Why IKE is not captured now; nil when it is.
        var ikeReason: String?
        var takenAt: MonotonicInstant
    }

    /// Packets of each stream up to an instant.
    struct Counts: Sendable {
        var packets: [StreamID: UInt64]
        /// Lost by the ring so far.
        var drops: UInt64
        /// How often the device was opened: counts of two openings are not to be compared.
        var opening: Int
    }

    let place: CapturePlace
    private let loop: CaptureLoop<State>

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - plan: what to capture.
    ///   - seed: a secret random number, against hash flooding.
    ///   - events: called on the thread for everything it has to tell.
    /// - Throws: `SocketError` when the process may not make a thread or descriptors.
    init(
        _ plan: CapturePlan, seed: UInt64, events: @escaping @Sendable (Event) -> Void
    ) throws(SocketError) {
        place = plan.place
        loop = try CaptureLoop(
            name: "capture-\(plan.place.device)",
            make: { State(plan, seed: seed, poll: $0) }, events: events)
    }

    /// Follows another plan for the same device.
    func adopt(_ plan: CapturePlan) { loop.post { $0.adopt(plan) } }

    /// What is known now, with up to `senders` senders of each stream by name; once the thread has
    /// ended, what was known then.
    func snapshot(senders: Int) async -> Snapshot {
        await loop.snapshot { $0.snapshot(senders: senders) }
    }

    /// Counts every stream's packets up to `instant`; `body` is called on the thread, unless nothing
    /// is captured or another count is asked for before this one is there.
    func count(upTo instant: MonotonicInstant, _ body: @escaping @Sendable (Counts) -> Void) {
        loop.post { $0.setMark(instant, body) }
    }

    /// The headers of the last minute; nil once the thread has ended.
    func rings() async -> DeviceRings? { await loop.ask { $0.rings() } }

    /// Says which streams have extended sequence numbers, as this host's SAs do.
    func noteExtended(_ streams: Set<StreamID>) { loop.post { $0.recorder.noteExtended(streams) } }

    /// Notes that the kernel has a new inbound SA for a tunnel, at an instant that may be past.
    func install(_ spi: SPI, of tunnel: String, at instant: MonotonicInstant) {
        loop.post { $0.recorder.install(spi, of: tunnel, at: instant) }
    }

    /// Notes that the kernel deleted an inbound SA of a tunnel, at an instant that may be past.
    func remove(_ spi: SPI, of tunnel: String, at instant: MonotonicInstant) {
        loop.post { $0.recorder.remove(spi, of: tunnel, at: instant) }
    }

    /// Ends the thread.
    ///
    /// - Returns: what its streams came to, all of them closed.
    func stop() async -> Snapshot {
        await loop.snapshot {
            $0.finish()
            return $0.snapshot(senders: 0)
        }
    }
}
