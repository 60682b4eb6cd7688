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
        /// Whether there is no device of the tunnel's own: what it decrypts shows on the underlay's, and
        /// what it encrypts is not seen in plain text at all.
        public var isPolicyBased = false
        /// What leaves encrypted where there is no device.
        public var encrypted: [Selector] = []
        /// Which tunnel it is among those of the host.
        public var tunnel = EchoExchanges.Tunnel()
        /// Where echo messages are seen; what is not among these may leave unseen.
        public var watched: Set<CheckObservation.Place>

        /// The addresses that one policy is for.
        public struct Selector: Hashable, Sendable {
            /// Where packets come from.
            public var source: IPPrefix
            /// Where they go.
            public var destination: IPPrefix

            /// Makes a selector.
            public init(source: IPPrefix, destination: IPPrefix) {
                self.source = source
                self.destination = destination
            }
        }

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

        /// Where checks arrive.
        var arrivalPlace: CheckObservation.Place { isPolicyBased ? .wan : .tunnel }

        /// Whether an answer would be seen, if it left.
        func shows(from source: IPAddress, to destination: IPAddress) -> Bool {
            guard isPolicyBased else { return watched.isSuperset(of: [.tunnel, .wan]) }
            return watched.contains(.wan)
                && !encrypted.contains {
                    $0.source.contains(source) && $0.destination.contains(destination)
                }
        }
    }
}
