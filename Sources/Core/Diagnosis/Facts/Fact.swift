/// Something that is known of a tunnel, with its age, or why it is not known.
public enum Fact<Value> {
    /// It was seen so long ago.
    case known(Value, age: Duration)
    /// It is not known; `reason` is a part of a sentence for an operator.
    case unknown(reason: String)

    /// Something that was seen just now.
    public static func known(_ value: Value) -> Fact { .known(value, age: .zero) }

    /// What is known; nil when nothing is.
    public var value: Value? {
        if case .known(let value, _) = self { value } else { nil }
    }

    /// How long ago it was seen; nil when it is not known.
    public var age: Duration? {
        if case .known(_, let age) = self { age } else { nil }
    }

    /// Why it is not known; nil when it is.
    public var reason: String? {
        if case .unknown(let reason) = self { reason } else { nil }
    }

    /// What `transform` makes of it, or the same reason.
    public func map<Other>(_ transform: (Value) -> Other) -> Fact<Other> {
        switch self {
        case .known(let value, let age): .known(transform(value), age: age)
        case .unknown(let reason): .unknown(reason: reason)
        }
    }
}

extension Fact: Sendable where Value: Sendable {}
extension Fact: Equatable where Value: Equatable {}

extension Fact {
    /// A fact of which nothing was said yet.
    public static var notYet: Fact { .unknown(reason: "not looked at yet") }
}

/// How much a counter grew lately.
public struct Growth: Hashable, Sendable {
    /// By how much.
    public var count: UInt64
    /// In how long a time.
    public var span: Duration

    /// Makes a growth.
    public init(_ count: UInt64, in span: Duration) {
        self.count = count
        self.span = span
    }
}
