/// What the kernel of one network namespace knows about tunnels, read at about the same time.
///
/// Each part is known or not by itself: SAs need a privilege that links do not.
public struct KernelSnapshot: Equatable, Sendable {
    /// Network devices, in order of index.
    public var links: Reading<[LinkState]>
    /// This host's addresses, in the kernel's order: IPv4 first, then as configured.
    public var addresses: Reading<[AddressState]>
    /// Routes of all tables, in the kernel's order.
    public var routes: Reading<[RouteState]>
    /// Security associations, in the kernel's order.
    public var associations: Reading<[SecurityAssociation]>
    /// Security policies, in the kernel's order.
    public var policies: Reading<[SecurityPolicy]>

    /// Makes a snapshot; without arguments, of a host with nothing.
    public init(
        links: Reading<[LinkState]> = .known([]), addresses: Reading<[AddressState]> = .known([]),
        routes: Reading<[RouteState]> = .known([]),
        associations: Reading<[SecurityAssociation]> = .known([]),
        policies: Reading<[SecurityPolicy]> = .known([])
    ) {
        self.links = links
        self.addresses = addresses
        self.routes = routes
        self.associations = associations
        self.policies = policies
    }

    /// The device named `name`; nil if there is none or links are not known.
    public func link(named name: String) -> LinkState? {
        links.value?.first { $0.name == name }
    }

    /// The device with an index; nil if there is none or links are not known.
    public func link(at index: Int) -> LinkState? {
        links.value?.first { $0.index == index }
    }
}
