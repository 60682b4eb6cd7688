import ProviderChecks

/// Numbers for tunnels, devices and namespaces, which they keep while they are in the plan: what left
/// before a configuration was loaded still answers what arrived before.
struct EchoNumbering: Sendable {
    private var tunnels: [String: Int] = [:]
    private var devices: [CapturePlace: Int] = [:]
    private var namespaces: [String?: Int] = [:]
    private var next = 0

    /// Takes what is captured now.
    mutating func adopt(_ plan: InsidePlan) {
        let names = Set(plan.tunnels.map(\.name))
        tunnels = tunnels.filter { names.contains($0.key) }
        for name in names where tunnels[name] == nil { tunnels[name] = number() }
        let places = plan.places
        devices = devices.filter { places[$0.key] != nil }
        for place in places.keys where devices[place] == nil { devices[place] = number() }
        let found = Set(places.keys.map(\.namespace))
        namespaces = namespaces.filter { found.contains($0.key) }
        for namespace in found where namespaces[namespace] == nil {
            namespaces[namespace] = number()
        }
    }

    /// A tunnel of the plan.
    func tunnel(_ tunnel: InsidePlan.Tunnel) -> EchoExchanges.Tunnel {
        EchoExchanges.Tunnel(
            number: tunnels[tunnel.name] ?? -1,
            namespace: (tunnel.device ?? tunnel.wan).flatMap { namespaces[$0.namespace] } ?? -1,
            device: tunnel.device.flatMap { devices[$0] },
            wan: tunnel.wan.flatMap { devices[$0] })
    }

    /// A device of the plan.
    func exit(_ place: CapturePlace, isTunnel: Bool) -> EchoExchanges.Exit {
        EchoExchanges.Exit(
            device: devices[place] ?? -1, namespace: namespaces[place.namespace] ?? -1,
            isTunnel: isTunnel)
    }

    private mutating func number() -> Int {
        defer { next += 1 }
        return next
    }
}
