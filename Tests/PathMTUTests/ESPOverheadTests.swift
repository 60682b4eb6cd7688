import NetworkPrimitives
import PathMTU
import Testing

@Suite struct ESPOverheadTests {
    @Test func `adds 56 octets to a packet of 84 with AES-GCM`() {
        let overhead = ESPOverhead(
            suite: ESPSuite(ivByteCount: 8, icvByteCount: 16, alignment: 4), family: .v4)
        #expect(overhead.outerByteCount(inner: 84) == 140)
    }
}
