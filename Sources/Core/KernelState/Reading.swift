/// What the kernel said, or why it said nothing.
///
/// Unknown is a value of its own: an empty list of SAs means that there are none, not that this
/// process may not see them.
public enum Reading<Value> {
    /// The kernel's answer.
    case known(Value)
    /// No answer; `reason` is a sentence for an operator, with the fix where there is one.
    case unknown(reason: String)

    /// The answer, nil when there is none.
    public var value: Value? {
        switch self {
        case .known(let value): value
        case .unknown: nil
        }
    }

    /// Why there is no answer, nil when there is one.
    public var reason: String? {
        switch self {
        case .known: nil
        case .unknown(let reason): reason
        }
    }

    /// What `transform` makes of the answer, or the same reason.
    public func map<Other>(_ transform: (Value) -> Other) -> Reading<Other> {
        switch self {
        case .known(let value): .known(transform(value))
        case .unknown(let reason): .unknown(reason: reason)
        }
    }
}

extension Reading: Sendable where Value: Sendable {}
extension Reading: Equatable where Value: Equatable {}
