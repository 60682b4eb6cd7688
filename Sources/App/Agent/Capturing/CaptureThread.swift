import ESPAnalysis
import IKE
import NetworkPrimitives
import PacketCapture
import PacketFormats
import RawSockets
import Synchronization

/// Captures on one device, on a thread of its own that owns the capture and what is made of it.
///
/// Everybody else posts a closure that runs between two batches of packets; there is no lock that a
/// packet could wait for. A device that is missing or down is tried again until it is there.
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

    /// Whether packets are captured now.
    enum Condition: Equatable, Sendable {
        /// The device was not tried yet.
        case starting
        /// They are.
        case capturing
        /// They are not and will be once the device is there and up.
        case waiting(String)
        /// They are not, for something that waiting will not mend.
        case impossible(String)

        /// Why they are not; nil when they are.
        var reason: String? {
            switch self {
            case .starting: "the capture is starting"
            case .capturing: nil
            case .waiting(let reason), .impossible(let reason): reason
            }
        }
    }

    /// What is known of a device's capture at one moment.
    struct Snapshot: Sendable {
        var place: CapturePlace
        var condition: Condition
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

    private typealias Command = @Sendable (inout State) -> Void

    let place: CapturePlace
    /// What waits for the thread, and what is left when it has ended.
    private struct Mailbox {
        var commands: [Command] = []
        /// The last snapshot; nil as long as the thread runs commands.
        var last: Snapshot?
    }

    private let mailbox = Mutex(Mailbox())
    /// Locked by the thread for as long as it runs.
    private let poll: Mutex<EventPoll>
    private let waker: Waker

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
        poll = Mutex(try EventPoll())
        waker = poll.withLock { $0.waker }
        try PinnedThread.start(name: "capture-\(plan.place.device)") { [self] in
            poll.withLock { poll in
                var state = State(plan, seed: seed, poll: poll)
                run(&state, events)
            }
        }
    }

    /// Follows another plan for the same device.
    func adopt(_ plan: CapturePlan) { post { $0.adopt(plan) } }

    /// What is known now, with up to `senders` senders of each stream by name; once the thread has
    /// ended, what was known then.
    func snapshot(senders: Int) async -> Snapshot {
        await withCheckedContinuation { continuation in
            let last = post { continuation.resume(returning: $0.snapshot(senders: senders)) }
            if let last { continuation.resume(returning: last) }
        }
    }

    /// Counts every stream's packets up to `instant`; `body` is called on the thread, unless nothing
    /// is captured or another count is asked for before this one is there.
    func count(upTo instant: MonotonicInstant, _ body: @escaping @Sendable (Counts) -> Void) {
        post { $0.setMark(instant, body) }
    }

    /// Says which streams have extended sequence numbers, as this host's SAs do.
    func noteExtended(_ streams: Set<StreamID>) { post { $0.recorder.noteExtended(streams) } }

    /// Notes that the kernel has a new inbound SA for a tunnel, at an instant that may be past.
    func install(_ spi: SPI, of tunnel: String, at instant: MonotonicInstant) {
        post { $0.recorder.install(spi, of: tunnel, at: instant) }
    }

    /// Notes that the kernel deleted an inbound SA of a tunnel, at an instant that may be past.
    func remove(_ spi: SPI, of tunnel: String, at instant: MonotonicInstant) {
        post { $0.recorder.remove(spi, of: tunnel, at: instant) }
    }

    /// Ends the thread.
    ///
    /// - Returns: what its streams came to, all of them closed.
    func stop() async -> Snapshot {
        await withCheckedContinuation { continuation in
            let last = post {
                $0.finish()
                continuation.resume(returning: $0.snapshot(senders: 0))
            }
            if let last { continuation.resume(returning: last) }
        }
    }

    /// Has the thread run a command.
    ///
    /// - Returns: nil, or the last snapshot of a thread that has ended and will not run it.
    @discardableResult
    private func post(_ command: @escaping Command) -> Snapshot? {
        let last = mailbox.withLock { mailbox in
            if mailbox.last == nil { mailbox.commands.append(command) }
            return mailbox.last
        }
        if last == nil { waker.wake() }
        return last
    }

    private func run(_ state: inout State, _ events: @Sendable (Event) -> Void) {
        while true {
            state.poll.wait(until: state.deadline) { _ in }
            state.drain()
            for command in takeCommands() { command(&state) }
            if state.isStopping { break }
            state.advance(to: MonotonicClock.now())
            for event in state.takeEvents() { events(event) }
        }
        // Whoever posts from here on gets the snapshot; what was posted before still runs.
        let last = state.snapshot(senders: 0)
        for command in takeCommands(leaving: last) { command(&state) }
    }

    private func takeCommands(leaving last: Snapshot? = nil) -> [Command] {
        mailbox.withLock { mailbox in
            defer { mailbox.commands = [] }
            mailbox.last = last
            return mailbox.commands
        }
    }
}
