import NetworkPrimitives
import Rekeying
import Testing

@Suite struct RekeyRecordTests {
    @Test func `a record begins with its SA`() {
        let record = RekeyRecord(
            formerSPI: nil, spi: SPI(rawValue: 7), installedAt: MonotonicInstant(nanoseconds: 5))
        #expect(record.spi == SPI(rawValue: 7))
    }
}
