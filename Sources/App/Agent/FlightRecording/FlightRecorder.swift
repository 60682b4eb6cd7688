import Configuration
import FlightRecording
import HostFacts
import Logging
import NetworkPrimitives
import RawSockets
import Synchronization
import TunnelHealth

/// Writes what passed around a tunnel's change to degraded or down into `state_dir/captures`.
///
/// The capture threads only hand over what they hold; files are made and written on a thread of their
/// own. A file that cannot be written costs that file.
final class FlightRecorder: Sendable {
    /// What became of a change of state.
    enum Result: String, CaseIterable, Hashable, Sendable {
        /// It is in a file.
        case written
        /// It should be, and the file could not be written.
        case failed
        /// It is in none: its tunnel was recorded less than a minute ago, too many were at the time,
        /// or nothing of it is captured.
        case skipped
    }

    /// A file that was written.
    struct Saved: Equatable, Sendable {
        var event: RecordedEvent
        var path: String
        var packets: Int
        var byteCount: Int
    }

    private struct State {
        var folder: StateFolder
        var retention: RecordingRetention
        var schedule = RecordingSchedule()
        /// The changes of recordings that go on, by tunnel.
        var events: [String: [RecordedEvent]] = [:]
        var tasks: [String: Task<Void, Never>] = [:]
        var counts: [String: [Result: UInt64]] = [:]
        var isRunning = false
        var onSaved: (@Sendable (Saved) -> Void)?
    }

    private let state: Mutex<State>
    /// One file is written at a time.
    private let writing = Mutex(())
    private let logger: Logger
    private let headers: @Sendable (String) async -> [RecordedDevice]
    private let remote: @Sendable (String) -> IPAddress?
    private let aftermath: Duration

    /// Makes a recorder that does nothing before `start`.
    ///
    /// - Parameters:
    ///   - configuration: where recordings go and how many stay.
    ///   - logger: told of each file.
    ///   - aftermath: how long a recording goes on after its event.
    ///   - remote: the far end of a tunnel.
    ///   - headers: what the capture threads hold of a tunnel.
    init(
        _ configuration: AgentConfiguration, logger: Logger,
        aftermath: Duration = FlightRecordingFile.aftermath,
        remote: @escaping @Sendable (String) -> IPAddress?,
        headers: @escaping @Sendable (String) async -> [RecordedDevice]
    ) {
        state = Mutex(
            State(
                folder: Self.folder(configuration), retention: Self.retention(configuration)))
        self.logger = logger
        self.aftermath = aftermath
        self.remote = remote
        self.headers = headers
    }

    /// Where a configuration has its recordings.
    static func folder(_ configuration: AgentConfiguration) -> StateFolder {
        StateFolder("\(configuration.stateDirectory)/captures")
    }

    /// Half the room that the configuration gives is the captures', the rest the events'.
    private static func retention(_ configuration: AgentConfiguration) -> RecordingRetention {
        RecordingRetention(
            totalSize: configuration.retentionSize.bytes / 2, age: configuration.retention)
    }

    /// Called with every file, on the thread that wrote it; must not block.
    var onSaved: (@Sendable (Saved) -> Void)? {
        get { state.withLock { $0.onSaved } }
        set { state.withLock { $0.onSaved = newValue } }
    }

    /// Begins to record, and deletes what is too old or left of a former process.
    func start() {
        state.withLock { $0.isRunning = true }
        onThread { [self] in writing.withLock { _ in tidy(isFirst: true) } }
    }

    /// Follows another configuration.
    func adopt(_ configuration: AgentConfiguration) {
        state.withLock {
            $0.folder = Self.folder(configuration)
            $0.retention = Self.retention(configuration)
        }
    }

    /// Ends; what is being recorded is lost.
    func stop() {
        let tasks = state.withLock { state in
            state.isRunning = false
            defer { state.tasks = [:] }
            return Array(state.tasks.values)
        }
        for task in tasks { task.cancel() }
    }

    /// How many changes came to what, by tunnel.
    func counts(of tunnel: String) -> [Result: UInt64] {
        state.withLock { $0.counts[tunnel] ?? [:] }
    }

    /// Forgets the counts of tunnels that are no longer watched.
    func watch(_ tunnels: [String]) {
        let names = Set(tunnels)
        state.withLock { state in
            state.counts = state.counts.filter { names.contains($0.key) }
        }
    }

    // MARK: - Recording

    /// Takes a change of a tunnel's state; never waits.
    func note(_ tunnel: String, _ transition: HealthStateMachine.Transition, reason: String?) {
        guard RecordedEvent.isRecorded(transition) else { return }
        let (now, wall) = (MonotonicClock.now(), WallClock.now())
        let event = RecordedEvent(
            tunnel: tunnel, from: transition.from, to: transition.to, at: transition.at,
            wall: wall + (transition.at - now), reason: reason)
        state.withLock { state in
            guard state.isRunning else { return }
            switch state.schedule.decide(tunnel, at: now) {
            case .join: state.events[tunnel, default: []].append(event)
            case .skip: state.counts[tunnel, default: [:]][.skipped, default: 0] += 1
            case .begin:
                state.events[tunnel] = [event]
                state.tasks[tunnel] = Task { [weak self] in await self?.record(event) }
            }
        }
    }

    private func record(_ event: RecordedEvent) async {
        let before = await headers(event.tunnel)
        do {
            try await Task.sleep(for: aftermath)
        } catch {
            return end(event.tunnel, .skipped)
        }
        let after = await headers(event.tunnel)
        let events = state.withLock { state in
            state.schedule.end(event.tunnel)
            return state.events.removeValue(forKey: event.tunnel) ?? [event]
        }
        guard !(before + after).isEmpty else { return end(event.tunnel, .skipped) }
        let file = FlightRecordingFile(
            events: events, remote: remote(event.tunnel), before: before, after: after,
            now: (MonotonicClock.now(), WallClock.now()), hardware: Host.machine,
            operatingSystem: Host.system, application: "tunnel-probe \(Version.current)")
        await withCheckedContinuation { done in
            let isStarted = onThread { [self] in
                end(event.tunnel, write(file))
                done.resume()
            }
            if !isStarted {
                end(event.tunnel, .failed)
                done.resume()
            }
        }
    }

    private func end(_ tunnel: String, _ result: Result) {
        state.withLock { state in
            state.schedule.end(tunnel)
            state.events[tunnel] = nil
            state.tasks[tunnel] = nil
            state.counts[tunnel, default: [:]][result, default: 0] += 1
        }
    }

    // MARK: - Files

    @discardableResult
    private func onThread(_ body: @escaping @Sendable () -> Void) -> Bool {
        do throws(SocketError) {
            try PinnedThread.start(name: "recorder", body)
            return true
        } catch {
            logger.warning("the thread that writes flight recordings cannot start: \(error)")
            return false
        }
    }

    private func write(_ file: FlightRecordingFile) -> Result {
        guard let event = file.events.first else { return .skipped }
        // What a minute comes to is its worst.
        let worst = file.events.contains { $0.to == .down } ? "down" : event.to.rawValue
        let (octets, packets) = file.octets()
        let name = RecordingName(tunnel: event.tunnel, at: event.wall, state: worst).text
        return writing.withLock { _ in
            let folder = state.withLock { $0.folder }
            do throws(FileError) {
                try folder.create()
                try folder.write(octets, to: name, mode: 0o640)
            } catch {
                logger.warning(
                    "tunnel \(event.tunnel): its flight recording is not kept: \(error)")
                return .failed
            }
            let path = "\(folder.path)/\(name)"
            logger.notice(
                "tunnel \(event.tunnel): the headers of \(packets) packets are in \(path)")
            tidy(isFirst: false)
            state.withLock { $0.onSaved }?(
                Saved(event: event, path: path, packets: packets, byteCount: octets.count))
            return .written
        }
    }

    /// Deletes what there is no room for.
    private func tidy(isFirst: Bool) {
        let (folder, retention) = state.withLock { ($0.folder, $0.retention) }
        do throws(FileError) {
            let files = try folder.files()
            for name in retention.excess(
                files.map(RecordingRetention.File.init), at: WallClock.now())
            {
                try folder.remove(name)
            }
            guard isFirst else { return }
            for file in files where file.name.hasSuffix(StateFolder.unfinishedSuffix) {
                try folder.remove(file.name)
            }
        } catch {
            logger.warning("old flight recordings are not deleted: \(error)")
        }
    }
}

extension RecordingRetention.File {
    fileprivate init(_ file: StateFolder.File) {
        self.init(
            name: file.name, size: file.size, modified: WallTime(nanoseconds: file.modified))
    }
}
