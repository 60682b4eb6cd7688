public import NetworkPrimitives
public import PacketFormats

/// Follows the IKE exchanges between hosts by what can be seen without their keys.
///
/// Takes datagrams in the order of their arrival, live or from a file. *Bound.* At most
/// `Settings.pairs` pairs of hosts and `Settings.associations` IKE SAs; for each SA the last eight
/// requests of either side. When a table is full, what was never answered makes room first, then what
/// was silent longest, so that a flood of made-up SPIs displaces itself.
public struct IKEExchangeTracker: Sendable {
    /// How much is remembered, and whose side this is.
    public struct Settings: Hashable, Sendable {
        /// The most pairs of hosts.
        public var pairs: Int
        /// The most IKE SAs.
        public var associations: Int
        /// Addresses of this host, or of the appliance that it watches.
        public var locals: Set<IPAddress>
        /// Addresses of hosts at the other end.
        public var remotes: Set<IPAddress>

        /// Makes settings.
        public init(
            pairs: Int = 64, associations: Int = 256, locals: Set<IPAddress> = [],
            remotes: Set<IPAddress> = []
        ) {
            self.pairs = max(pairs, 1)
            self.associations = max(associations, 1)
            self.locals = locals
            self.remotes = remotes
        }
    }

    /// Messages between hosts beyond those that are remembered.
    public private(set) var forgottenPairs: UInt64 = 0

    var settings: Settings
    var pairs: [HostPair: ObservedPair] = [:]
    var associations: [UInt64: ObservedAssociation] = [:]

    /// Makes a tracker that saw nothing.
    public init(settings: Settings = Settings()) {
        self.settings = settings
    }

    /// Follows other addresses; what is known of pairs stays.
    public mutating func adopt(_ settings: Settings) { self.settings = settings }

    /// Takes in a datagram.
    ///
    /// - Parameters:
    ///   - datagram: its headers.
    ///   - frame: the captured frame that it stands in.
    ///   - now: when it arrived; an instant before the last one's is taken as simultaneous.
    public mutating func receive(
        _ datagram: IKEDatagram, in frame: RawSpan, at now: MonotonicInstant
    ) {
        let bytes = frame.extracting(datagram.payload)
        // Behind a NAT, strongSwan keeps a mapping of port 500 alive like one of port 4500.
        if datagram.length == 1, bytes.byteCount == 1, bytes.uint8(at: 0) == 0xff {
            return receiveKeepalive(datagram.ip, at: now)
        }
        let key = pair(
            from: datagram.ip.source, to: datagram.ip.destination, at: now,
            isResponse: Self.isResponse(bytes))
        guard let direction = pairs[key]?.direction(from: datagram.ip.source) else { return }
        pairs[key]?.report[direction].messages &+= 1
        if datagram.ip.isFragment { pairs[key]?.report[direction].ipFragments &+= 1 }
        let message: IKEMessage
        do throws(IKEMessageError) {
            message = try IKEMessage(parsing: bytes, wireLength: datagram.length)
        } catch {
            switch error {
            case .truncated: pairs[key]?.report[direction].truncated &+= 1
            case .malformed: pairs[key]?.report[direction].malformed &+= 1
            }
            return
        }
        switch message.extent {
        case .complete: break
        case .truncated: pairs[key]?.report[direction].truncated &+= 1
        case .malformed, .excessive: pairs[key]?.report[direction].malformed &+= 1
        }
        guard message.header.majorVersion == 2 else {
            if message.isIKEv1 { pairs[key]?.report[direction].ikev1 &+= 1 }
            return
        }
        // A probe is nobody's negotiation: that it is refused or never completed is no failure.
        if IKEProbeMessage.isProbe(initiatorSPI: message.header.initiatorSPI) { return }
        // A message that contradicts itself is an exchange of nobody.
        if case .malformed = message.extent { return }
        if message.encrypted?.fragment != nil { pairs[key]?.report[direction].fragments &+= 1 }
        let arrival = Arrival(
            datagram: datagram, pair: key, direction: direction, now: now,
            fingerprint: messageFingerprint(bytes))
        follow(message, arrival)
    }

    /// Takes in a NAT keepalive, RFC 3948 §2.3.
    public mutating func receiveKeepalive(_ ip: IPHeader, at now: MonotonicInstant) {
        let key = HostPair(ip.source, ip.destination)
        // Between hosts that never spoke IKE it says nothing.
        guard let direction = pairs[key]?.direction(from: ip.source) else { return }
        pairs[key]?.report[direction].keepalives.note(now)
        pairs[key]?.report.lastSeen = now
    }

    /// What is known of a message's arrival.
    struct Arrival {
        let datagram: IKEDatagram
        let pair: HostPair
        let direction: TrafficDirection
        let now: MonotonicInstant
        let fingerprint: UInt64
    }

    // MARK: - Pairs

    /// The pair of hosts of a packet, remembered from now on.
    private mutating func pair(
        from source: IPAddress, to destination: IPAddress, at now: MonotonicInstant,
        isResponse: Bool
    ) -> HostPair {
        let key = HostPair(source, destination)
        if pairs[key] == nil {
            if pairs.count >= settings.pairs { forgetPair() }
            pairs[key] = placed(source, destination, isResponse: isResponse)
        }
        let before = pairs[key]?.report.lastSeen ?? now
        pairs[key]?.report.lastSeen = max(before, now)
        return key
    }

    /// A pair with its near and its far host.
    private func placed(
        _ source: IPAddress, _ destination: IPAddress, isResponse: Bool
    ) -> ObservedPair {
        func isWanted(_ local: IPAddress, _ remote: IPAddress) -> Bool {
            (settings.remotes.isEmpty || settings.remotes.contains(remote))
                && (settings.locals.isEmpty || settings.locals.contains(local))
        }
        let isSourceNear =
            settings.remotes.contains(destination) && !settings.remotes.contains(source)
            || settings.locals.contains(source) && !settings.locals.contains(destination)
        let isSourceFar =
            settings.remotes.contains(source) && !settings.remotes.contains(destination)
            || settings.locals.contains(destination) && !settings.locals.contains(source)
        let isKnown = isSourceNear != isSourceFar
        let isSourceLocal = isKnown ? isSourceNear : !isResponse
        let (local, remote) = isSourceLocal ? (source, destination) : (destination, source)
        return ObservedPair(
            local: local, remote: remote, isLocalKnown: isKnown,
            isWanted: isWanted(local, remote))
    }

    private static func isResponse(_ bytes: RawSpan) -> Bool {
        bytes.byteCount >= IKEHeader.byteCount
            && bytes.uint8(at: 19) & IKEHeader.responseFlag != 0
    }

    private mutating func forgetPair() {
        let oldest = pairs.min {
            let (left, right) = ($0.value, $1.value)
            if left.isWanted != right.isWanted { return right.isWanted }
            return left.report.lastSeen ?? .zero < right.report.lastSeen ?? .zero
        }
        guard let key = oldest?.key else { return }
        pairs[key] = nil
        associations = associations.filter { $0.value.pair != key }
        forgottenPairs &+= 1
    }

    // MARK: - Associations

    /// The IKE SA of a message, remembered from now on.
    mutating func association(
        of header: IKEHeader, _ arrival: Arrival
    ) -> ObservedAssociation {
        let isInitiator = header.isFromInitiator
        let initiatorDirection = isInitiator ? arrival.direction : arrival.direction.reversed
        guard var known = associations[header.initiatorSPI] else {
            if associations.count >= settings.associations { forgetAssociation(at: arrival.now) }
            pairs[arrival.pair]?.report.associations &+= 1
            return ObservedAssociation(
                pair: arrival.pair, initiatorDirection: initiatorDirection, at: arrival.now)
        }
        known.pair = arrival.pair
        known.initiatorDirection = initiatorDirection
        known.lastSeen = max(known.lastSeen, arrival.now)
        return known
    }

    private mutating func forgetAssociation(at now: MonotonicInstant) {
        let oldest = associations.min {
            let (left, right) = ($0.value, $1.value)
            if left.wasAnswered != right.wasAnswered { return right.wasAnswered }
            return left.lastSeen < right.lastSeen
        }
        guard let (spi, association) = oldest else { return }
        for isInitiator in [true, false] {
            for exchange in association[isInitiator] { settle(exchange, at: now) }
        }
        associations[spi] = nil
    }

    /// Counts a request that is forgotten and was not answered in time.
    mutating func settle(_ exchange: ObservedExchange, at now: MonotonicInstant) {
        guard exchange.isOverdue(at: now), !exchange.isCountedUnanswered else { return }
        pairs[exchange.pair]?.report[exchange.direction].unanswered &+= 1
    }
}

extension ObservedAssociation {
    /// Whether any of its requests was answered.
    fileprivate var wasAnswered: Bool {
        if case .undecided = outcome, case .asked = setup { return false }
        return true
    }
}
