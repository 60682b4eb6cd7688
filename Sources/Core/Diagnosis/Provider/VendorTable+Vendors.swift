extension VendorTable {
    /// All vendors of which something is known.
    public static let vendors: [Vendor] = linux + routers + firewalls + clouds

    private static let linux: [Vendor] = [
        Vendor(
            "strongSwan", isLinux: true,
            [
                .antiReplayOff: .set(
                    "replay_window = 0 in connections.<conn>.children.<child> of swanctl.conf, then "
                        + "swanctl --load-conns, --terminate --child <child> and --initiate --child <child> "
                        + "(ipsec.conf: replay_window=0)",
                    source: "guide strongswan; swanctl.conf(5)"),
                .deadPeerRestart: .set(
                    "dpd_delay = 30s in the connection and dpd_action = restart in the child "
                        + "(ipsec.conf: dpdaction=restart)",
                    source: "guide strongswan; swanctl.conf(5)"),
                .healthCheckStyle: .set("Request", source: "guide strongswan"),
            ]),
        Vendor(
            "libreswan", isLinux: true,
            [
                .antiReplayOff: .set(
                    "replay-window=0 in the conn, then ipsec auto --replace CONN and ipsec up CONN",
                    source: "ipsec.conf(5) of libreswan"),
                .deadPeerRestart: .set(
                    "dpddelay=30, dpdaction=restart in the conn",
                    source: "ipsec.conf(5) of libreswan"),
            ]),
    ]

    private static let routers: [Vendor] = [
        Vendor(
            "Cisco IOS-XE",
            [
                .antiReplayOff: .set(
                    "set security-association replay disable in the crypto ipsec profile",
                    source: "guide cisco-ios-xe"),
                .mssClamp: .set(
                    "ip tcp adjust-mss 1350 on the tunnel interface", source: "guide cisco-ios-xe"),
                .statefulICMP: .cannot(source: ProviderPage.ipsecTroubleshooting.title),
            ]),
        Vendor(
            "Cisco Meraki MX",
            [
                .antiReplayOff: .cannot(source: "guide cisco-meraki-static"),
                .mssClamp: .set(
                    "about 1360, by Meraki support", source: "guide cisco-meraki-static"),
                .healthCheckStyle: .set(
                    "Request, bidirectional, rate low, a LAN address as custom target",
                    source: "guide cisco-meraki-static"),
            ]),
        Vendor(
            "Juniper SRX",
            [
                .antiReplayOff: .set(
                    "set security ipsec vpn <vpn> ike no-anti-replay", source: "guide juniper"),
                .mssClamp: .set(
                    "set security flow tcp-mss ipsec-vpn mss 1360", source: "guide juniper"),
                .healthCheckStyle: .set(
                    "Request; ping in host-inbound-traffic of the tunnel's zone",
                    source: "guide juniper"),
            ]),
        Vendor(
            "VyOS",
            [
                .antiReplayOff: .set(
                    "set vpn ipsec site-to-site peer <peer> replay-window 0",
                    source: "VyOS documentation, site-to-site IPsec"),
                .deadPeerRestart: .set(
                    "set vpn ipsec ike-group <group> dead-peer-detection action restart, interval 30, "
                        + "timeout 120", source: "guide vyos"),
            ]),
        Vendor(
            "UniFi",
            [
                .healthCheckStyle: .set("Request, bidirectional", source: "guide ubiquiti")
            ]),
        Vendor(
            "VeloCloud",
            [.antiReplayOff: .cannot(source: ProviderPage.antiReplay.title)]),
        Vendor(
            "Yamaha RTX",
            [
                .antiReplayOff: .set(
                    "anti-replay-check=off on ipsec sa policy", source: "guide yamaha"),
                .mssClamp: .set("ip tunnel tcp mss limit auto", source: "guide yamaha"),
                .healthCheckStyle: .set("Request, bidirectional", source: "guide yamaha"),
                .deadPeerRestart: .set(
                    "ipsec ike keepalive use <gateway> on rfc4306 10 6", source: "guide yamaha"),
            ]),
        Vendor(
            "FITELnet",
            [
                .antiReplayOff: .set("crypto ipsec replay-check disable", source: "guide fitelnet"),
                .mssClamp: .set("mss 1350, df-bit 0, fragment post", source: "guide fitelnet"),
            ]),
    ]

    private static let firewalls: [Vendor] = [
        Vendor(
            "Palo Alto",
            [
                .antiReplayOff: .set(
                    "set network tunnel ipsec <tunnel> anti-replay no (untick Enable Replay Protection)",
                    source: "guide palo-alto"),
                .healthCheckStyle: .set(
                    "Request, bidirectional; a management profile with ping on the tunnel interface, "
                        + "tunnel-monitor off", source: "guide palo-alto"),
                .statefulICMP: .cannot(source: ProviderPage.ipsecTroubleshooting.title),
            ]),
        Vendor(
            "Fortinet",
            [
                .antiReplayOff: .set(
                    "config system global / set anti-replay disable, and set replay disable in phase 2",
                    source: "guide fortinet"),
                .healthCheckStyle: .set(
                    "Request; allowaccess ping on the tunnel interface", source: "guide fortinet"),
                .statefulICMP: .set(
                    "config system settings / set asymroute-icmp enable", source: "guide fortinet"),
            ]),
        Vendor(
            "Check Point",
            [
                .healthCheckStyle: .set(
                    "Request; replies are dropped as out of state or spoofed",
                    source: ProviderPage.healthTroubleshooting.title),
                .statefulICMP: .cannot(source: ProviderPage.healthTroubleshooting.title),
            ]),
        Vendor(
            "pfSense",
            [
                .antiReplayOff: .cannot(source: "guide pfsense"),
                .mssClamp: .set("1446 in the interface's MSS field", source: "guide pfsense"),
                .healthCheckStyle: .set("Request, bidirectional", source: "guide pfsense"),
            ]),
        Vendor(
            "Sophos Firewall",
            [
                .antiReplayOff: .set(
                    "set vpn ipsec-performance anti-replay window-size 0 (all tunnels restart)",
                    source: "guide sophos-firewall"),
                .healthCheckStyle: .set(
                    "Request, the target as an alias address", source: "guide sophos-firewall"),
                .deadPeerRestart: .set(
                    "action when peer unreachable: Re-initiate", source: "guide sophos-firewall"),
            ]),
        Vendor(
            "SonicWall",
            [
                .antiReplayOff: .set(
                    "tick Disable IPsec Anti-Replay in the policy's advanced settings",
                    source: "guide sonicwall"),
                .healthCheckStyle: .set(
                    "Request, bidirectional, rate low; ping on the tunnel interface",
                    source: "guide sonicwall"),
                .statefulICMP: .set("Enable Asymmetric Route Support", source: "guide sonicwall"),
            ]),
    ]

    private static let clouds: [Vendor] = [
        Vendor(
            "AWS VPN",
            [
                .antiReplayOff: .cannot(source: "guide aws"),
                .healthCheckStyle: .set("Request, bidirectional", source: "guide aws"),
                .deadPeerRestart: .set(
                    "DPD timeout action Restart, startup action Start", source: "guide aws"),
            ]),
        Vendor(
            "Azure VPN Gateway",
            [
                .antiReplayOff: .set(
                    "disableIPSecReplayProtection in the gateway's ARM template (the guide turns replay "
                        + "protection on at the provider too)", source: "guide azure-vpn-gateway"),
                .healthCheckStyle: .set(
                    "Reply, bidirectional, the customer endpoint as custom target",
                    source: "guide azure-vpn-gateway"),
                .deadPeerRestart: .set(
                    "DPD 45 s, connection mode InitiatorOnly", source: "guide azure-vpn-gateway"),
            ]),
        Vendor(
            "Azure Virtual WAN",
            [
                .antiReplayOff: .cannot(source: "guide azure-virtual-wan"),
                .healthCheckStyle: .set(
                    "Reply, bidirectional, a custom target", source: "guide azure-virtual-wan"),
            ]),
        Vendor(
            "Google Cloud VPN",
            [
                .antiReplayOff: .cannot(source: "guide google"),
                .healthCheckStyle: .set(
                    "Reply, bidirectional, a custom target", source: "guide google"),
            ]),
        Vendor(
            "Oracle Cloud",
            [
                .antiReplayOff: .cannot(source: "guide oracle"),
                .healthCheckStyle: .set("Request, unidirectional", source: "guide oracle"),
            ]),
        Vendor(
            "Alibaba Cloud",
            [.antiReplayOff: .cannot(source: "guide alibaba-cloud")]),
    ]
}
