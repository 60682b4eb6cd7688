import Configuration
import FlightRecording
import KernelState
import Logging
import NetworkPrimitives
import PacketSizes
import RawSockets
import Synchronization

/// What passes inside the watched tunnels: one thread for all of them, as long as there are any.
final class InsideCapture: Sendable {
    private struct State {
        var plan = InsidePlan(for: [])
        var plans: [TunnelPlan] = []
        var loop: CaptureLoop<InsideWork>?
        /// Why there is no thread.
        var failure: String?
        var limits: [String: SegmentSizeLimits] = [:]
        var facts: [String: InsideFacts] = [:]
        var onPathChange: (@Sendable (String) -> Void)?
    }

    private let state = Mutex(State())
    private let seed: UInt64
    private let events: AsyncStream<InsideWork.Event>.Continuation

    /// Makes a capture of nothing yet.
    ///
    /// - Parameters:
    ///   - seed: a secret random number, against hash flooding.
    ///   - logger: told what becomes of devices.
    init(seed: UInt64, logger: Logger) {
        self.seed = seed
        // Whoever reads the log may be slow, and must not stop a capture.
        let (stream, events) = AsyncStream<InsideWork.Event>.makeStream(
            bufferingPolicy: .bufferingNewest(100))
        self.events = events
        Task {
            for await event in stream { Self.write(event, to: logger) }
        }
    }

    deinit { events.finish() }

    /// Has `body` called when a router says something new of a tunnel's path; on the capture's thread,
    /// must not block.
    func onPathChange(_ body: @escaping @Sendable (String) -> Void) {
        state.withLock { $0.onPathChange = body }
    }

    /// Captures the inside of these tunnels, and of no others.
    func watch(_ plans: [TunnelPlan]) {
        state.withLock { state in
            state.plans = plans
            let names = Set(plans.map(\.name))
            state.limits = state.limits.filter { names.contains($0.key) }
            state.facts = state.facts.filter { names.contains($0.key) }
            let plan = InsidePlan(for: plans)
            guard plan != state.plan || state.loop == nil else { return }
            state.plan = plan
            guard !plan.tunnels.isEmpty else {
                state.loop?.post { $0.finish() }
                state.loop = nil
                return
            }
            if state.loop == nil { start(&state) }
            let (limits, facts) = (state.limits, state.facts)
            state.loop?.post {
                $0.adopt(plan)
                $0.note(facts, at: MonotonicClock.now())
                $0.note(limits)
            }
        }
    }

    private func start(_ state: inout State) {
        let seed = seed
        do throws(SocketError) {
            state.loop = try CaptureLoop<InsideWork>(
                name: "inside", make: { InsideWork(seed: seed, poll: $0) },
                events: { [weak self] in self?.take($0) })
            state.failure = nil
        } catch {
            state.failure = "the capture cannot start: \(error)"
        }
    }

    private func take(_ event: InsideWork.Event) {
        if case .pathChanged(let tunnel) = event {
            state.withLock { $0.onPathChange }?(tunnel)
        }
        events.yield(event)
    }

    /// Takes what the kernel of each namespace says.
    func take(_ readings: [String?: AssociationReading]) {
        state.withLock { state in
            for (namespace, reading) in readings where reading.snapshot.associations.value != nil {
                let plans = state.plans.filter { $0.configuration.netns == namespace }
                let facts = InsideFacts.facts(of: plans, in: reading.snapshot)
                state.facts.merge(facts) { $1 }
                state.loop?.post { $0.note(facts, at: reading.at) }
            }
        }
    }

    /// Says above which segment sizes a tunnel's SYNs are too large.
    func note(_ limits: SegmentSizeLimits, of tunnel: String) {
        state.withLock { state in
            guard state.limits[tunnel] != limits else { return }
            state.limits[tunnel] = limits
            state.loop?.post { $0.note([tunnel: limits]) }
        }
    }

    /// The headers of the last minute, by device, with the thread that recorded them; empty when
    /// there is none.
    func rings() async -> (thread: ObjectIdentifier?, [CapturePlace: DeviceRings]) {
        guard let loop = state.withLock({ $0.loop }) else { return (nil, [:]) }
        return (ObjectIdentifier(loop), await loop.ask { $0.recordedHeaders() } ?? [:])
    }

    /// The plan of a tunnel's inside; nil for a tunnel that is not watched.
    func plan(of tunnel: String) -> InsidePlan.Tunnel? {
        state.withLock { $0.plan.tunnels.first { $0.name == tunnel } }
    }

    /// What is known now, by tunnel.
    func report() async -> [String: InsideReport] {
        let (loop, failure, plans) = state.withLock { ($0.loop, $0.failure, $0.plans) }
        guard let loop else {
            return Dictionary(
                plans.map {
                    ($0.name, InsideReport(unknown: failure ?? "the capture is starting"))
                },
                uniquingKeysWith: { first, _ in first })
        }
        return await loop.snapshot { $0.snapshot() }.reports
    }

    private static func write(_ event: InsideWork.Event, to logger: Logger) {
        switch event {
        case .capturing(let place):
            logger.info("echo messages and SYNs are captured on \(place)")
        case .interrupted(_, let reason, let isPassing):
            // The capture of ESP says the same of the WAN; of a tunnel's device nobody else does.
            logger.log(
                level: isPassing ? .info : .warning,
                "\(reason)\(isPassing ? "; it is tried again" : "")")
        case .pathChanged(let tunnel):
            logger.notice("tunnel \(tunnel): a router says that its packets do not fit")
        }
    }
}
