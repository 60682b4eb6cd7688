public import NetworkPrimitives

/// Why a negotiation fails, from everything that was seen of it: the value of `ike.failure`.
public struct IKEVerdict: Equatable, Sendable {
    /// Who saw a failure.
    public enum Origin: String, CaseIterable, Hashable, Sendable {
        /// The key daemon of this host: it read what is encrypted.
        case daemon = "key daemon"
        /// The provider's log of key exchanges.
        case providerLog = "provider's log"
        /// The capture: cleartext notifies, and silence.
        case wire
        /// The agent's own IKE_SA_INIT, whose offer is not the daemon's.
        case probe
    }

    /// One failure that somebody saw.
    public struct Sighting: Equatable, Sendable {
        /// What failed.
        public var failure: IKEFailure
        /// Who saw it.
        public var origin: Origin
        /// When; nil when that is not known.
        public var at: MonotonicInstant?

        /// Makes a sighting.
        public init(_ failure: IKEFailure, by origin: Origin, at: MonotonicInstant? = nil) {
            self.failure = failure
            self.origin = origin
            self.at = at
        }

        /// An identity is proven by who can read it only: of the others it is a failed proof.
        var proven: IKEFailure {
            switch (failure, origin) {
            case (.identity, .wire), (.identity, .probe): .authentication
            default: failure
            }
        }
    }

    /// What is known beside failures.
    public struct Circumstances: Equatable, Sendable {
        /// Whether an IKE SA is up now; nil when nobody knows.
        public var isUp: Bool?
        /// When an IKE SA came up last; nil when nobody knows.
        public var upAt: MonotonicInstant?
        /// When a child SA came up or was rekeyed last; nil when nobody knows.
        public var childUpAt: MonotonicInstant?
        /// Whether child SAs are installed; nil when the kernel does not say.
        public var hasAssociations: Bool?
        /// Whether the keys are set by hand: there is no IKE to fail.
        public var isStatic = false
        /// Why a failure would not have been seen, a part of a sentence; nil where somebody watched.
        public var blindness: String?

        /// Makes circumstances of which nothing is known.
        public init() {}
    }

    /// The failure; nil when there is none or none is known.
    public let failure: IKEFailure?
    /// Who saw it; nil without a failure.
    public let origin: Origin?
    /// Why `failure` is nil, a sentence; nil where it is not.
    public let reason: String?

    /// Judges.
    ///
    /// Interface page §6; of several failures the one that says most:
    ///
    /// 1. identity, where the daemon or the provider's log name it
    /// 2. no common proposal
    /// 3. authentication
    /// 4. TEMPORARY_FAILURE
    /// 5. a refused child SA
    /// 6. no answer
    ///
    /// A failure is over when what it kept from happening happened later. What the probe saw counts
    /// where nobody saw the daemon fail: its offer is another, and it may come from another port.
    public init(_ sightings: [Sighting], _ circumstances: Circumstances) {
        guard !circumstances.isStatic else {
            self.init(nil, nil, "the keys are set by hand: no IKE daemon negotiates this tunnel")
            return
        }
        let standing = sightings.filter { !Self.isOver($0, circumstances) }
        let observed = standing.filter { $0.origin != .probe }
        let worst = (observed.isEmpty ? standing : observed)
            .min { Self.rank($0.proven) < Self.rank($1.proven) }
        if let worst {
            self.init(worst.proven, worst.origin, nil)
        } else {
            self.init(nil, nil, Self.reason(sightings, circumstances))
        }
    }

    private init(_ failure: IKEFailure?, _ origin: Origin?, _ reason: String?) {
        self.failure = failure
        self.origin = origin
        self.reason = reason
    }

    private static func rank(_ failure: IKEFailure) -> Int {
        switch failure {
        case .identity: 0
        case .noProposal: 1
        case .authentication: 2
        case .temporaryFailure: 3
        case .childRefused: 4
        case .noResponse: 5
        }
    }

    private static func isOver(_ sighting: Sighting, _ now: Circumstances) -> Bool {
        switch sighting.failure {
        case .noResponse, .noProposal, .authentication, .identity:
            // A peer that has answered the daemon is no proof against the probe's silence, but a
            // failure of nobody's SA is none.
            if sighting.origin == .probe, now.isUp == true { return true }
            guard let at = sighting.at, let upAt = now.upAt else { return now.isUp == true }
            return upAt >= at
        case .temporaryFailure, .childRefused:
            guard let at = sighting.at, let childUpAt = now.childUpAt else { return false }
            return childUpAt >= at
        }
    }

    private static func reason(_ sightings: [Sighting], _ now: Circumstances) -> String {
        if now.isUp == true {
            let past = sightings.contains { $0.origin != .probe }
            return "an IKE SA is up\(past ? ", what failed before it is over" : "")"
        }
        if !sightings.isEmpty { return "what failed is over: an SA came up later" }
        if now.hasAssociations == true { return "SAs are installed, and no failure was seen" }
        if let blindness = now.blindness {
            return "nobody watched when it failed: \(blindness)"
        }
        return "no failure was seen"
    }
}
