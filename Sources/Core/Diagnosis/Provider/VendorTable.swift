/// What equipment that ends tunnels calls the settings which this provider needs.
///
/// A page of the provider's guides is named by its file, like `guide palo-alto`.
public enum VendorTable {
    /// What is to be set.
    public enum Topic: String, CaseIterable, Sendable {
        /// The anti-replay check is off.
        case antiReplayOff
        /// The MSS of TCP in the tunnel is clamped.
        case mssClamp
        /// Which health checks this equipment answers.
        case healthCheckStyle
        /// A dead peer makes it negotiate anew.
        case deadPeerRestart
        /// Stateful inspection lets Echo Replies pass that nobody asked for.
        case statefulICMP
    }

    /// What one vendor has for a topic.
    public enum Setting: Hashable, Sendable {
        /// A setting, as it is written or found, and the page that has it.
        case set(String, source: String)
        /// It cannot be set, by that page.
        case cannot(source: String)

        /// The page.
        public var source: String {
            switch self {
            case .set(_, let source), .cannot(let source): source
            }
        }
    }

    /// One vendor's equipment.
    public struct Vendor: Equatable, Sendable {
        /// Its name.
        public var name: String
        /// Whether it is software that ends tunnels on this host, with remedies of its own in findings.
        public var isLinux: Bool
        /// What is known of it.
        public var settings: [Topic: Setting]

        init(_ name: String, isLinux: Bool = false, _ settings: [Topic: Setting]) {
            self.name = name
            self.isLinux = isLinux
            self.settings = settings
        }
    }

    /// When the pages were read.
    public static let readOn = ProviderFacts.readOn

    /// What stands in for a setting that a vendor lacks; nil where nothing does.
    static func substitute(for topic: Topic) -> String? {
        switch topic {
        case .antiReplayOff: ProviderFacts.senderSideReplayProtection.value
        case .statefulICMP: "set the provider's health check type to Request"
        case .mssClamp, .healthCheckStyle, .deadPeerRestart: nil
        }
    }

    /// One step for each vendor of which something is known, those that cannot set it together last.
    ///
    /// - Parameters:
    ///   - topic: what is to be set.
    ///   - withLinux: whether what runs on this host is wanted too.
    /// - Returns: lines like `Palo Alto: set network tunnel …`.
    public static func remedies(_ topic: Topic, withLinux: Bool = false) -> [String] {
        var lines: [String] = []
        var unable: [String] = []
        for vendor in vendors where withLinux || !vendor.isLinux {
            switch vendor.settings[topic] {
            case .set(let text, _): lines.append("\(vendor.name): \(text)")
            case .cannot: unable.append(vendor.name)
            case nil: break
            }
        }
        if !unable.isEmpty {
            var line = "\(unable.joined(separator: ", ")): cannot"
            if let substitute = substitute(for: topic) { line += "; \(substitute)" }
            lines.append(line)
        }
        return lines
    }

    /// The same as one step, for a finding whose tunnel may be ended by equipment of any kind.
    public static func remedy(_ topic: Topic) -> String? {
        let lines = remedies(topic)
        return lines.isEmpty ? nil : "on other equipment: " + lines.joined(separator: " | ")
    }
}
