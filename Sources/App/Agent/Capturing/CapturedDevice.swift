import CaptureFormats
import NetworkPrimitives
import PacketCapture
import PacketFormats
import RawSockets

/// A device that is captured on, over one handle or several, and opened anew whenever it went away.
///
/// One that is missing or down is tried again until it is there.
struct CapturedDevice {
    /// What one handle takes.
    struct Channel: Equatable, Sendable {
        var settings: LiveCapture.Settings
        var filter: CaptureFilter
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

    /// What became of it.
    enum Change: Sendable {
        /// Its handles are open.
        case opened
        /// Packets come, after `opened` and after it was down.
        case capturing(CaptureFilter.Precision)
        /// None come, and why.
        case interrupted(reason: String, isPassing: Bool)
        /// Its handles are closed.
        case closed
    }

    /// An open handle.
    final class Handle {
        var live: LiveCapture
        let link: LinkKind
        /// The statistics that were added to the sums already.
        fileprivate var counted = LiveCapture.Statistics()

        fileprivate init(_ place: CapturePlace, _ channel: Channel) throws(CaptureError) {
            live = try LiveCapture(
                place.device, in: place.namespace, settings: channel.settings,
                filter: channel.filter)
            link = LinkKind(linkType: live.linkType.rawValue)
        }
    }

    /// Before a device that is not there is tried again, doubled each time up to the last.
    private static let backOff = Duration.seconds(1)...Duration.seconds(8)
    /// The same for what waiting hardly mends.
    private static let longBackOff = Duration.seconds(30)

    let place: CapturePlace
    private(set) var channels: [Channel]
    /// One for each channel; empty while the device is not open.
    private(set) var handles: [Handle] = []
    private(set) var condition = Condition.starting
    /// How often it was opened.
    private(set) var openings = 0
    /// Packets lost because a ring was full, or that the device itself dropped.
    private(set) var drops: UInt64 = 0

    private let poll: EventPoll
    private let firstKey: UInt64
    private var namespace: NetworkNamespace.Identity?
    private var nextAttempt = MonotonicClock.now()
    private var patience = CapturedDevice.backOff.lowerBound
    private var changes: [Change] = []

    /// Captures nothing yet; `firstKey` and those after it are the poll's keys for the handles.
    init(_ place: CapturePlace, _ channels: [Channel], _ poll: EventPoll, firstKey: UInt64) {
        self.place = place
        self.channels = channels
        self.poll = poll
        self.firstKey = firstKey
    }

    /// When the device is to be opened; nil while it is open.
    var deadline: MonotonicInstant? { handles.isEmpty ? nextAttempt : nil }

    /// What became of the device since the last call.
    mutating func takeChanges() -> [Change] {
        defer { changes.removeAll(keepingCapacity: true) }
        return changes
    }

    /// Opens the device when it is due.
    mutating func open(at now: MonotonicInstant) {
        guard handles.isEmpty, now >= nextAttempt else { return }
        do throws(CaptureError) {
            let namespace = place.namespace.flatMap(NetworkNamespace.identity)
            var opened: [Handle] = []
            for channel in channels {
                let handle = try Handle(place, channel)
                do throws(SocketError) {
                    try poll.add(handle.live.descriptor, key: firstKey + UInt64(opened.count))
                } catch {
                    // Closing a handle takes it out of the poll.
                    throw CaptureError(
                        .failed, device: place.device, namespace: place.namespace,
                        operation: "epoll_ctl", text: error.description)
                }
                opened.append(handle)
            }
            self.namespace = namespace
            handles = opened
            openings += 1
            patience = Self.backOff.lowerBound
            changes.append(.opened)
            begin()
        } catch {
            interrupt(error, at: now)
        }
    }

    /// Looks at the device: what it dropped, whether it is still the one and up.
    mutating func look(at now: MonotonicInstant) {
        guard let first = handles.first else { return }
        countDrops()
        guard place.namespace.flatMap(NetworkNamespace.identity) == namespace else {
            return lose(error(.deviceGone, "the namespace was replaced"), at: now)
        }
        switch first.live.condition {
        case .up:
            if condition != .capturing { begin() }
        case .down:
            // The kernel takes the capture up again by itself.
            guard condition == .capturing else { return }
            interrupt(error(.deviceDown, "SIOCGIFFLAGS"), at: now)
        case .gone: lose(error(.deviceGone, "SIOCGIFINDEX"), at: now)
        case .renamed(let name):
            lose(error(.deviceGone, "SIOCGIFINDEX", "its name is \(name) now"), at: now)
        }
    }

    /// Adds to `drops` what the kernel counted since the last call.
    mutating func countDrops() {
        for handle in handles {
            guard let now = handle.live.statistics else { continue }
            drops &+= Self.growth(from: handle.counted.dropped, to: now.dropped)
            drops &+= Self.growth(from: handle.counted.droppedByDevice, to: now.droppedByDevice)
            handle.counted = now
        }
    }

    /// How far a count modulo 2³² has gone; 0 where it went back, as the device's own does when
    /// its driver starts again or it is gone.
    static func growth(from old: UInt32, to new: UInt32) -> UInt64 {
        UInt64(max(0, Int32(bitPattern: new &- old)))
    }

    /// Follows other channels of the same device.
    mutating func adopt(_ next: [Channel], at now: MonotonicInstant) {
        let previous = channels
        channels = next
        guard !handles.isEmpty, next != previous else { return }
        guard next.map(\.settings) == previous.map(\.settings) else {
            close()
            nextAttempt = now
            return
        }
        for (handle, (next, previous)) in zip(handles, zip(next, previous))
        where next.filter != previous.filter {
            do throws(CaptureError) {
                try handle.live.setFilter(next.filter)
            } catch {
                return lose(error, at: now)
            }
        }
    }

    /// Gives the device up, and has it opened anew at once.
    mutating func lose(_ error: CaptureError, at now: MonotonicInstant) {
        close()
        interrupt(error, at: now)
        nextAttempt = now
    }

    /// Closes the handles.
    mutating func close() {
        guard !handles.isEmpty else { return }
        countDrops()
        for handle in handles {
            do throws(SocketError) {
                try poll.remove(handle.live.descriptor)
            } catch {
                // It was added when it was opened, and closing takes it out as well.
            }
        }
        handles = []
        changes.append(.closed)
    }

    private mutating func begin() {
        condition = .capturing
        let isCoarse = handles.contains { $0.live.precision == .anyone }
        changes.append(.capturing(isCoarse ? .anyone : .endpoints))
    }

    private mutating func interrupt(_ error: CaptureError, at now: MonotonicInstant) {
        let reason = error.description
        let next: Condition = error.isPassing ? .waiting(reason) : .impossible(reason)
        if condition != next {
            changes.append(.interrupted(reason: reason, isPassing: error.isPassing))
        }
        condition = next
        nextAttempt = now + (error.isPassing ? patience : Self.longBackOff)
        patience = min(patience * 2, Self.backOff.upperBound)
    }

    private func error(
        _ code: CaptureError.Code, _ operation: String, _ text: String = ""
    ) -> CaptureError {
        CaptureError(
            code, device: place.device, namespace: place.namespace, operation: operation, text: text
        )
    }
}
