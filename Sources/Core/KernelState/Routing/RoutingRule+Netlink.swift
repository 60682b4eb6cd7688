import NetworkPrimitives

// linux/fib_rules.h:
//
//     struct fib_rule_hdr {       offset
//         __u8  family;                0
//         __u8  dst_len, src_len;      1
//         __u8  tos;                   3
//         __u8  table;                 4
//         __u8  res1, res2;            5
//         __u8  action;                7
//         __u32 flags;                 8
//     };                              12 octets

extension RoutingRule {
    /// FRA_… of linux/fib_rules.h.
    private enum AttributeType {
        static let destination: UInt16 = 1
        static let source: UInt16 = 2
        static let inputInterface: UInt16 = 3
        static let goTo: UInt16 = 4
        static let priority: UInt16 = 6
        static let mark: UInt16 = 10
        static let table: UInt16 = 15
        static let markMask: UInt16 = 16
        static let outputInterface: UInt16 = 17
        static let `protocol`: UInt16 = 22
    }

    private static let headerByteCount = 12
    /// FIB_RULE_INVERT of linux/fib_rules.h.
    private static let invertFlag: UInt32 = 2

    /// Reads the payload of RTM_NEWRULE: `struct fib_rule_hdr` and attributes; nil for a family other
    /// than IPv4 and IPv6, which have rules too.
    ///
    /// - Throws: `KernelMessageError` for anything the kernel does not write.
    public static func rule(
        parsing message: RawSpan
    ) throws(KernelMessageError) -> RoutingRule? {
        try message.require(headerByteCount)
        let family: IPAddress.Family
        switch UInt16(message.uint8(at: 0)) {
        case AddressFamilyNumber.inet: family = .v4
        case AddressFamilyNumber.inet6: family = .v6
        default: return nil
        }
        // A rule without FRA_PRIORITY is the first: the kernel leaves out a 0.
        var rule = RoutingRule(
            family: family, priority: 0, table: UInt32(message.uint8(at: 4)))
        rule.isInverted = message.hostUInt32(at: 8) & invertFlag != 0
        var target: UInt32 = 0
        var attributes = NetlinkAttributes(of: message, after: headerByteCount)
        while let attribute = try attributes.next(in: message) {
            switch attribute.type {
            case AttributeType.destination:
                rule.destination = try IPPrefix(
                    try message.address(of: attribute, "FRA_DST"),
                    kernelLength: message.uint8(at: 1), "dst_len")
            case AttributeType.source:
                rule.source = try IPPrefix(
                    try message.address(of: attribute, "FRA_SRC"),
                    kernelLength: message.uint8(at: 2), "src_len")
            case AttributeType.inputInterface:
                rule.inputInterface = message.text(in: attribute.payload)
            case AttributeType.outputInterface:
                rule.outputInterface = message.text(in: attribute.payload)
            case AttributeType.goTo:
                target = try message.hostUInt32(of: attribute, "FRA_GOTO")
            case AttributeType.priority:
                rule.priority = try message.hostUInt32(of: attribute, "FRA_PRIORITY")
            case AttributeType.mark:
                rule.mark = try message.hostUInt32(of: attribute, "FRA_FWMARK")
            case AttributeType.markMask:
                rule.markMask = try message.hostUInt32(of: attribute, "FRA_FWMASK")
            case AttributeType.table:
                rule.table = try message.hostUInt32(of: attribute, "FRA_TABLE")
            case AttributeType.protocol:
                try message.require(1, of: attribute, "FRA_IP_PROTO")
                rule.protocol = message.uint8(at: attribute.payload.lowerBound)
            default:
                break
            }
        }
        switch message.uint8(at: 7) {
        case 1: rule.action = .lookUp
        case 2: rule.action = .goTo(target)
        case 3: rule.action = .nothing
        case 6: rule.action = .blackhole
        case 7: rule.action = .unreachable
        case 8: rule.action = .prohibit
        case let number: rule.action = .other(number)
        }
        return rule
    }
}
