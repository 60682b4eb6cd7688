public import NetworkPrimitives

/// One replacement of a tunnel's inbound SA, timed.
public struct RekeyRecord: Equatable, Sendable {
    /// The SPI that was replaced; nil when not seen.
    public var formerSPI: SPI?
    /// The new inbound SPI.
    public var spi: SPI
    /// When the new SA was installed, or first seen on the wire.
    public var installedAt: MonotonicInstant

    /// Makes a record of a rekey that has just begun.
    public init(formerSPI: SPI?, spi: SPI, installedAt: MonotonicInstant) {
        self.formerSPI = formerSPI
        self.spi = spi
        self.installedAt = installedAt
    }
}
