import NetworkPrimitives

/// The sysctls that decide whether packets of a tunnel, and ICMP, are accepted and forwarded
/// (Documentation/networking/ip-sysctl.rst).
public enum SystemSetting {
    /// Of each device, under net/ipv4/conf/DEVICE; also of `all` and `default`.
    ///
    /// `accept_local` lets in packets with a source address of this host, as the provider's
    /// reply-style probe has; `disable_policy` and `disable_xfrm` turn XFRM off on a device.
    public static let perDevice = [
        "accept_local", "rp_filter", "forwarding", "disable_policy", "disable_xfrm",
    ]
    /// Of each device, under net/ipv6/conf/DEVICE; also of `all` and `default`.
    public static let perDeviceV6 = ["forwarding", "disable_ipv6"]
    /// Of the whole namespace, under net.
    public static let ofNamespace = [
        "ipv4/ip_forward", "ipv4/icmp_echo_ignore_all", "ipv4/icmp_ratelimit",
        "ipv4/icmp_ratemask", "ipv4/icmp_msgs_per_sec", "ipv4/icmp_msgs_burst",
        "ipv4/icmp_errors_use_inbound_ifaddr", "ipv4/ip_default_ttl", "ipv6/icmp/ratelimit",
        "ipv6/icmp/echo_ignore_all", "core/xfrm_acq_expires", "core/xfrm_larval_drop",
    ]

    /// The number that a file of /proc/sys holds; nil for anything else.
    public static func value(parsing text: RawSpan) -> Int? {
        var lines = TextLines()
        guard let line = lines.next(in: text) else { return nil }
        let fields = text.fields(of: line, atMost: 2)
        guard fields.count == 1, let field = fields.first, lines.next(in: text) == nil else {
            return nil
        }
        guard text.uint8(at: field.lowerBound) == UInt8(ascii: "-") else {
            return text.number(field).flatMap(Int.init(exactly:))
        }
        return text.number(field.dropFirst().startIndex..<field.upperBound)
            .flatMap(Int.init(exactly:)).map { -$0 }
    }
}
