import CaptureFormats
import FlightRecording
import IKE
import NetworkPrimitives
import PacketCapture
import PacketFormats
import RawSockets

/// The IKE of a capture thread's device, and the echoes between the tunnels' ends: few packets, but whole ones, so they come over a second handle
/// whose ring is small and whose filter leaves ESP out.
///
/// What is known outlives the device; without the handle, ESP is captured all the same.
struct IKERecorder {
    /// The most packets between two looks at the ESP.
    private static let dispatchLimit = 256
    /// Key exchanges fit into this, those of ML-KEM (RFC 9370) too once they are fragmented.
    private static let snapshotLength = 2048
    /// Echoes are only recorded: the probes of the outside path, and what answers them.
    private static let traffic: Set<CaptureFilter.Traffic> = [.ike, .echo]

    /// An open handle.
    private final class Handle {
        var live: LiveCapture
        let link: LinkKind

        init(_ plan: CapturePlan) throws(CaptureError) {
            var settings = plan.settings
            settings.snapshotLength = IKERecorder.snapshotLength
            settings.bufferSize = LiveCapture.Settings.minimumBufferSize
            var filter = plan.filter
            filter.traffic = IKERecorder.traffic
            live = try LiveCapture(
                plan.place.device, in: plan.place.namespace, settings: settings, filter: filter)
            link = LinkKind(linkType: live.linkType.rawValue)
        }
    }

    /// Why IKE is not captured now; nil when it is.
    private(set) var reason: String? = "the capture is starting"

    private let decoder = FrameDecoder()
    private var tracker: IKEExchangeTracker
    private var remotes: Set<IPAddress>
    private var filter: CaptureFilter
    private var handle: Handle?
    private var latest = MonotonicInstant(nanoseconds: .min)

    /// Records nothing yet.
    init(_ plan: CapturePlan) {
        tracker = IKEExchangeTracker(settings: Self.settings(of: plan))
        remotes = plan.tunnels.remotes
        filter = plan.filter
    }

    private static func settings(of plan: CapturePlan) -> IKEExchangeTracker.Settings {
        let remotes = plan.tunnels.remotes
        return IKEExchangeTracker.Settings(
            pairs: max(64, 2 * remotes.count), associations: max(256, 8 * remotes.count),
            locals: plan.tunnels.locals, remotes: remotes)
    }

    /// Opens the handle; what goes wrong is in `reason`.
    mutating func open(_ plan: CapturePlan, _ poll: EventPoll) {
        filter = plan.filter
        do throws(CaptureError) {
            let opened = try Handle(plan)
            do throws(SocketError) {
                try poll.add(opened.live.descriptor, key: 1)
            } catch {
                reason = "IKE is not captured: \(error)"
                return
            }
            handle = opened
            reason = nil
        } catch {
            reason = "IKE is not captured: \(error)"
        }
    }

    /// Closes the handle.
    mutating func close(_ poll: EventPoll) {
        guard let open = handle else { return }
        do throws(SocketError) {
            try poll.remove(open.live.descriptor)
        } catch {
            // Closing takes it out as well.
        }
        handle = nil
        reason = "the device is not open"
    }

    /// Follows another plan for the same device.
    mutating func adopt(_ plan: CapturePlan) {
        tracker.adopt(Self.settings(of: plan))
        remotes = plan.tunnels.remotes
        guard let handle, plan.filter != filter else { return }
        filter = plan.filter
        var wanted = plan.filter
        wanted.traffic = Self.traffic
        do throws(CaptureError) {
            try handle.live.setFilter(wanted)
        } catch {
            reason = "IKE of new tunnels is not captured: \(error)"
        }
    }

    /// Takes in what waits, up to a limit.
    mutating func drain(
        _ stamps: StampConversion, at now: MonotonicInstant, recording rings: inout DeviceRings
    ) {
        guard let handle else { return }
        let link = handle.link
        do throws(CaptureError) {
            _ = try handle.live.dispatch(limit: Self.dispatchLimit) { frame, stamp, length in
                receive(
                    frame, link: link, wireLength: length, arrival: stamps.convert(stamp) ?? now,
                    recording: &rings)
            }
        } catch {
            // The handle of the ESP meets the same, and opens both anew.
            reason = "IKE is not captured: \(error)"
        }
    }

    /// Takes in a frame.
    mutating func receive(
        _ frame: RawSpan, link: LinkKind, wireLength: Int, arrival: MonotonicInstant,
        recording rings: inout DeviceRings
    ) {
        latest = max(latest, arrival)
        let decoded = decoder.decode(frame, linkType: link, wireLength: wireLength)
        switch decoded {
        case .ike(let datagram):
            guard isWanted(datagram.ip) else { return }
            tracker.receive(datagram, in: frame, at: latest)
        case .natKeepalive(let header, _):
            guard isWanted(header) else { return }
            tracker.receiveKeepalive(header, at: latest)
        case .icmp(let header, _):
            guard isWanted(header) else { return }
        case .esp, .tcp, .laterFragment, .other, .unreadable: return
        }
        rings.receive(decoded, frame, wireLength: wireLength, at: latest)
    }

    private func isWanted(_ header: IPHeader) -> Bool {
        remotes.contains(header.source) || remotes.contains(header.destination)
    }

    /// What is known of each tunnel's IKE.
    mutating func reports(
        of tunnels: KnownTunnels, at now: MonotonicInstant
    ) -> [String: IKEWireReport] {
        var reports: [String: IKEWireReport] = [:]
        for (name, local, remote) in tunnels.places {
            reports[name] = tracker.report(local: local, remote: remote, at: max(now, latest))
        }
        return reports
    }
}
