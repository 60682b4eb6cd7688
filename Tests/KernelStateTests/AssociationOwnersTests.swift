import NetworkPrimitives
import Testing

@testable import KernelState

private let here = IPAddress.v4(0xc000_0201)

private func far(_ number: Int) -> IPAddress { .v4(0xc633_6400 + UInt32(number)) }

/// SAs of a thousand tunnels are placed with each reading: by tables, which must say what asking every
/// tunnel and every device in turn would say.
@Suite struct AssociationOwnersTests {
    /// Devices of each kind, some of them with the same far end.
    private static let links: [LinkState] = (0..<12).map { number in
        var link = LinkState(index: number + 1, name: "dev\(number)", kind: .vti)
        switch number % 4 {
        case 0:
            link.local = here
            link.remote = far(number % 5)
            link.inKey = UInt32(number)
            link.outKey = UInt32(number)
        case 1:
            link.kind = .xfrm
            link.interfaceID = UInt32(number % 6)
        case 2:
            link.kind = .gre
            link.local = here
            link.remote = far(number % 5)
        default:
            link.inKey = UInt32(number)
            link.outKey = UInt32(number)
        }
        return link
    }

    private static let snapshot = KernelSnapshot(
        links: .known(links),
        addresses: .known([
            AddressState(interfaceIndex: 1, address: here, prefix: IPPrefix(here, length: 24))
        ]))

    /// The rule, tunnel by tunnel.
    private static func owner(
        of association: SecurityAssociation, _ tunnels: [AssociationOwners.Tunnel]
    ) -> AssociationOwners.Owner? {
        let ownership = TunnelOwnership(snapshot)
        guard
            let direction = TunnelOwnership.direction(of: association, own: [here], policies: [])
        else { return nil }
        let directed = DirectedAssociation(direction: direction, association: association)
        let pair = TunnelOwnership.pair(of: directed)
        let device = ownership.devices.first { ownership.owns($0, directed) }?.link.name
        let names = links.map(\.name)
        let byDevice = tunnels.first { $0.device != nil && $0.device == device }
        let byAddress = tunnels.first { tunnel in
            !(tunnel.device.map(names.contains) ?? false) && tunnel.remote == pair.remote
                && (tunnel.local == nil || tunnel.local == pair.local)
        }
        return (byDevice ?? byAddress).map { .init(tunnel: $0.name, direction: direction) }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `an SA goes to its device's tunnel, else to one between its addresses`(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let tunnels = (0..<8).map { number in
            AssociationOwners.Tunnel(
                name: "t\(number)",
                device: Bool.random(using: &random)
                    ? "dev\(Int.random(in: 0..<16, using: &random))" : nil,
                local: Bool.random(using: &random) ? here : nil,
                remote: far(Int.random(in: 0..<6, using: &random)))
        }
        let owners = AssociationOwners(Self.snapshot, tunnels: tunnels)
        #expect(owners.tunnelNames == tunnels.map(\.name))
        var placed = 0
        for _ in 0..<200 {
            let isOutbound = Bool.random(using: &random)
            let there = far(Int.random(in: 0..<6, using: &random))
            var association = SecurityAssociation(
                spi: SPI(rawValue: 256), source: isOutbound ? here : there,
                destination: isOutbound ? there : here)
            if Bool.random(using: &random) {
                association.interfaceID = UInt32.random(in: 0..<7, using: &random)
            }
            if Bool.random(using: &random) {
                association.mark = UInt32.random(in: 0..<12, using: &random)
                association.markMask = .max
            }
            if Bool.random(using: &random) { association.mode = .transport }
            let expected = Self.owner(of: association, tunnels)
            #expect(owners.owner(of: association) == expected)
            if expected != nil { placed += 1 }
        }
        #expect(placed > 0)
    }
}
