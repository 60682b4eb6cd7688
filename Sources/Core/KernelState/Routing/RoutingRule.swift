public import NetworkPrimitives

/// A rule of the routing policy, RTM_NEWRULE: which packets are looked up in which table.
public struct RoutingRule: Equatable, Sendable {
    /// What a rule does with a packet, FR_ACT_… of linux/fib_rules.h.
    public enum Action: Hashable, Sendable {
        /// Looks it up in `table`.
        case lookUp
        /// Goes on at the rule of this priority.
        case goTo(UInt32)
        /// Does nothing.
        case nothing
        /// Drops it silently.
        case blackhole
        /// Drops it and says network unreachable.
        case unreachable
        /// Drops it and says administratively prohibited.
        case prohibit
        /// Any other by the kernel's number.
        case other(UInt8)
    }

    /// The family of packets it is for.
    public var family: IPAddress.Family
    /// Its place among the rules, lowest first.
    public var priority: UInt32
    /// What it does.
    public var action: Action
    /// The routing table that is looked up; 0 for none.
    public var table: UInt32
    /// Whether it is for packets that do *not* match (FIB_RULE_INVERT).
    public var isInverted: Bool
    /// The source addresses it is for; nil for all.
    public var source: IPPrefix?
    /// The destination addresses it is for; nil for all.
    public var destination: IPPrefix?
    /// The mark a packet must have under `markMask`.
    public var mark: UInt32
    /// The bits of the mark that count; 0 when every packet is taken.
    public var markMask: UInt32
    /// The device packets must have come in by; nil for any.
    public var inputInterface: String?
    /// The device a socket must be bound to; nil for any.
    public var outputInterface: String?
    /// The IP protocol; 0 for all.
    public var `protocol`: UInt8

    /// Makes a rule for every packet of a family.
    public init(
        family: IPAddress.Family, priority: UInt32, action: Action = .lookUp, table: UInt32 = 0
    ) {
        self.family = family
        self.priority = priority
        self.action = action
        self.table = table
        isInverted = false
        mark = 0
        markMask = 0
        `protocol` = 0
    }
}
