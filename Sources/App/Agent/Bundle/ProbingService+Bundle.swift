import Configuration
import FlightRecording
import HostFacts
public import NetworkPrimitives
import RawSockets
import Synchronization

extension ProbingService {
    /// Collects what a support ticket asks for: a fresh diagnosis, the configuration, the kernel's
    /// state and recordings, in one compressed archive without secrets.
    ///
    /// - Parameters:
    ///   - order: what is wanted.
    ///   - metrics: what the agent exports, as Prometheus reads it; nil where no agent does.
    ///   - progress: called a few times a second.
    /// - Returns: the octets of a `.tar.gz`.
    /// - Throws: `Refusal` for a name that no tunnel has.
    public func bundle(
        _ order: BundleOrder, metrics: [UInt8]? = nil, progress: @Sendable (Progress) -> Void
    ) async throws(Refusal) -> [UInt8] {
        let configuration = knowledge.withLock { $0.configuration }
        var contents = BundleContents(limit: order.limit)
        contents.add("README.txt", "what this is", Array(BundleText.readme.utf8))
        contents.add(
            "config/agent.conf",
            "the configuration in force, written from its values; key files are named, not read",
            Array(configuration.text.utf8))
        var plans: [TunnelPlan] = []
        if order.probes {
            let report = try await examine(order.selection, limit: .seconds(15)) {
                progress(Progress(share: $0.share * 0.7, text: $0.text))
            }
            plans = report.tunnels.map(\.plan)
            Self.add(report, "now", "a fresh diagnosis", to: &contents)
        } else {
            contents.leaveOut("status/now.json", "this process may send no probes")
            plans = try await select(order.selection, until: MonotonicClock.now() + .seconds(5))
        }
        // Of the tunnels that were asked for, and of no other.
        let names: [String]? = if case .named(let names) = order.selection { names } else { nil }
        if watcher.withLock({ $0 != nil }) {
            progress(Progress(share: 0.7, text: "asking the agent"))
            var report = await status()
            if let names { report.tunnels.removeAll { !names.contains($0.plan.name) } }
            Self.add(report, "agent", "what the running agent knows", to: &contents)
        }
        if let metrics {
            contents.add("status/metrics.txt", "counters and gauges of the agent", metrics)
        }
        progress(Progress(share: 0.72, text: "reading the history"))
        contents = await addHistory(
            contents, configuration, of: names ?? [], since: order.since)
        progress(Progress(share: 0.75, text: "reading the kernel's state"))
        let time = WallClock.now()
        contents = await Self.collectHost(
            contents, plans, configuration, since: order.since, at: time)
        progress(Progress(share: 0.95, text: "looking for secrets"))
        contents.refuse(BundleSecrets.scan(of: configuration))
        let host = Host.name ?? "host"
        return contents.packed(
            into: BundleText.name(host: host, at: time),
            [
                (key: "created_at", value: .string(time.description)),
                (key: "version", value: .string(Version.current)),
                (key: "hostname", value: .string(host)),
                (key: "since_seconds", value: .integer(order.since.components.seconds)),
                (key: "tunnels", value: .array(plans.map { .string($0.name) })),
            ], at: time)
    }

    /// Adds what the event store keeps, as a document and as a page.
    private func addHistory(
        _ contents: BundleContents, _ configuration: AgentConfiguration, of tunnels: [String],
        since: Duration
    ) async -> BundleContents {
        let isRunning = watcher.withLock { $0 != nil }
        return await offPool { () -> BundleContents in
            var contents = contents
            for (form, purpose) in [
                (
                    HistoryOrder.Form.json,
                    "states, availability, episodes with causes, rekeys, findings"
                ),
                (.html, "the same as a page with charts"),
            ] {
                let path = "history/report.\(form.rawValue)"
                let order = HistoryOrder(
                    since: .ago(since), tunnels: tunnels, form: form,
                    format: ReportFormat(isJSON: form == .json))
                do throws(HistoryOrder.Refusal) {
                    contents.add(
                        path, purpose,
                        try order.document(of: configuration, isAgentRunning: isRunning))
                } catch {
                    contents.leaveOut(path, error.description)
                }
            }
            return contents
        }
    }

    private static func add(
        _ report: StatusReport, _ name: String, _ purpose: String,
        to contents: inout BundleContents
    ) {
        contents.add(
            "status/\(name).json",
            "\(purpose): states, findings, IKE and its daemon, SAs, paths, hop ladders, MTU",
            ReportFormat(isJSON: true, isVerbose: true).render(report))
        contents.add(
            "status/\(name).txt", "\(purpose), for people",
            ReportFormat(isJSON: false, isVerbose: true, columns: 120).render(report))
    }

    /// Reads this host on a thread of its own: programs and files take their time.
    private static func collectHost(
        _ contents: BundleContents, _ plans: [TunnelPlan], _ configuration: AgentConfiguration,
        since: Duration, at time: WallTime
    ) async -> BundleContents {
        // Without a look at the tunnels, what the configuration says of them.
        let known: [(netns: String?, devices: [String?])] =
            plans.isEmpty
            ? configuration.tunnels.map { ($0.netns, [$0.wanInterface, $0.tunnelInterface]) }
            : plans.map { ($0.configuration.netns, [$0.wanInterface, $0.tunnelInterface]) }
        var devices: [String?: Set<String>] = [nil: []]
        for tunnel in known {
            devices[tunnel.netns, default: []].formUnion(tunnel.devices.compactMap { $0 })
        }
        let namespaces = devices.sorted { ($0.key ?? "") < ($1.key ?? "") }.map {
            BundleNamespace(namespace: $0.key, devices: $0.value.sorted())
        }
        let names = Set(plans.map { RecordingName.safe($0.name) })
        @Sendable func collect() -> BundleContents {
            var contents = contents
            contents.add(
                "host/host.json", "kernel, distribution, uptime", BundleHost.facts(at: time))
            for namespace in namespaces { namespace.collect(into: &contents) }
            addRecordings(
                of: names, FlightRecorder.folder(configuration),
                from: time + (.zero - since), to: &contents)
            return contents
        }
        return await withCheckedContinuation { done in
            do throws(SocketError) {
                try PinnedThread.start(name: "bundle") { done.resume(returning: collect()) }
            } catch {
                done.resume(returning: collect())
            }
        }
    }

    /// Adds flight recordings, the newest first: where there is no room, the oldest are missing.
    private static func addRecordings(
        of tunnels: Set<String>, _ folder: StateFolder, from start: WallTime,
        to contents: inout BundleContents
    ) {
        do throws(FileError) {
            let files = try folder.files().filter { $0.modified >= start.nanoseconds }
            for file in files.sorted(by: { ($0.modified, $0.name) > ($1.modified, $1.name) }) {
                guard let tunnel = RecordingName.tunnelPart(of: file.name),
                    tunnels.isEmpty || tunnels.contains(tunnel)
                else { continue }
                let path = "captures/\(file.name)"
                do throws(FileError) {
                    let octets = try folder.read(file.name, limit: contents.limit)
                    contents.add(path, "headers around a change of state", octets)
                } catch {
                    contents.leaveOut(path, error.description)
                }
            }
        } catch {
            contents.leaveOut("captures", error.description)
        }
    }
}

/// Texts of a support bundle.
public enum BundleText {
    /// A bundle's name without the end, like `tunnel-probe-gw1-20261123T034500Z`.
    public static func name(host: String, at time: WallTime) -> String {
        let stamp = time.description.prefix(19).filter { $0 != "-" && $0 != ":" }
        return "tunnel-probe-\(RecordingName.safe(host).prefix(60))-\(stamp)Z"
    }

    static let readme = """
        This archive was made by `probe bundle` for a support ticket. All times are UTC.

        manifest.json   every file with its purpose and SHA-256, and what is missing and why
        status/         verdicts, findings with evidence, IKE, SAs, paths, hop ladders, MTU
        config/         agent.conf, written anew from its values: no comments, no secrets
        host/           kernel, devices, addresses, routes, SAs without keys, policies, packet filter
        history/        states, availability, episodes with causes, findings: a document and a page
        captures/       pcapng: headers around changes to degraded or down, no contents

        No file with a key, a password or a preshared key was collected, and SAs are read from the
        kernel without their keys. Before it was packed, every file was searched for the secrets
        that the configuration leads to and for what looks like one; what was refused is named in
        the manifest. Addresses, names of hosts and devices, and comments of the packet filter
        are in it.

        """
}
