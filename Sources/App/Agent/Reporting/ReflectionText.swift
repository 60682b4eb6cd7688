import KernelState
import NetworkPrimitives
import Reflecting

/// What a reflector told, for people: a sentence for each direction.
struct ReflectionText {
    private let reflection: TunnelReflection
    private let layout: TextLayout

    init(_ reflection: TunnelReflection, layout: TextLayout) {
        (self.reflection, self.layout) = (reflection, layout)
    }

    /// The lines, indented by two; none without a reflector, one where nothing was measured.
    var lines: [String] {
        guard let place = reflection.place else { return [] }
        let report = reflection.report
        guard report.endedAt != nil, report.observed != nil else {
            return layout.entry("far end", "", .plain, report.reason ?? "not measured yet")
        }
        let port = place.port == ReflectorDaemon.defaultPort ? "" : " port \(place.port)"
        let address = place.address.map { "\($0)" } ?? "not known"
        let way = (place.path.value?.rawValue).map { ", \($0)" } ?? ""
        var caption = "  reflector \(address)\(port)\(way)"
        if report.isTranslated == true, let observed = report.observed {
            caption += ", which sees this host as \(observed.address)"
        }
        return [layout.palette.paint(caption, .faint)] + line("to it", report.forward)
            + line("from it", report.reverse)
    }

    private func line(_ name: String, _ direction: ReflectionReport.Direction) -> [String] {
        let (word, style): (String, TextStyle) =
            switch direction.verdict {
            case .open: ("open:", .good)
            case .blocked: ("BLOCKED:", .bad)
            case .inconclusive: ("unclear:", .doubtful)
            }
        return layout.entry(name, word, style, direction.sentence)
    }
}

extension ReflectionReport.Direction {
    /// The numbers, and what is to be said beside them.
    var sentence: String {
        guard verdict == .open else { return reason ?? "not known" }
        let parts = [
            replies.text.map { "\($0) Echo Replies" }, requests.text.map { "\($0) Echo Requests" },
        ].compactMap { $0 }.joined(separator: " and ")
        return "\(parts) arrived"
    }
}

extension ReflectionReport.Delivery {
    /// `10 of 10`, or what of it is known.
    fileprivate var text: String? {
        guard let received else { return nil }
        return sent.map { "\(received) of \($0)" } ?? "\(received)"
    }
}
