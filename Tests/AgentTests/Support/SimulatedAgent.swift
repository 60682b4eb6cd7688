@testable import Agent
import Configuration
import EchoProbing
import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import RawSockets
import TunnelHealth

/// A `MonitorSet` on a simulated network: the probe loop with a clock that a test moves.
struct SimulatedAgent {
    /// A state change and when it was told.
    struct Change: Equatable {
        var tunnel: String
        var from: TunnelState
        var to: TunnelState
        /// The send time of the sample that decided it.
        var sampledAt: MonotonicInstant
        /// When the loop heard of it.
        var noticedAt: MonotonicInstant
    }

    /// What is done at an instant besides probing.
    private struct Appointment {
        var at: MonotonicInstant
        var act: (inout SimulatedAgent) -> Void
    }

    var monitors: MonitorSet
    var transport: SimulatedTransport
    /// From an arrival, or a deadline, to the moment this process runs.
    var wakeUpLatency = Duration.microseconds(50)
    private(set) var changes: [Change] = []
    private(set) var otherEvents: [MonitorSet.Event] = []
    private(set) var now = MonotonicInstant.zero
    private var correlation: ClockCorrelation
    private var appointments: [Appointment] = []
    private var nextSecond = MonotonicInstant.zero
    private var inbox: [(arrival: SimulatedNetwork.Arrival, stamp: WallTime)] = []
    private var drainedAt = MonotonicInstant.zero
    /// When the process will have woken up for a stamp or a packet.
    private var wakesAt = MonotonicInstant.distantFuture
    /// Whether a transmit stamp wakes the process, as epoll does; else it waits for the next turn,
    /// which takes half the time to simulate.
    private let wakesForStamps: Bool

    init(seed: UInt64, wakesForStamps: Bool = false) {
        self.wakesForStamps = wakesForStamps
        monitors = MonitorSet(generator: SeededGenerator(seed: seed ^ 0xa9e1))
        transport = SimulatedTransport(seed: seed)
        correlation = ClockCorrelation(Self.reading(transport.clock))
    }

    var clockSteps: UInt64 { correlation.steps }

    subscript(name: String) -> TunnelMonitor? { monitors.continuous.first { $0.plan.name == name } }

    /// Has `act` done at `instant`, between two packets.
    mutating func at(_ instant: MonotonicInstant, _ act: @escaping (inout SimulatedAgent) -> Void) {
        let index = appointments.firstIndex { $0.at > instant } ?? appointments.endIndex
        appointments.insert(Appointment(at: instant, act: act), at: index)
    }

    mutating func configure(_ plans: [TunnelPlan]) { monitors.configure(plans, now: now) }

    /// Runs the loop until `end`.
    mutating func run(until end: MonotonicInstant) {
        while true {
            let work = min(monitors.deadline ?? .distantFuture, nextSecond)
            let arrival = transport.network.nextArrival ?? .distantFuture
            let appointment = appointments.first?.at ?? .distantFuture
            // Packets and appointments happen when they happen; the process runs a little later.
            if !inbox.isEmpty || wakesForStamps && !transport.stamps.isEmpty {
                wakesAt = min(wakesAt, now + wakeUpLatency)
            }
            let next = max(now, min(work, wakesAt, arrival, appointment))
            guard next <= end else { break }
            move(to: next)
            if appointment <= next {
                appointments.removeFirst().act(&self)
            } else if arrival <= next {
                while let arrival = transport.network.receive(upTo: next) {
                    inbox.append((arrival, transport.clock.wall))
                }
            } else {
                turn()
            }
        }
        move(to: max(now, end))
    }

    private mutating func move(to instant: MonotonicInstant) {
        now = instant
        transport.clock.advance(to: instant)
    }

    /// One turn of the loop, in the order of `ProbeLoop`.
    private mutating func turn() {
        wakesAt = .distantFuture
        drain()
        monitors.advance(to: now, transport: &transport)
        if now >= nextSecond {
            monitors.advanceFlaps(to: now)
            nextSecond = now + .seconds(1)
        }
        for event in monitors.takeEvents() {
            guard case .stateChanged(let tunnel, let transition, _) = event else {
                otherEvents.append(event)
                continue
            }
            changes.append(
                Change(
                    tunnel: tunnel, from: transition.from, to: transition.to,
                    sampledAt: transition.at, noticedAt: now))
        }
    }

    /// What `EchoSocket.drain` does with stamps, on simulated clocks.
    private mutating func drain() {
        guard !inbox.isEmpty || !transport.stamps.isEmpty else { return }
        correlation.sample(Self.reading(transport.clock))
        for stamp in transport.takeStamps() {
            guard
                let instant = correlation.convert(
                    stamp.stamp, notBefore: stamp.sentAt, notAfter: now)
            else { continue }
            monitors.transmitted(stamp.tag, at: instant)
        }
        let waiting = inbox
        inbox.removeAll(keepingCapacity: true)
        for (arrival, stamp) in waiting {
            guard let channel = transport.channels[arrival.route] else { continue }
            let stamped = correlation.convert(
                stamp, notBefore: drainedAt - .milliseconds(100), notAfter: now)
            let message = ProbeArrival(
                source: arrival.source, channel: channel, at: stamped ?? now,
                isStamped: stamped != nil, isTruncated: false)
            arrival.bytes.withRawSpan { monitors.receive($0, message, now: now) }
        }
        drainedAt = now
    }

    private static func reading(_ clock: VirtualClock) -> ClockReading {
        ClockReading(before: clock.now, wall: clock.wall, after: clock.now)
    }
}

/// The instant so many seconds after the start of the clock.
func at(_ seconds: Double) -> MonotonicInstant { .zero + .seconds(seconds) }
