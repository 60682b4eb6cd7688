import NetworkPrimitives

@testable import ProviderChecks

/// An echo message as the capture of some device shows it.
@dynamicMemberLookup
struct SeenEcho {
    enum Direction { case inbound, outbound }

    var message: CheckObservation
    var place: CheckObservation.Place
    var direction: Direction

    init(
        at: MonotonicInstant, place: CheckObservation.Place, direction: Direction,
        kind: CheckObservation.Kind, source: IPAddress, destination: IPAddress,
        identifier: UInt16, sequence: UInt16, payloadHash: UInt64, payloadByteCount: Int,
        hopLimit: UInt8
    ) {
        message = CheckObservation(
            at: at, kind: kind, source: source, destination: destination,
            identifier: identifier, sequence: sequence, payloadHash: payloadHash,
            payloadByteCount: payloadByteCount, hopLimit: hopLimit)
        self.place = place
        self.direction = direction
    }

    subscript<Value>(dynamicMember path: WritableKeyPath<CheckObservation, Value>) -> Value {
        get { message[keyPath: path] }
        set { message[keyPath: path] = newValue }
    }
}

/// A tunnel with what all tunnels of its host share, told of all that the host's devices show.
@dynamicMemberLookup
struct LoneTunnel {
    static let exchange = EchoExchanges.Tunnel(number: 7, namespace: 1, device: 2, wan: 3)

    var watch: ProviderCheckWatch
    var exchanges = EchoExchanges()

    init(settings: ProviderCheckWatch.Settings, start: MonotonicInstant) {
        var settings = settings
        settings.tunnel = Self.exchange
        watch = ProviderCheckWatch(settings: settings, start: start)
    }

    subscript<Value>(dynamicMember path: KeyPath<ProviderCheckWatch, Value>) -> Value {
        watch[keyPath: path]
    }

    /// Entries of the tunnel's tables and of the shared ones.
    var heldCount: Int { watch.heldCount + exchanges.heldCount }

    mutating func receive(_ echo: SeenEcho) {
        guard echo.direction == .inbound else {
            let device =
                switch echo.place {
                case .tunnel: 2
                case .wan: 3
                case .otherTunnel: 4
                }
            exchanges.leave(
                echo.message,
                by: .init(device: device, namespace: 1, isTunnel: echo.place != .wan))
            return
        }
        guard echo.place == watch.settings.arrivalPlace else { return }
        watch.receive(echo.message, &exchanges)
    }

    mutating func advance(to now: MonotonicInstant) {
        while let due = exchanges.nextDue(at: now) { watch.judge(due, exchanges) }
        watch.advance(to: now)
    }

    mutating func lose(at instant: MonotonicInstant) { watch.lose(at: instant) }

    func report(at now: MonotonicInstant) -> ProviderChecksReport { watch.report(at: now) }
}
