/// One rule or figure of the provider, with the page that has it and when that was read.
public struct ProviderFact<Value: Sendable>: Sendable {
    /// What the page says.
    public var value: Value
    /// The page.
    public var source: ProviderPage
    /// When the page was read, year and month.
    public var readOn: String
    /// What another page of the provider says instead, a part of a sentence; nil where none disagrees.
    public var contradiction: String?

    /// Makes a fact.
    public init(
        _ value: Value, _ source: ProviderPage, readOn: String = ProviderFacts.readOn,
        contradiction: String? = nil
    ) {
        self.value = value
        self.source = source
        self.readOn = readOn
        self.contradiction = contradiction
    }

    /// The source as it is cited in evidence, like `provider's page "Anti-replay protection", 2026-11`.
    public var citation: String { "provider's page \"\(source.title)\", \(readOn)" }
}

/// A page of the provider's documentation.
public enum ProviderPage: String, CaseIterable, Sendable {
    /// Tunnel health checks: kinds, targets, states.
    case healthChecks = "developers.cloudflare.com/cloudflare-wan/reference/tunnel-health-checks/"
    /// Troubleshooting of tunnel health.
    case healthTroubleshooting =
        "developers.cloudflare.com/cloudflare-one/troubleshooting/wan/tunnel-health/"
    /// Troubleshooting of IPsec.
    case ipsecTroubleshooting =
        "developers.cloudflare.com/cloudflare-wan/troubleshooting/ipsec-troubleshoot/"
    /// Anti-replay protection.
    case antiReplay =
        "developers.cloudflare.com/cloudflare-wan/reference/anti-replay-protection/"
    /// GRE and IPsec tunnels: parameters and identities.
    case tunnels = "developers.cloudflare.com/cloudflare-wan/reference/gre-ipsec-tunnels/"
    /// How alerts of tunnel health are calculated.
    case alerts =
        "developers.cloudflare.com/cloudflare-wan/reference/how-cloudflare-calculates-tunnel-health-alerts/"
    /// The list of the provider's addresses.
    case addresses = "www.cloudflare.com/ips/"

    /// Its title.
    public var title: String {
        switch self {
        case .healthChecks: "Tunnel health checks"
        case .healthTroubleshooting: "Troubleshoot tunnel health"
        case .ipsecTroubleshooting: "Troubleshoot IPsec"
        case .antiReplay: "Anti-replay protection"
        case .tunnels: "GRE and IPsec tunnels"
        case .alerts: "How tunnel health alerts are calculated"
        case .addresses: "IP ranges"
        }
    }
}
