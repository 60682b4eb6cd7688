import ESPAnalysis
import NetworkPrimitives

/// A tunnel's ESP on the wire for people: a line for each direction.
struct CaptureText {
    var capture: TunnelCapture

    /// The lines, without indentation; one that says why where nothing is captured.
    var lines: [(name: String, text: String)] {
        guard capture.isKnown else {
            return [("ESP", "not captured: \(capture.reason ?? "not known")")]
        }
        var lines = TrafficDirection.allCases.map { direction in
            ("ESP \(direction == .inbound ? "in" : "out")", sentence(direction))
        }
        if let reason = capture.reason { lines.append(("ESP", "no longer captured: \(reason)")) }
        return lines
    }

    private func sentence(_ direction: TrafficDirection) -> String {
        let streams = capture.streams.filter { $0.direction == direction }
        let traffic = capture.traffic[direction]
        guard let principal = capture.principal(direction) else {
            return traffic.packets == 0
                ? "no packet was seen"
                : "\(FigureText.count(traffic.packets, "packet")), none in the last two minutes"
        }
        var parts = [FigureText.count(traffic.packets, "packet")]
        if streams.count > 1 { parts[0] += " (\(streams.count) SAs now)" }
        parts.append(senders(principal.report))
        if let loss = principal.report.lostPackets, loss > 0 {
            parts.append("\(loss) lost on the way")
        }
        // The window is the receiver's, and this host's kernel knows only its own.
        if direction == .inbound, let forecast = worstForecast(principal.report) {
            parts.append(forecast)
        }
        return parts.joined(separator: ", ")
    }

    private func senders(_ report: StreamReport) -> String {
        guard let estimate = report.senders.estimate else {
            return "at least \(FigureText.count(report.senders.atLeast, "sender"))"
        }
        let text = FigureText.count(estimate, "sender")
        return estimate == report.senders.atLeast || report.senders.atLeast <= 1
            ? text : "\(text) (\(report.senders.atLeast) proven)"
    }

    /// What the kernel's own window would drop, or else the predicted window that drops most.
    private func worstForecast(_ report: StreamReport) -> String? {
        if let window = capture.kernelWindow, window > 0,
            let forecast = report.windows.first(where: { $0.window == window })
        {
            return "this host's window of \(window) drops \(FigureText.percent(forecast.ratio))"
        }
        guard let worst = report.windows.max(by: { $0.ratio < $1.ratio }), worst.ratio > 0 else {
            return report.windows.isEmpty ? nil : "no anti-replay window would have dropped any"
        }
        let off = capture.kernelWindow == 0 ? " (anti-replay is off here)" : ""
        return "an anti-replay window of \(worst.window) would drop "
            + "\(FigureText.percent(worst.ratio))\(off)"
    }
}
