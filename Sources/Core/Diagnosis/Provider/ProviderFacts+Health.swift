extension ProviderFacts {
    // MARK: - States

    /// The share of failed checks in five minutes that degrades a tunnel, with two failures at least.
    public static let degradedShare = ProviderFact(0.001, .healthChecks)
    /// The time that share is counted over.
    public static let degradedSpan = ProviderFact(Duration.seconds(300), .healthChecks)
    /// The failures that degrade a tunnel at least.
    public static let degradedFailures = ProviderFact(2, .healthChecks)
    /// The checks in a row, all failed within a second, that take a tunnel down.
    public static let downFailures = ProviderFact(
        3, .healthChecks,
        contradiction: "\"Troubleshoot tunnel health\" degrades it where some of the three pass")
    /// The successes in a row that lift a tunnel from down to degraded.
    public static let recoverySuccesses = ProviderFact(3, .healthChecks)
    /// The probes that must hardly fail for degraded to become healthy.
    public static let healthyProbes = ProviderFact(
        30, .healthChecks, contradiction: "an example on the same page counts five minutes")
    /// The shortest stay in degraded.
    public static let degradedStay = ProviderFact(
        Duration.seconds(300), .healthTroubleshooting,
        contradiction: "an older edition of the page has it for down too")

    // MARK: - Alerts

    /// The windows of an alert, both of which must be under the objective.
    public static let alertWindows = ProviderFact(
        [Duration.seconds(300), Duration.seconds(3600)], .alerts)

    // MARK: - Addresses

    /// The provider's IPv4 addresses, from which public probes come.
    public static let addressesIPv4 = ProviderFact(
        [
            "173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22",
            "141.101.64.0/18", "108.162.192.0/18", "190.93.240.0/20", "188.114.96.0/20",
            "197.234.240.0/22", "198.41.128.0/17", "162.158.0.0/15", "104.16.0.0/13",
            "104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22",
        ], .addresses)
    /// The provider's IPv6 addresses.
    public static let addressesIPv6 = ProviderFact(
        [
            "2400:cb00::/32", "2606:4700::/32", "2803:f800::/32", "2405:b500::/32",
            "2405:8100::/32", "2a06:98c0::/29", "2c0f:f248::/32",
        ], .addresses)
}
