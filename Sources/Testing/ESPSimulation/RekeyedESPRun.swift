public import NetworkPrimitives

/// One tunnel over many rekeys: SA after SA of the same senders, as they arrive.
///
/// At each rekey every sender learns of the new SA at its own time within the propagation, and sends
/// on the old one until then. Holds the packets on their way only, so hours are no matter.
public struct RekeyedESPRun: IteratorProtocol, Sendable {
    /// A packet, with the SA it belongs to; `packet.arrival` counts from the tunnel's start.
    public struct Arrival: Sendable {
        /// The SA's SPI.
        public var spi: SPI
        /// The how-manieth SA, from 0.
        public var generation: Int
        /// The packet.
        public var packet: SimulatedESPPacket
    }

    /// What is true of each SA so far, oldest first.
    public private(set) var truths: [ESPStreamTruth] = []

    private struct Association: Sendable {
        var generation: Int
        var offset: Int64
        var run: ESPStreamRun
        var head: SimulatedESPPacket?

        mutating func advance() {
            head = run.next()
            head?.arrival += offset
        }
    }

    private let simulation: ESPStreamSimulation
    private let interval: Double
    private let propagation: Double
    private let count: Int
    private var live: [Association] = []
    private var started = 0

    /// A tunnel of `count` SAs, a rekey every `interval` seconds, each reaching all senders within
    /// `propagation` seconds.
    ///
    /// `simulation` describes each SA but for its `duration`, `stagger` and `tail`.
    public init(
        _ simulation: ESPStreamSimulation, count: Int, interval: Double, propagation: Double
    ) {
        precondition(count > 0 && interval > 0 && propagation >= 0, "no tunnel")
        self.simulation = simulation
        self.interval = interval
        self.propagation = propagation
        self.count = count
        start()
    }

    /// The SPI of an SA.
    public static func spi(generation: Int) -> SPI {
        SPI(rawValue: 0xc0de_0001 &+ UInt32(truncatingIfNeeded: generation) &* 0x0101_0101)
    }

    /// The next packet to arrive; nil after the last.
    public mutating func next() -> Arrival? {
        while true {
            var first: Int?
            for position in live.indices {
                guard let head = live[position].head else { continue }
                if let known = first.flatMap({ live[$0].head }), known.arrival <= head.arrival {
                    continue
                }
                first = position
            }
            let begin = Int64(Double(started) * interval * 1e9)
            if started < count, first.flatMap({ live[$0].head })?.arrival ?? .max >= begin {
                start()
                continue
            }
            guard let first, let packet = live[first].head else { return nil }
            let generation = live[first].generation
            live[first].advance()
            if live[first].head == nil {
                truths[generation] = live[first].run.truth
                live.remove(at: first)
            }
            return Arrival(
                spi: Self.spi(generation: generation), generation: generation, packet: packet)
        }
    }

    private mutating func start() {
        var association = simulation
        association.fleet = simulation.fleet ?? simulation.seed
        association.seed = mixed(simulation.seed &+ UInt64(started))
        association.generation = UInt64(started)
        association.duration = interval
        association.stagger = propagation
        association.tail = started + 1 < count ? propagation : 0
        var entry = Association(
            generation: started, offset: Int64(Double(started) * interval * 1e9),
            run: ESPStreamRun(association))
        truths.append(entry.run.truth)
        entry.advance()
        live.append(entry)
        started += 1
    }
}
