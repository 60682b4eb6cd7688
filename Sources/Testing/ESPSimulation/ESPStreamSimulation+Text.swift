extension ESPStreamSimulation: CustomStringConvertible {
    /// The parameters that differ from the default, like `senders=20 loss=0.01 start=aged`.
    public var description: String {
        Self.parameters.compactMap { parameter in
            let value = parameter.get(self)
            return value == parameter.get(Self()) ? nil : "\(parameter.name)=\(value)"
        }.joined(separator: " ")
    }

    /// Reads what `description` writes; nil when a parameter is unknown or not a value of its kind.
    public init?(_ description: some StringProtocol) {
        self.init()
        for word in description.split(separator: " ") {
            guard let equals = word.firstIndex(of: "="),
                let parameter = Self.parameters.first(where: { $0.name == word[..<equals] }),
                parameter.set(&self, String(word[word.index(after: equals)...]))
            else { return nil }
        }
    }

    /// A parameter by its name in text.
    private struct Parameter: Sendable {
        var name: String
        var get: @Sendable (ESPStreamSimulation) -> String
        var set: @Sendable (inout ESPStreamSimulation, String) -> Bool
    }

    private static func parameter<Value: LosslessStringConvertible & SendableMetatype>(
        _ name: String,
        _ path: any WritableKeyPath<ESPStreamSimulation, Value> & Sendable
    ) -> Parameter {
        Parameter(
            name: name,
            get: { String($0[keyPath: path]) },
            set: { simulation, text in
                guard let value = Value(text) else { return false }
                simulation[keyPath: path] = value
                return true
            })
    }

    private static func choice<Value: RawRepresentable<String> & SendableMetatype>(
        _ name: String,
        _ path: any WritableKeyPath<ESPStreamSimulation, Value> & Sendable
    ) -> Parameter {
        Parameter(
            name: name,
            get: { $0[keyPath: path].rawValue },
            set: { simulation, text in
                guard let value = Value(rawValue: text) else { return false }
                simulation[keyPath: path] = value
                return true
            })
    }

    private static let parameters: [Parameter] = [
        parameter("senders", \.senders), parameter("pps", \.packetsPerSecond),
        parameter("duration", \.duration), parameter("zipf", \.zipf), choice("start", \.start),
        parameter("stagger", \.stagger), parameter("tail", \.tail), parameter("loss", \.loss),
        parameter("burst", \.burst), parameter("reorder", \.reorder),
        Parameter(
            name: "reorder-ms",
            get: { "\($0.reorderMilliseconds.lowerBound)-\($0.reorderMilliseconds.upperBound)" },
            set: { simulation, text in
                let ends = text.split(separator: "-").compactMap { Double($0) }
                guard ends.count == 2, ends[0] <= ends[1] else { return false }
                simulation.reorderMilliseconds = ends[0]...ends[1]
                return true
            }),
        parameter("forced", \.isForced), parameter("dup", \.duplication),
        parameter("hops", \.hopLimits), parameter("flips", \.hopLimitFlips),
        choice("ipid", \.identification), choice("iv", \.iv),
        parameter("periodic", \.isPeriodic), parameter("age", \.age),
        parameter("replay", \.replays), parameter("replay-age", \.replayAge),
        parameter("restart", \.restarts), parameter("wrap", \.wraps),
        parameter("min-rate", \.minimumRate), parameter("seed", \.seed),
        Parameter(
            name: "fleet",
            get: { $0.fleet.map { String($0) } ?? "" },
            set: { simulation, text in
                simulation.fleet = UInt64(text)
                return simulation.fleet != nil
            }),
        parameter("generation", \.generation),
    ]
}
