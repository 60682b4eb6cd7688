import HostFacts
import NetworkPrimitives

/// What a capture of a tunnel's ESP misses: what `capture-incomplete` rests on.
struct CaptureGap: Equatable, Sendable {
    /// One sentence: what is wrong.
    var summary: String
    /// What was seen, a sentence each.
    var evidence: [String]
    /// What lets the capture see all packets, a step each.
    var remedy: [String]

    /// What this host says about ESP offloads.
    struct Offload: Equatable, Sendable {
        /// The module for the tunnel's outer family, like `esp4_offload`.
        var module: String
        /// Whether it is loaded.
        var isLoaded: Bool

        /// Looks at the kernel's modules.
        init(family: IPAddress.Family) {
            let module = family == .v4 ? "esp4_offload" : "esp6_offload"
            self.init(module: module, isLoaded: SmallFile.exists("/sys/module/\(module)"))
        }

        init(module: String, isLoaded: Bool) {
            self.module = module
            self.isLoaded = isLoaded
        }
    }

    /// That the capture does not see all packets; nil when nothing speaks for it.
    ///
    /// - Parameters:
    ///   - capture: what is captured of the tunnel.
    ///   - device: the device it is captured on.
    ///   - remote: the tunnel's far end.
    ///   - offload: what may keep packets from the capture.
    init?(
        of capture: TunnelCapture, on device: String, remote: IPAddress, offload: Offload
    ) {
        guard case .incomplete(let interval) = capture.completeness else {
            guard capture.recentDrops > 0 else { return nil }
            summary = "The capture loses packets: figures are bounds."
            evidence = [
                "the capture on \(device) lost \(capture.recentDrops) packets in the last minute"
            ]
            remedy = [Self.largerBuffer]
            return
        }
        evidence = [Self.comparison(interval)]
        remedy = []
        summary = "The capture does not see all packets of this tunnel: its figures are bounds."
        if interval.drops > 0 {
            evidence.append("the capture on \(device) lost \(interval.drops) packets meanwhile")
            remedy.append(Self.largerBuffer)
        }
        if interval.captured == 0 {
            summary = "The capture sees none of the packets that the kernel takes in."
            evidence.append(
                offload.isLoaded
                    ? "module \(offload.module) is loaded: with GRO it takes inbound ESP before any "
                        + "capture sees it"
                    : "module \(offload.module) is not loaded")
            remedy += Self.unseen(on: device, remote: remote, offload: offload)
        } else if interval.kernel > interval.captured, offload.isLoaded {
            evidence.append(
                "module \(offload.module) is loaded: with GRO it may take inbound ESP before any "
                    + "capture sees it")
            remedy += Self.unseen(on: device, remote: remote, offload: offload)
        } else if interval.captured > interval.kernel {
            summary = "The kernel counts fewer packets of this tunnel than the capture sees."
            remedy.append(
                "nft list ruleset; cat /proc/net/xfrm_stat"
                    + "  # what drops packets between \(device) and the SA: a filter, or XFRM itself"
            )
        }
        if remedy.isEmpty { remedy = Self.elsewhere(than: device, remote) }
    }

    private static let largerBuffer =
        "set capture_buffer = \"16MiB\" or more in agent.conf, then systemctl reload tunnel-probe"

    private static func comparison(_ interval: CompletenessCheck.Interval) -> String {
        let share =
            interval.captured == 0
            ? "" : ", a difference of \(FigureText.percent(interval.deviation))"
        return "in \(FigureText.duration(interval.length)) the capture saw \(interval.captured) "
            + "packets and the kernel's inbound SAs counted \(interval.kernel)\(share)"
    }

    private static func unseen(
        on device: String, remote: IPAddress, offload: Offload
    ) -> [String] {
        guard offload.isLoaded else { return elsewhere(than: device, remote) }
        return [
            "rmmod \(offload.module)  # captures see ESP again; keep it out with "
                + "echo 'install \(offload.module) /bin/false' > /etc/modprobe.d/\(offload.module).conf",
            "or ethtool -K \(device) gro off  # on the device that the packets arrive at, below a "
                + "VLAN or bond; costs throughput of everything else",
        ]
    }

    private static func elsewhere(than device: String, _ remote: IPAddress) -> [String] {
        [
            "tcpdump -ni any 'host \(remote) and (esp or udp port 4500)'"
                + "  # shows which device ESP arrives at; if not \(device), set wan_interface to it",
            "ethtool -k \(device) | grep -e generic-receive -e esp"
                + "  # an offload that takes ESP before captures do: ethtool -K \(device) gro off",
        ]
    }
}
