import NetworkPrimitives
import Rekeying

/// An instant so many seconds after the start.
func instant(_ seconds: Double) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: Int64(seconds * 1e9))
}

func spi(_ number: UInt32) -> SPI { SPI(rawValue: number) }

/// One arrival.
struct Arrival {
    var spi: UInt32
    var at: Double

    init(_ spi: UInt32, _ at: Double) {
        self.spi = spi
        self.at = at
    }
}

/// The x % point by its definition, in quadratic time: the first packet from which on every stretch has
/// `percent` % at least on the new SPI.
func pointByDefinition(
    _ arrivals: [(isNew: Bool, at: MonotonicInstant)], percent: Int
) -> MonotonicInstant? {
    for start in arrivals.indices {
        var new = 0
        let holds = (start..<arrivals.count).allSatisfy { end in
            if arrivals[end].isNew { new += 1 }
            return new * 100 >= percent * (end - start + 1)
        }
        if holds { return arrivals[start].at }
    }
    return nil
}

extension SuccessionWatch {
    /// Feeds arrivals in order, with a look each second.
    mutating func receive(_ arrivals: [Arrival]) {
        var look = 0.0
        for arrival in arrivals {
            while look < arrival.at {
                advance(to: instant(look))
                look += 1
            }
            receive(SPI(rawValue: arrival.spi), at: instant(arrival.at))
        }
    }
}

/// Packets on an SPI at an even pace.
func packets(on spi: UInt32, from start: Double, to end: Double, every gap: Double) -> [Arrival] {
    stride(from: start, to: end, by: gap).map { Arrival(spi, $0) }
}
