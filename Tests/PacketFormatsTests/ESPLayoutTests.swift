import NetworkPrimitives
import PacketFormats
import Testing

@Suite struct ESPLayoutTests {
    /// The suites of algorithms §12, V4, with the outer lengths of 84 octets over IPv4, and of 1400
    /// over IPv4 with UDP and over IPv6.
    static let suites: [(ESPLayout, [Int])] = [
        (.aead, [140, 1464, 1476]),
        (.cipherBlockChaining(integrityCheckValue: 12), [152, 1472, 1484]),
        (.cipherBlockChaining(integrityCheckValue: 16), [156, 1476, 1488]),
        (.cipherBlockChaining(integrityCheckValue: 24), [164, 1484, 1496]),
        (.cipherBlockChaining(integrityCheckValue: 32), [172, 1492, 1504]),
        (.null(integrityCheckValue: 12), [128, 1452, 1464]),
        (.null(integrityCheckValue: 16), [132, 1456, 1468]),
    ]

    @Test(arguments: suites) func `outer lengths are those of vector V4`(
        layout: ESPLayout, lengths: [Int]
    ) {
        #expect(layout.outerLength(ofInner: 84, family: .v4, encapsulation: .esp) == lengths[0])
        #expect(layout.outerLength(ofInner: 1400, family: .v4, encapsulation: .udp) == lengths[1])
        #expect(layout.outerLength(ofInner: 1400, family: .v6, encapsulation: .esp) == lengths[2])
    }

    @Test(arguments: suites) func `what fits is the exact inverse`(
        layout: ESPLayout, lengths: [Int]
    ) {
        for family in [IPAddress.Family.v4, .v6] {
            for encapsulation in ESPEncapsulation.allCases {
                func outer(_ inner: Int) -> Int {
                    layout.outerLength(ofInner: inner, family: family, encapsulation: encapsulation)
                }
                for path in 600...1600 {
                    let inner = layout.longestInner(
                        inOuter: path, family: family, encapsulation: encapsulation)
                    #expect(outer(inner) <= path && path < outer(inner + 1))
                }
            }
        }
    }

    @Test func `a kernel's packets over paths of 1400, 1337 and 1500 were as long`() {
        // Measured inside packets through AES-GCM in a Linux namespace.
        let seen = [1400: 1346, 1337: 1282, 1500: 1446]
        for (path, inner) in seen {
            #expect(
                ESPLayout.aead.longestInner(inOuter: path, family: .v4, encapsulation: .esp)
                    == inner)
        }
    }

    @Test func `nothing fits a path shorter than the headers`() {
        #expect(ESPLayout.aead.longestInner(inOuter: 40, family: .v4, encapsulation: .esp) < 1)
    }
}
