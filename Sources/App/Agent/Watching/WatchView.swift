public import NetworkPrimitives

/// The live view of `probe watch`: takes the agent's status again and again, and draws it.
public struct WatchView: Sendable {
    /// What a key does.
    public enum Key: Sendable {
        /// Selects the next tunnel.
        case next
        /// Selects the one before.
        case previous
        /// Stops and goes on.
        case pause
    }

    /// Why a status cannot be shown.
    public enum Fault: Error, Equatable, Sendable {
        /// It is no status document.
        case unreadable(String)
        /// The tunnel that is to be watched is not there; `known` are those there are.
        case unknownTunnel(String, known: [String])
    }

    private let wanted: String?
    private var tunnels: [WatchedTunnel] = []
    private var hostname = ""
    private var generatedAt = ""
    private var verdict = "unknown"
    private var selected = 0
    private var complaint: String?
    /// Whether the view stands still.
    public private(set) var isPaused = false

    /// Makes a view of one tunnel, or of all.
    public init(tunnel: String?) { wanted = tunnel }

    /// Takes a status document.
    ///
    /// - Parameters:
    ///   - document: `tunnelprobe.status/1`.
    ///   - now: when it came, for rates.
    /// - Throws: `Fault`; what was known before stays.
    public mutating func take(_ document: [UInt8], at now: MonotonicInstant) throws(Fault) {
        let status: JSONValue
        do throws(JSONError) {
            status = try document.withRawSpan { (text) throws(JSONError) in
                try JSONValue(parsing: text)
            }
        } catch {
            throw .unreadable("the agent's status is no JSON: \(error)")
        }
        guard let entries = status["tunnels"]?.elements else {
            throw .unreadable("the agent's answer is no status document")
        }
        let names = entries.compactMap { $0["name"]?.text }
        if let wanted, !names.contains(wanted) { throw .unknownTunnel(wanted, known: names) }
        complaint = nil
        hostname = status["agent"]?["hostname"]?.text ?? ""
        generatedAt = status["generated_at"]?.text ?? ""
        verdict = status["verdict"]?.text ?? "unknown"
        let seconds = Double(now.nanoseconds) / 1e9
        tunnels = entries.compactMap { entry in
            guard let name = entry["name"]?.text, wanted == nil || wanted == name else {
                return nil
            }
            var tunnel = tunnels.first { $0.name == name } ?? WatchedTunnel(name: name)
            tunnel.take(entry, at: seconds)
            return tunnel
        }
        selected = min(selected, max(0, tunnels.count - 1))
    }

    /// Says that the agent did not answer; what was known before stays in sight.
    public mutating func note(failure: String) { complaint = failure }

    /// Takes a key.
    public mutating func press(_ key: Key) {
        switch key {
        case .next: selected = tunnels.isEmpty ? 0 : (selected + 1) % tunnels.count
        case .previous:
            selected = tunnels.isEmpty ? 0 : (selected + tunnels.count - 1) % tunnels.count
        case .pause: isPaused.toggle()
        }
    }

    /// The view as a screen.
    ///
    /// - Parameters:
    ///   - columns: of the terminal.
    ///   - rows: of the terminal.
    ///   - format: colours and block elements.
    /// - Returns: at most `rows` lines, none wider than `columns`.
    public func screen(columns: Int, rows: Int, format: ReportFormat) -> [String] {
        let palette = TextPalette(isColored: format.isColored)
        let width = max(columns, 40)
        var lines = [headline(width)]
        if let complaint { lines.append(.init(complaint, .bad)) }
        lines.append(.init(""))
        let detail = tunnels.indices.contains(selected) ? details(tunnels[selected], width) : []
        let room = max(1, (rows - lines.count - detail.count - 1) / 3)
        let first = min(max(0, selected - room / 2), max(0, tunnels.count - room))
        for index in tunnels.indices.dropFirst(first).prefix(room) {
            lines += block(tunnels[index], index == selected, width, format.hasBlocks)
        }
        if tunnels.isEmpty {
            lines.append(
                .init("no tunnel is configured or known: probe discover looks for some", .doubtful))
        }
        if !detail.isEmpty { lines += [.init("")] + detail }
        return lines.prefix(max(rows, 1)).map { Self.cut($0, width).painted(palette) }
    }

    /// A line a tunnel, for output that is no terminal.
    public func lines() -> [String] {
        tunnels.map { tunnel in
            var parts = [String(generatedAt.prefix(19)) + "Z", tunnel.name, tunnel.verdict]
            for (name, strip) in [("inside", tunnel.inside), ("outside", tunnel.outside)] {
                parts.append("\(name)=\(Self.milliseconds(strip.lastSeconds))")
                parts.append("\(name)_lost=\(strip.lossRatio.map(FigureText.percent) ?? "-")")
            }
            if let finding = tunnel.findings.first { parts.append("finding=\(finding.id)") }
            return parts.joined(separator: "  ")
        } + (complaint.map { [$0] } ?? [])
    }

    // MARK: - Lines

    private func headline(_ width: Int) -> TextTable.Cell {
        var line = TextTable.Cell(parts: [("tunnel-probe ", .strong), (hostname, .plain)])
        line.append("  \(generatedAt.dropFirst(11).prefix(8))Z  ", .faint)
        line.append(verdict.uppercased(), Self.style(verdict))
        if isPaused { line.append("  paused", .doubtful) }
        let keys = tunnels.count > 1 ? "n/p tunnel  space pause  q quit" : "space pause  q quit"
        let gap = width - line.count - keys.count
        if gap >= 2 { line.append(String(repeating: " ", count: gap) + keys, .faint) }
        return line
    }

    private func block(
        _ tunnel: WatchedTunnel, _ isSelected: Bool, _ width: Int, _ hasBlocks: Bool
    ) -> [TextTable.Cell] {
        var head = TextTable.Cell(isSelected && tunnels.count > 1 ? "> " : "  ", .strong)
        head.append(tunnel.name, .strong)
        head.append("  ", .plain)
        head.append(tunnel.verdict.uppercased(), Self.style(tunnel.verdict))
        if tunnel.isFlapping { head.append("  flapping", .doubtful) }
        if let finding = tunnel.findings.first(where: { $0.severity != "info" }) {
            head.append("  \(finding.id)", finding.severity == "critical" ? .bad : .doubtful)
        }
        head.append("  \(tunnel.place)", .faint)
        return [
            head, row("inside", tunnel.inside, width, hasBlocks),
            row("outside", tunnel.outside, width, hasBlocks),
        ]
    }

    private func row(
        _ name: String, _ strip: WatchStrip, _ width: Int, _ hasBlocks: Bool
    ) -> TextTable.Cell {
        func padded(_ text: String, _ count: Int) -> String {
            String(repeating: " ", count: max(0, count - text.count)) + text
        }
        var line = TextTable.Cell("    \(name)", .faint)
        line.append(String(repeating: " ", count: 9 - name.count), .plain)
        line.append(padded(Self.milliseconds(strip.lastSeconds), 9), .plain)
        let loss = strip.lossRatio
        line.append(
            padded(loss.map(FigureText.percent) ?? "-", 9) + " lost  ",
            (loss ?? 0) > 0 ? .bad : .plain)
        line.parts += strip.parts(width: width - line.count, hasBlocks: hasBlocks)
        return line
    }

    private func details(_ tunnel: WatchedTunnel, _ width: Int) -> [TextTable.Cell] {
        var lines: [TextTable.Cell] = []
        var wire: [String] = []
        if let rates = tunnel.espRates {
            wire.append(
                "in \(FigureText.rate(rates.inbound)), out \(FigureText.rate(rates.outbound))")
        }
        if let senders = tunnel.senders { wire.append(FigureText.count(senders, "sender")) }
        if let window = tunnel.replayWindow { wire.append("replay window \(window)") }
        if !wire.isEmpty {
            lines.append(Self.entry("esp", wire.joined(separator: ", "), .plain))
        }
        if let checks = tunnel.checks { lines.append(Self.entry("checks", checks, .plain)) }
        if let since = tunnel.stateSince {
            lines.append(
                Self.entry(
                    "state", "\(tunnel.state) since \(since.prefix(19))Z", .plain))
        }
        if let reason = tunnel.stateReason { lines.append(Self.entry("", reason, .faint)) }
        let urgent = tunnel.findings.filter { $0.severity != "info" }
        for (index, finding) in urgent.prefix(3).enumerated() {
            lines.append(
                Self.entry(
                    index == 0 ? "fix first" : "also", "\(finding.id): \(finding.summary)",
                    finding.severity == "critical" ? .bad : .doubtful))
            guard index == 0 else { continue }
            for step in finding.remedy.prefix(2) { lines.append(Self.entry("do", step, .plain)) }
            if !finding.explains.isEmpty {
                lines.append(
                    Self.entry("explains", finding.explains.joined(separator: ", "), .faint))
            }
        }
        if let reason = tunnel.unexplained {
            lines.append(Self.entry("cause", reason, .doubtful))
        }
        return lines
    }

    private static func entry(
        _ name: String, _ text: String, _ style: TextStyle
    ) -> TextTable.Cell {
        let gap = String(repeating: " ", count: max(1, 11 - name.count))
        return TextTable.Cell(parts: [("  ", .plain), (name, .faint), (gap, .plain), (text, style)])
    }

    private static func cut(_ line: TextTable.Cell, _ width: Int) -> TextTable.Cell {
        var left = width
        return TextTable.Cell(
            parts: line.parts.compactMap { text, style in
                guard left > 0 else { return nil }
                let piece = String(text.prefix(left))
                left -= piece.count
                return (piece, style)
            })
    }

    private static func style(_ verdict: String) -> TextStyle {
        switch verdict {
        case "healthy": .good
        case "degraded", "unknown": .doubtful
        default: .bad
        }
    }

    private static func milliseconds(_ seconds: Double?) -> String {
        seconds.map { "\(FigureText.fixed($0 * 1000, $0 < 0.01 ? 2 : 1)) ms" } ?? "-"
    }
}

extension TextTable.Cell {
    /// The cell in its colours.
    fileprivate func painted(_ palette: TextPalette) -> String {
        TextBlock(lines: [self]).lines(palette)[0]
    }
}
