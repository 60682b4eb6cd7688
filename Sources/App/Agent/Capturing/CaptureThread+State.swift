import CaptureFormats
import ESPAnalysis
import NetworkPrimitives
import PacketCapture
import PacketFormats
import RawSockets

extension CaptureThread {
    /// What lives on the thread.
    struct State {
        /// The most packets between two looks at commands and the clock.
        private static let dispatchLimit = 8192
        /// Between two looks at the device and its counters.
        private static let tickInterval = Duration.seconds(1)
        /// Before a device that is not there is tried again, doubled each time up to the last.
        private static let backOff = Duration.seconds(1)...Duration.seconds(8)
        /// The same for what waiting hardly mends.
        private static let longBackOff = Duration.seconds(30)
        /// Longer than the kernel keeps a packet in a block that is not full.
        private static let deliveryDelay = Duration.milliseconds(150)
        private static let dropEventInterval = Duration.seconds(60)

        /// An open device.
        private final class OpenDevice {
            var live: LiveCapture
            let link: LinkKind
            let namespace: NetworkNamespace.Identity?
            /// The statistics that were added to the sums already.
            var counted = LiveCapture.Statistics()

            init(_ plan: CapturePlan) throws(CaptureError) {
                namespace = plan.place.namespace.flatMap(NetworkNamespace.identity)
                live = try LiveCapture(
                    plan.place.device, in: plan.place.namespace, settings: plan.settings,
                    filter: plan.filter)
                link = LinkKind(linkType: live.linkType.rawValue)
            }
        }

        let poll: EventPoll
        /// The IKE of the same device, over a handle of its own.
        private var ike: IKERecorder
        var isStopping = false
        var recorder: TrafficRecorder
        private var plan: CapturePlan
        private var device: OpenDevice?
        private var condition = Condition.starting
        private var correlation = ClockCorrelation()
        /// When the ring was last empty: what comes now arrived later.
        private var emptyAt = MonotonicClock.now()
        private var nextTick = MonotonicClock.now()
        private var nextAttempt = MonotonicClock.now()
        private var patience = State.backOff.lowerBound
        private var openings = 0
        private var packets: UInt64 = 0
        private var drops: UInt64 = 0
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
        }

        /// When to wake up though no packet comes.
        var deadline: MonotonicInstant {
            var deadline = nextTick
            if device == nil { deadline = min(deadline, nextAttempt) }
            if let markDeadline { deadline = min(deadline, markDeadline) }
            return deadline
        }

        mutating func takeEvents() -> [Event] {
            defer { events = [] }
            return events
        }

        // MARK: - Packets

        /// Takes in what waits, up to a limit.
        mutating func drain() {
            guard let device else { return }
            correlation.sample()
            let now = correlation.sampledAt
            // A packet can come after `now` was read, and before this ends.
            let stamps = correlation.conversion(
                notBefore: emptyAt - Self.deliveryDelay, notAfter: now + .seconds(1))
            let link = device.link
            let isForeignPossible =
                device.live.precision != .endpoints || plan.filter.looksBehindTags
            do throws(CaptureError) {
                let count = try device.live.dispatch(limit: Self.dispatchLimit) {
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
                lose(error, at: now)
            }
            recorder.flush()
            ike.drain(stamps, at: now)
        }

        // MARK: - Time

        /// Does what is due.
        mutating func advance(to now: MonotonicInstant) {
            if device == nil, now >= nextAttempt { open(at: now) }
            deliverCounts(at: now)
            guard now >= nextTick else { return }
            nextTick = now + Self.tickInterval
            look(at: now)
            recorder.settle(now, WallClock.now())
            let rekeys = recorder.takeRekeyNews(at: now)
            if !rekeys.isEmpty { events.append(.rekeying(rekeys)) }
            if drops > reportedDrops, now >= nextDropEvent {
                events.append(.dropped(plan.place, packets: drops - reportedDrops))
                reportedDrops = drops
                nextDropEvent = now + Self.dropEventInterval
            }
        }

        private mutating func open(at now: MonotonicInstant) {
            do throws(CaptureError) {
                let opened = try OpenDevice(plan)
                do throws(SocketError) {
                    try poll.add(opened.live.descriptor, key: 0)
                } catch {
                    throw CaptureError(
                        .failed, device: plan.place.device, namespace: plan.place.namespace,
                        operation: "epoll_ctl", text: error.description)
                }
                device = opened
                ike.open(plan, poll)
                openings += 1
                emptyAt = now
                patience = Self.backOff.lowerBound
                condition = .capturing
                events.append(.capturing(plan.place, precision: opened.live.precision))
            } catch {
                interrupt(error, at: now)
            }
        }

        /// Looks at the device: what it dropped, whether it is still the one and up.
        private mutating func look(at now: MonotonicInstant) {
            guard let device else { return }
            countDrops(of: device)
            let namespace = plan.place.namespace
            guard namespace.flatMap(NetworkNamespace.identity) == device.namespace else {
                return lose(error(.deviceGone, "the namespace was replaced"), at: now)
            }
            switch device.live.condition {
            case .up:
                guard condition != .capturing else { return }
                condition = .capturing
                events.append(.capturing(plan.place, precision: device.live.precision))
            case .down:
                // The kernel takes the capture up again by itself.
                guard condition == .capturing else { return }
                interrupt(error(.deviceDown, "SIOCGIFFLAGS"), at: now)
            case .gone: lose(error(.deviceGone, "SIOCGIFINDEX"), at: now)
            case .renamed(let name):
                lose(error(.deviceGone, "SIOCGIFINDEX", "its name is \(name) now"), at: now)
            }
        }

        private mutating func countDrops(of device: OpenDevice) {
            guard let now = device.live.statistics else { return }
            drops &+= Self.growth(from: device.counted.dropped, to: now.dropped)
            drops &+= Self.growth(from: device.counted.droppedByDevice, to: now.droppedByDevice)
            device.counted = now
        }

        /// How far a count modulo 2³² has gone; 0 where it went back, as the device's own does when
        /// its driver starts again or it is gone.
        static func growth(from old: UInt32, to new: UInt32) -> UInt64 {
            UInt64(max(0, Int32(bitPattern: new &- old)))
        }

        private func error(
            _ code: CaptureError.Code, _ operation: String, _ text: String = ""
        ) -> CaptureError {
            CaptureError(
                code, device: plan.place.device, namespace: plan.place.namespace,
                operation: operation, text: text)
        }

        /// Gives the device up, and has it opened anew at once.
        private mutating func lose(_ error: CaptureError, at now: MonotonicInstant) {
            close()
            interrupt(error, at: now)
            nextAttempt = now
        }

        private mutating func close() {
            guard let open = device else { return }
            countDrops(of: open)
            ike.close(poll)
            do throws(SocketError) {
                try poll.remove(open.live.descriptor)
            } catch {
                // It was added when it was opened, and closing takes it out as well.
            }
            device = nil
        }

        private mutating func interrupt(_ error: CaptureError, at now: MonotonicInstant) {
            let reason = error.description
            let next: Condition = error.isPassing ? .waiting(reason) : .impossible(reason)
            if condition != next {
                events.append(
                    .interrupted(plan.place, reason: reason, isPassing: error.isPassing))
            }
            condition = next
            nextAttempt = now + (error.isPassing ? patience : Self.longBackOff)
            patience = min(patience * 2, Self.backOff.upperBound)
        }

        // MARK: - Commands

        /// Ends the capture and every stream; all that came until now is counted.
        mutating func finish() {
            isStopping = true
            drain()
            close()
            recorder.closeAll(at: MonotonicClock.now())
        }

        mutating func adopt(_ next: CapturePlan) {
            guard next != plan else { return }
            let previous = plan
            plan = next
            recorder.adopt(next, at: MonotonicClock.now())
            ike.adopt(next)
            guard let device else { return }
            if next.settings != previous.settings {
                close()
                nextAttempt = MonotonicClock.now()
            } else if next.filter != previous.filter {
                do throws(CaptureError) {
                    try device.live.setFilter(next.filter)
                } catch {
                    lose(error, at: MonotonicClock.now())
                }
            }
        }

        mutating func snapshot(senders: Int) -> Snapshot {
            drain()
            if let device { countDrops(of: device) }
            let (now, wall) = (MonotonicClock.now(), WallClock.now())
            return Snapshot(
                place: plan.place, condition: condition, packets: packets, drops: drops,
                unusableStamps: unusableStamps, backwardStamps: recorder.backwardStamps,
                frames: recorder.frames,
                traffic: recorder.snapshot(at: now, wall: wall, senders: senders),
                ike: ike.reports(of: plan.tunnels, at: now), ikeReason: ike.reason, takenAt: now)
        }

        mutating func setMark(
            _ instant: MonotonicInstant, _ handler: @escaping @Sendable (Counts) -> Void
        ) {
            guard condition == .capturing else { return }
            recorder.setMark(instant)
            markHandler = handler
            markDeadline = instant + Self.deliveryDelay + .milliseconds(1)
        }

        private mutating func deliverCounts(at now: MonotonicInstant) {
            guard let markHandler else { return }
            guard condition == .capturing else {
                self.markHandler = nil
                markDeadline = nil
                return
            }
            guard let counts = recorder.takeMarkedCounts(at: now, delay: Self.deliveryDelay)
            else { return }
            if let device { countDrops(of: device) }
            markHandler(Counts(packets: counts, drops: drops, opening: openings))
            self.markHandler = nil
            markDeadline = nil
        }
    }
}
