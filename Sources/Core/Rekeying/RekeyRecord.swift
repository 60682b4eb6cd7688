public import NetworkPrimitives

/// One replacement of a tunnel's inbound SA, timed.
public struct RekeyRecord: Equatable, Sendable {
    /// Where a rekey was noticed.
    public enum Origin: String, Sendable {
        /// The kernel told that the new SA was installed.
        case kernel
        /// The first packet of a new SPI, where no kernel at hand has the SA.
        case wire
    }

    /// How its observation ended.
    public enum Ending: Equatable, Sendable {
        /// It is still observed.
        case pending
        /// The former SPI fell silent, and the new one carries.
        case finished
        /// It did not come to that, and why.
        case unfinished(String)
    }

    /// Probes sent while traffic moved over.
    public struct Probes: Equatable, Sendable {
        /// Decided probes that were sent in that time.
        public var sent: Int
        /// Those of them that were lost.
        public var lost: Int

        /// Makes counts.
        public init(sent: Int, lost: Int) {
            self.sent = sent
            self.lost = lost
        }
    }

    /// The SPI that was replaced; nil when not seen.
    public var formerSPI: SPI?
    /// The new inbound SPI.
    public var spi: SPI
    /// Where it was noticed.
    public var origin: Origin
    /// When the new SA was installed, or first seen on the wire.
    public var installedAt: MonotonicInstant
    /// When the kernel removed the former SA; nil while it has not, or where it is not known.
    public var formerRemovedAt: MonotonicInstant?
    /// What arrived; nil before the first packet on the new SPI.
    public var arrivals: Succession.Arrivals?
    /// Packets that came for the former SA after it was deleted; nil while it is not.
    public var packetsForDeletedSPI: UInt64?
    /// Probes sent between `installedAt` and the 99 % point, 180 s at most; nil until that is over,
    /// or when they are not known.
    public var probes: Probes?
    /// The SPI that carried packets before this one had taken over; nil for none.
    public var overtakenBy: SPI?
    /// How the observation ended.
    public var ending = Ending.pending

    /// Makes a record of a rekey that has just begun.
    public init(
        formerSPI: SPI?, spi: SPI, installedAt: MonotonicInstant, origin: Origin = .kernel
    ) {
        self.formerSPI = formerSPI
        self.spi = spi
        self.origin = origin
        self.installedAt = installedAt
    }

    /// The time from `installedAt` to an instant of `arrivals`, never negative: a peer may use an SA
    /// before this host's kernel has told of it.
    public func delay(to instant: MonotonicInstant?) -> Duration? {
        instant.map { max(.zero, $0 - installedAt) }
    }

    /// From `installedAt` to the first packet on the new SPI.
    public var firstPacket: Duration? { delay(to: arrivals?.firstPacketAt) }
    /// From `installedAt` to the instant from which half of the arrivals are on the new SPI.
    public var half: Duration? { delay(to: arrivals?.halfAt) }
    /// From `installedAt` to the instant from which 99 % of the arrivals are on the new SPI.
    public var convergence: Duration? { delay(to: arrivals?.convergedAt) }
    /// From the first packet on the new SPI to the last on the old one; zero without one.
    public var tail: Duration? { arrivals?.tail }
}
