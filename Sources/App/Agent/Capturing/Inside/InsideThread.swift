import CaptureFormats
import FlightRecording
import NetworkPrimitives
import PacketCapture
import PacketSizes
import RawSockets

/// Captures the inside of all tunnels on a thread of its own, beside those that capture ESP: what it
/// has to do can cost them no packet.
///
/// Each device has two handles, one for each direction, told apart by the kernel: the link header of a
/// tunnel's device does not say which way a packet goes, and addresses do not where packets are
/// forwarded. The kernel's filter takes only echo messages, SYNs and Packet Too Big.
struct InsideWork: CaptureWork {
    /// Something to tell.
    enum Event: Sendable {
        /// A device is captured on.
        case capturing(CapturePlace)
        /// It is not, and why.
        case interrupted(CapturePlace, reason: String, isPassing: Bool)
        /// A router has said something new of the path of a tunnel's packets.
        case pathChanged(tunnel: String)
    }

    /// What is known at one moment.
    struct Snapshot: Sendable {
        /// By tunnel.
        var reports: [String: InsideReport] = [:]
        /// Packets that the handles of all devices lost.
        var drops: UInt64 = 0
    }

    /// An open device with its place in the recorder.
    private struct Device {
        var captured: CapturedDevice
        var place: InsideRecorder.Place?
        let directions: [TrafficDirection]
        var roles: InsidePlan.Roles
        let firstKey: UInt64
        /// The drops that the watches were told of.
        var toldDrops: UInt64 = 0
    }

    /// The most packets of one handle between two looks at commands and the clock.
    private static let dispatchLimit = 256
    /// Memory for a device's headers: some 15 a second for a minute.
    private static let ringByteCount = 64 << 10
    private static let tickInterval = Duration.seconds(1)
    /// Longer than the kernel keeps a packet in a block that is not full.
    private static let deliveryDelay = Duration.milliseconds(150)

    var isStopping = false
    private let poll: EventPoll
    private var recorder: InsideRecorder
    private var devices: [CapturePlace: Device] = [:]
    /// The headers of the last minute; beside the devices, so that a packet copies none of it.
    private var rings: [CapturePlace: DeviceRings] = [:]
    /// The device and the handle of each key of the poll.
    private var keys: [UInt64: (place: CapturePlace, channel: Int)] = [:]
    private var nextKey: UInt64 = 0
    private var correlation = ClockCorrelation()
    private var nextTick = MonotonicClock.now()
    /// When a device is to be opened again at the earliest; counted anew where it may have changed, and
    /// not at every wake-up, of which there are many and many devices.
    private var nextOpening = MonotonicInstant.distantFuture
    private var isNextOpeningKnown = true
    private var events: [Event] = []

    init(seed: UInt64, poll: EventPoll) {
        self.poll = poll
        recorder = InsideRecorder(seed: seed)
    }

    var deadline: MonotonicInstant { min(nextTick, nextOpening) }

    mutating func takeEvents() -> [Event] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    mutating func lastSnapshot() -> Snapshot { snapshot() }

    // MARK: - Packets

    mutating func drain(_ ready: Set<UInt64>) {
        guard !ready.isEmpty else { return }
        correlation.sample()
        let now = correlation.sampledAt
        let stamps = correlation.conversion(
            notBefore: now - .seconds(10), notAfter: now + .seconds(1))
        for key in ready {
            guard let (place, channel) = keys[key] else { continue }
            drain(place, channel, stamps, now)
        }
        settleNextOpening()
    }

    private mutating func drain(
        _ place: CapturePlace, _ channel: Int, _ stamps: StampConversion,
        _ now: MonotonicInstant
    ) {
        guard let device = devices[place], let at = device.place,
            device.captured.handles.indices.contains(channel)
        else { return }
        let handle = device.captured.handles[channel]
        let direction = device.directions[channel]
        let link = handle.link
        // Taken out meanwhile, so that it is the only copy.
        var ring =
            rings.removeValue(forKey: place)
            ?? DeviceRings(espByteCount: 0, controlByteCount: Self.ringByteCount)
        ring.adopt(linkType: handle.live.linkType.rawValue)
        defer { rings[place] = ring }
        do throws(CaptureError) {
            _ = try handle.live.dispatch(limit: Self.dispatchLimit) { frame, stamp, length in
                // Late by a few hundredths of a second at most, where the clock was set.
                let arrival = stamps.convert(stamp) ?? now - Self.deliveryDelay / 4
                let decoded = recorder.receive(
                    frame, link: link, wireLength: length, arrival: arrival, at: at, direction)
                ring.receive(
                    decoded, frame, wireLength: length, at: arrival,
                    direction == .inbound ? .inbound : .outbound)
            }
        } catch {
            devices[place]?.captured.lose(error, at: now)
            follow(place, now)
        }
    }

    // MARK: - Time

    mutating func advance(to now: MonotonicInstant) {
        defer { settleNextOpening() }
        if now >= nextOpening {
            for place in devices.keys {
                guard let due = devices[place]?.captured.deadline, due <= now else { continue }
                devices[place]?.captured.open(at: now)
                follow(place, now)
            }
        }
        guard now >= nextTick else { return }
        nextTick = now + Self.tickInterval
        for place in devices.keys {
            devices[place]?.captured.look(at: now)
            follow(place, now)
            tellDrops(of: place, now)
        }
        for tunnel in recorder.advance(to: now) { events.append(.pathChanged(tunnel: tunnel)) }
    }

    private mutating func settleNextOpening() {
        guard !isNextOpeningKnown else { return }
        nextOpening = devices.values.lazy.compactMap(\.captured.deadline).min() ?? .distantFuture
        isNextOpeningKnown = true
    }

    private mutating func tellDrops(of place: CapturePlace, _ now: MonotonicInstant) {
        guard let device = devices[place], device.captured.drops > device.toldDrops else { return }
        devices[place]?.toldDrops = device.captured.drops
        recorder.lose(at: place, now)
    }

    /// Does what goes with what became of a device.
    private mutating func follow(_ place: CapturePlace, _ now: MonotonicInstant) {
        isNextOpeningKnown = false
        guard let changes = devices[place]?.captured.takeChanges(), !changes.isEmpty else { return }
        for change in changes {
            switch change {
            case .opened: break
            case .closed: recorder.lose(at: place, now)
            case .capturing: events.append(.capturing(place))
            case .interrupted(let reason, let isPassing):
                events.append(.interrupted(place, reason: reason, isPassing: isPassing))
            }
        }
        noteCapturing()
    }

    private mutating func noteCapturing() {
        recorder.note(
            capturing: Set(
                devices.values.filter { $0.captured.condition == .capturing }
                    .map(\.captured.place)))
    }

    // MARK: - Commands

    /// Follows another plan; devices that it does not change go on.
    mutating func adopt(_ plan: InsidePlan) {
        let now = MonotonicClock.now()
        let places = plan.places
        for (place, var device) in devices where places[place] == nil {
            device.captured.close()
            for (key, owner) in keys where owner.place == place { keys[key] = nil }
            devices[place] = nil
            rings[place] = nil
        }
        recorder.adopt(plan, at: now)
        for (place, roles) in places {
            let channels = roles.channels
            if devices[place] != nil {
                if devices[place]?.roles != roles {
                    devices[place]?.roles = roles
                    devices[place]?.captured.adopt(channels.map(\.channel), at: now)
                }
            } else {
                add(place, roles, channels)
            }
            devices[place]?.place = recorder.place(place)
            follow(place, now)
        }
        noteCapturing()
        settleNextOpening()
    }

    private mutating func add(
        _ place: CapturePlace, _ roles: InsidePlan.Roles,
        _ channels: [(direction: TrafficDirection, channel: CapturedDevice.Channel)]
    ) {
        for channel in channels.indices { keys[nextKey + UInt64(channel)] = (place, channel) }
        devices[place] = Device(
            captured: CapturedDevice(place, channels.map(\.channel), poll, firstKey: nextKey),
            place: nil, directions: channels.map(\.direction), roles: roles, firstKey: nextKey)
        nextKey += UInt64(channels.count)
    }

    mutating func note(_ facts: [String: InsideFacts], at now: MonotonicInstant) {
        recorder.note(facts, at: now)
    }

    mutating func note(_ limits: [String: SegmentSizeLimits]) { recorder.note(limits) }

    /// Ends all captures.
    mutating func finish() {
        isStopping = true
        drain(Set(keys.keys))
        for place in devices.keys { devices[place]?.captured.close() }
        noteCapturing()
    }

    /// The headers of the last minute, by device, what waits included.
    mutating func recordedHeaders() -> [CapturePlace: DeviceRings] {
        drain(Set(keys.keys))
        return rings
    }

    mutating func snapshot() -> Snapshot {
        drain(Set(keys.keys))
        let now = MonotonicClock.now()
        let devices = devices
        var snapshot = Snapshot()
        snapshot.reports = recorder.reports(at: now, wall: WallClock.now()) {
            devices[$0]?.captured.condition.reason
        }
        snapshot.drops = devices.values.reduce(0) { $0 &+ $1.captured.drops }
        return snapshot
    }
}
