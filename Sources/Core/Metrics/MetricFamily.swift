// Metrics: families of samples as values, and their text forms. Nothing here is global and nothing
// is registered: whoever answers a scrape builds the families from its reports and renders them.

/// All samples of one metric name, with its help text and type.
///
/// Names are checked when the family is made: a wrong one is a mistake in this program, not bad
/// input, and Prometheus would refuse the whole scrape for it.
public struct MetricFamily: Sendable {
    /// What a metric family measures.
    public enum Kind: Hashable, Sendable {
        /// A count that only grows while the process lives.
        case counter
        /// A value that may go up and down. State sets are gauges too.
        case gauge
        /// Counts of observations by upper bound.
        case histogram
    }

    /// The name that samples and dashboards use; a counter's ends in `_total`.
    public let name: String

    /// One sentence for people, in any characters.
    public let help: String

    /// What the family measures.
    public let kind: Kind

    /// The samples in output order; no two with equal labels.
    public let samples: [MetricSample]

    /// Makes a family of numbers or of histograms.
    ///
    /// - Precondition: `name` matches `[a-zA-Z_:][a-zA-Z0-9_:]*`; a counter's name ends in `_total`
    ///   and no other's does; samples are histograms exactly when `kind` is `.histogram`; no two
    ///   samples have the same labels, in whatever order; a counter's value is not negative; a
    ///   histogram has no label `le`.
    public init(name: String, help: String, kind: Kind, samples: [MetricSample]) {
        precondition(isMetricName(name), "'\(name)' is not a metric name")
        precondition(
            name.hasSuffix("_total") == (kind == .counter),
            "'\(name)': counters, and only they, are named …_total")
        // Only where mistakes are looked for: on a busy host it took half of each scrape's time.
        assert(
            Set(samples.map { Set($0.labels) }).count == samples.count,
            "'\(name)' has two samples with the same labels")
        for sample in samples {
            switch sample.value {
            case .histogram:
                precondition(kind == .histogram, "'\(name)' is no histogram, but a sample is")
                precondition(
                    !sample.labels.contains { $0.name == "le" },
                    "'\(name)': a histogram's label 'le' is its bucket bound")
            case .integer(let value):
                precondition(kind != .histogram, "'\(name)' is a histogram, a sample is a number")
                precondition(kind != .counter || value >= 0, "'\(name)' counts \(value)")
            case .number(let value):
                precondition(kind != .histogram, "'\(name)' is a histogram, a sample is a number")
                precondition(kind != .counter || !(value < 0), "'\(name)' counts \(value)")
            }
        }
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
    }

    /// A counter family; `name` ends in `_total`.
    public static func counter(_ name: String, help: String, _ samples: [MetricSample]) -> Self {
        Self(name: name, help: help, kind: .counter, samples: samples)
    }

    /// A gauge family.
    public static func gauge(_ name: String, help: String, _ samples: [MetricSample]) -> Self {
        Self(name: name, help: help, kind: .gauge, samples: samples)
    }

    /// A histogram family.
    public static func histogram(_ name: String, help: String, _ samples: [MetricSample]) -> Self {
        Self(name: name, help: help, kind: .histogram, samples: samples)
    }

    /// One thing of which a state set says which state it is in.
    public struct StateSetMember: Sendable {
        /// The labels of the thing itself, without the state's.
        public var labels: [MetricLabel]

        /// The state it is in, one of the set's; nil when that is not known.
        public var current: String?

        /// Makes a member.
        public init(labels: [MetricLabel], current: String?) {
            self.labels = labels
            self.current = current
        }
    }

    /// A state set: per member one gauge for each state, 1 for the current one and 0 for the others.
    ///
    /// It is of type gauge in both formats, because OpenMetrics' `stateset` has no counterpart in
    /// the older text format and a type that changes with the `Accept` header helps nobody.
    /// A member whose state is not known has NaN for every state.
    ///
    /// - Precondition: each member's current state is nil or one of `states`.
    public static func stateSet(
        _ name: String, help: String, label: String, states: [String], _ members: [StateSetMember]
    ) -> Self {
        var samples: [MetricSample] = []
        samples.reserveCapacity(members.count * states.count)
        for member in members {
            if let current = member.current {
                precondition(states.contains(current), "'\(name)' has no state '\(current)'")
            }
            for state in states {
                let value: MetricValue =
                    member.current.map { .integer($0 == state ? 1 : 0) } ?? .number(.nan)
                samples.append(
                    MetricSample(member.labels + [MetricLabel(label, state)], value))
            }
        }
        return Self(name: name, help: help, kind: .gauge, samples: samples)
    }
}
