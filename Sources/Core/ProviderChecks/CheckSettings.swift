public import NetworkPrimitives

extension ProviderCheckWatch {
    /// What is known of a tunnel before anything is seen.
    public struct Settings: Hashable, Sendable {
        /// Addresses of this host's devices, outer and inside ones.
        public var ownAddresses: Set<IPAddress>
        /// This end of the tunnel, outside.
        public var localEndpoint: IPAddress?
        /// The inside address of the far end.
        public var farAddress: IPAddress?
        /// What the tunnel's device is on: a check comes from there, or goes there.
        public var linkPrefixes: [IPPrefix]
        /// Prefixes that are routed neither over the tunnel nor over the underlay.
        public var sidePrefixes: [IPPrefix]
        /// The target that the operator says the checks have.
        public var expectedTarget: IPAddress?
        /// Where echo messages are seen; what is not among these may leave unseen.
        public var watched: Set<CheckObservation.Place>

        /// Makes settings.
        public init(
            ownAddresses: Set<IPAddress> = [], localEndpoint: IPAddress? = nil,
            farAddress: IPAddress? = nil, linkPrefixes: [IPPrefix] = [],
            sidePrefixes: [IPPrefix] = [], expectedTarget: IPAddress? = nil,
            watched: Set<CheckObservation.Place> = [.tunnel, .wan]
        ) {
            self.ownAddresses = ownAddresses
            self.localEndpoint = localEndpoint
            self.farAddress = farAddress
            self.linkPrefixes = linkPrefixes
            self.sidePrefixes = sidePrefixes
            self.expectedTarget = expectedTarget
            self.watched = watched
        }
    }
}
