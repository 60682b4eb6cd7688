import NetworkPrimitives

/// Which policy decides about an inside packet, by the rules of the kernel's own lookup.
///
/// xfrm_policy_lookup_bytype of net/xfrm/xfrm_policy.c: family and interface id must be equal, the
/// mark must match under the policy's mask, then the selector; among those that match the lowest
/// priority wins, and among equal ones the oldest.
public struct SelectorCoverage: Sendable {
    /// What becomes of a packet.
    public enum Decision: Equatable, Sendable {
        /// IPsec is applied to it, or must have been.
        case protected(SecurityPolicy)
        /// It passes in the clear: the policy asks for nothing.
        case inClear(SecurityPolicy)
        /// It is dropped.
        case blocked(SecurityPolicy)
        /// No policy matches: it passes in the clear, unless it comes out of an SA in tunnel mode,
        /// then it is dropped (`XfrmInNoPols`); on a route-based device it cannot leave.
        case unmatched

        /// The policy that decides, nil for none.
        public var policy: SecurityPolicy? {
            switch self {
            case .protected(let policy), .inClear(let policy), .blocked(let policy): policy
            case .unmatched: nil
            }
        }

        /// Whether the packet belongs into the tunnel and may go there.
        public var isProtected: Bool {
            if case .protected = self { true } else { false }
        }
    }

    private let policies: [SecurityPolicy]

    /// Asks these policies, which are in the order of the kernel's dump: newest first.
    public init(_ policies: [SecurityPolicy]) {
        self.policies = policies
    }

    /// What becomes of a packet.
    public func decision(on question: PolicyQuestion) -> Decision {
        var best: SecurityPolicy?
        for policy in policies where policy.matches(question) {
            // Of equal priorities the later in the dump is the older.
            if best.map({ policy.priority <= $0.priority }) ?? true { best = policy }
        }
        guard let best else { return .unmatched }
        if !best.allows { return .blocked(best) }
        return best.templates.isEmpty ? .inClear(best) : .protected(best)
    }
}

extension SecurityPolicy {
    /// Whether the policy is for a packet: xfrm_policy_match and xfrm_selector_match.
    public func matches(_ question: PolicyQuestion) -> Bool {
        direction == question.direction
            && (interfaceID ?? 0) == (question.interfaceID ?? 0)
            && question.mark & markMask == mark
            && source.contains(question.source) && destination.contains(question.destination)
            && (`protocol` == 0 || `protocol` == question.protocol)
            && sourcePort.matches(question.sourcePort)
            && destinationPort.matches(question.destinationPort)
            && (interfaceIndex == nil || interfaceIndex == question.interfaceIndex)
    }
}

extension SecurityPolicy.PortMatch {
    /// Whether a port is taken.
    public func matches(_ other: UInt16) -> Bool { (port ^ other) & mask == 0 }
}
