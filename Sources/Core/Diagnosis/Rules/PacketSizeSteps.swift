import NetworkPrimitives

/// What to set so that packets fit.
enum PacketSizeSteps {
    static func steps(_ facts: TunnelFacts) -> [String] {
        let prefix = facts.identity.commandPrefix
        let mtu = facts.sizes.recommendedMTU.value
        let mss = facts.sizes.recommendedMSS.value
        let size = mtu.map(String.init) ?? "MTU"
        var steps: [String] = []
        if let device = facts.identity.tunnelInterface {
            steps.append(
                "\(prefix)ip link set dev \(device) mtu \(size)"
                    + "  # and where it is made: MTUBytes= (networkd), mtu (ifupdown)")
            steps.append(
                "\(prefix)iptables -t mangle -A FORWARD -o \(device) -p tcp --tcp-flags SYN,RST SYN -j TCPMSS "
                    + "--set-mss \(mss.map(String.init) ?? "MSS")  # and with -i \(device)")
        } else {
            steps.append(
                "\(prefix)ip route change PREFIX … mtu \(size)  # the routes that the policies cover; "
                    + "strongSwan: charon.plugins.kernel-netlink.mtu and .mss")
        }
        if mtu == nil { steps.append("probe now --timeout 30  # measures what fits") }
        if let vendors = VendorTable.remedy(.mssClamp) { steps.append(vendors) }
        return steps
    }
}
