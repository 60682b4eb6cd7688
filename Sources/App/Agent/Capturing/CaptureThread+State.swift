import CaptureFormats
import ESPAnalysis
import FlightRecording
import NetworkPrimitives
import PacketCapture
import PacketFormats
import RawSockets

extension CaptureThread {
    /// What lives on the thread.
    struct State: CaptureWork {
        /// The most packets between two looks at commands and the clock.
        private static let dispatchLimit = 8192
        /// Between two looks at the device and its counters.
        private static let tickInterval = Duration.seconds(1)
        /// Longer than the kernel keeps a packet in a block that is not full.
        static let deliveryDelay = Duration.milliseconds(150)
        private static let dropEventInterval = Duration.seconds(60)

        let poll: EventPoll
        /// The IKE of the same device, over a handle of its own.
        private var ike: IKERecorder
        var isStopping = false
        var recorder: TrafficRecorder
        private var plan: CapturePlan
        private var device: CapturedDevice
        private var correlation = ClockCorrelation()
        /// When the ring was last empty: what comes now arrived later.
        private var emptyAt = MonotonicClock.now()
        private var nextTick = MonotonicClock.now()
        private var packets: UInt64 = 0
        private var unusableStamps: UInt64 = 0
        private var markHandler: (@Sendable (Counts) -> Void)?
        private var markDeadline: MonotonicInstant?
        private var events: [Event] = []
        private var reportedDrops: UInt64 = 0
        private var nextDropEvent = MonotonicInstant.zero

        init(_ plan: CapturePlan, seed: UInt64, poll: EventPoll) {
            self.plan = plan
            self.poll = poll
            recorder = TrafficRecorder(plan, seed: seed)
            ike = IKERecorder(plan)
            device = CapturedDevice(plan.place, [plan.channel], poll, firstKey: 0)
        }

        /// When to wake up though no packet comes.
        var deadline: MonotonicInstant {
            var deadline = nextTick
            if let attempt = device.deadline { deadline = min(deadline, attempt) }
            if let markDeadline { deadline = min(deadline, markDeadline) }
            return deadline
        }

        mutating func takeEvents() -> [Event] {
            defer { events = [] }
            return events
        }

        // MARK: - Packets

        mutating func drain(_ ready: Set<UInt64>) { drain() }

        /// Takes in what waits, up to a limit.
        mutating func drain() {
            guard let handle = device.handles.first else { return }
            correlation.sample()
            let now = correlation.sampledAt
            // A packet can come after `now` was read, and before this ends.
            let stamps = correlation.conversion(
                notBefore: emptyAt - Self.deliveryDelay, notAfter: now + .seconds(1))
            let link = handle.link
            let isForeignPossible =
                handle.live.precision != .endpoints || plan.filter.looksBehindTags
            do throws(CaptureError) {
                let count = try handle.live.dispatch(limit: Self.dispatchLimit) {
                    frame, stamp, length in
                    let arrival = stamps.convert(stamp)
                    if arrival == nil { unusableStamps &+= 1 }
                    recorder.receive(
                        frame, linkType: link, wireLength: length, arrival: arrival ?? now,
                        isForeignPossible: isForeignPossible)
                }
                packets &+= UInt64(count)
                if count < Self.dispatchLimit { emptyAt = now }
            } catch {
                device.lose(error, at: now)
                follow(now)
            }
            recorder.flush()
            ike.drain(stamps, at: now, recording: &recorder.rings)
        }

        // MARK: - Time

        /// Does what is due.
        mutating func advance(to now: MonotonicInstant) {
            device.open(at: now)
            follow(now)
            deliverCounts(at: now)
            guard now >= nextTick else { return }
            nextTick = now + Self.tickInterval
            device.look(at: now)
            follow(now)
            recorder.settle(now, WallClock.now())
            let rekeys = recorder.takeRekeyNews(at: now)
            if !rekeys.isEmpty { events.append(.rekeying(rekeys)) }
            if device.drops > reportedDrops, now >= nextDropEvent {
                events.append(.dropped(plan.place, packets: device.drops - reportedDrops))
                reportedDrops = device.drops
                nextDropEvent = now + Self.dropEventInterval
            }
        }

        /// Does what goes with what became of the device.
        private mutating func follow(_ now: MonotonicInstant) {
            for change in device.takeChanges() {
                switch change {
                case .opened:
                    if let handle = device.handles.first {
                        recorder.rings.adopt(linkType: handle.live.linkType.rawValue)
                    }
                    ike.open(plan, poll)
                    emptyAt = now
                case .closed: ike.close(poll)
                case .capturing(let precision):
                    events.append(.capturing(plan.place, precision: precision))
                case .interrupted(let reason, let isPassing):
                    events.append(
                        .interrupted(plan.place, reason: reason, isPassing: isPassing))
                }
            }
        }

        // MARK: - Commands

        /// Ends the capture and every stream; all that came until now is counted.
        mutating func finish() {
            isStopping = true
            drain()
            device.close()
            follow(MonotonicClock.now())
            recorder.closeAll(at: MonotonicClock.now())
        }

        mutating func adopt(_ next: CapturePlan) {
            guard next != plan else { return }
            plan = next
            let now = MonotonicClock.now()
            recorder.adopt(next, at: now)
            ike.adopt(next)
            device.adopt([next.channel], at: now)
            follow(now)
        }

        /// The headers of the last minute, what waits included.
        mutating func rings() -> DeviceRings {
            drain()
            return recorder.rings
        }

        mutating func lastSnapshot() -> Snapshot { snapshot(senders: 0) }

        mutating func snapshot(senders: Int) -> Snapshot {
            drain()
            device.countDrops()
            let (now, wall) = (MonotonicClock.now(), WallClock.now())
            return Snapshot(
                place: plan.place, condition: device.condition, packets: packets,
                drops: device.drops,
                unusableStamps: unusableStamps, backwardStamps: recorder.backwardStamps,
                frames: recorder.frames,
                traffic: recorder.snapshot(at: now, wall: wall, senders: senders),
                ike: ike.reports(of: plan.tunnels, at: now), ikeReason: ike.reason, takenAt: now)
        }

        mutating func setMark(
            _ instant: MonotonicInstant, _ handler: @escaping @Sendable (Counts) -> Void
        ) {
            guard device.condition == .capturing else { return }
            recorder.setMark(instant)
            markHandler = handler
            markDeadline = instant + Self.deliveryDelay + .milliseconds(1)
        }

        private mutating func deliverCounts(at now: MonotonicInstant) {
            guard let markHandler else { return }
            guard device.condition == .capturing else {
                self.markHandler = nil
                markDeadline = nil
                return
            }
            guard let counts = recorder.takeMarkedCounts(at: now, delay: Self.deliveryDelay)
            else { return }
            device.countDrops()
            markHandler(Counts(packets: counts, drops: device.drops, opening: device.openings))
            self.markHandler = nil
            markDeadline = nil
        }
    }
}
