import Foundation
import KernelState
import NetworkPrimitives
import Testing

@testable import Netlink

/// SAs of a real kernel, where it has ESP.
@Suite(.enabled(if: hasESP, "this kernel has no ESP; the lab's kernel has"))
struct SecurityAssociationDumpTests {
    @Test func `SAs are those of ip xfrm state`() throws {
        let namespace = try NamespaceFixture()
        try namespace.ip(
            """
            xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0xc0de0001 reqid 5 \
            mode tunnel mark 42 mask 0xff aead rfc4106(gcm(aes)) \
            0x0101010101010101010101010101010101010101010101010101010101010101aabbccdd 128 \
            flag esn replay-window 4096
            """)
        try namespace.ip(
            """
            xfrm state add src 2001:db8::1 dst 2001:db8::2 proto esp spi 0xc0de0002 \
            mode transport if_id 9 enc cbc(aes) 0x02020202020202020202020202020202 \
            auth-trunc hmac(sha256) \
            0x0303030303030303030303030303030303030303030303030303030303030303 128 \
            replay-window 32
            """)
        let reader = try KernelReader(namespace: namespace.name)
        let associations = try reader.associations()
        #expect(associations.count == 2)
        let first = try #require(associations.first { $0.spi.rawValue == 0xc0de_0001 })
        #expect(first.source == IPAddress("192.0.2.1"))
        #expect(first.destination == IPAddress("192.0.2.2"))
        #expect(first.requestID == 5)
        #expect((first.mark, first.markMask) == (42, 0xff))
        #expect(first.replayWindow == 4096)
        #expect(first.extendedSequenceNumbers)
        #expect(
            first.cipher
                == Algorithm(name: "rfc4106(gcm(aes))", keyBits: 256, integrityCheckBits: 128))
        let second = try #require(associations.first { $0.spi.rawValue == 0xc0de_0002 })
        #expect(second.source == IPAddress("2001:db8::1"))
        #expect(second.mode == .transport)
        #expect(second.interfaceID == 9)
        #expect(second.replayWindow == 32)
        #expect(second.cipher == Algorithm(name: "cbc(aes)", keyBits: 128))
        #expect(
            second.integrity
                == Algorithm(name: "hmac(sha256)", keyBits: 256, integrityCheckBits: 128))
        let age = try #require(first.addedAt).unixSeconds - Date().timeIntervalSince1970
        #expect(abs(age) < 10)
        #expect(reader.malformedMessages == 0)
    }

    @Test func `no key is in memory after a dump`() throws {
        let namespace = try NamespaceFixture()
        let key = MaskedKey()
        for number in 1...50 {
            try namespace.ip(
                """
                xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi \(0x1000 + number) \
                mode tunnel aead rfc4106(gcm(aes)) 0x\(key.hexadecimal)aabbccdd 128
                """)
        }
        let reader = try KernelReader(namespace: namespace.name)
        for _ in 0..<3 { #expect(try reader.associations().count == 50) }
        // With the reader's buffer still mapped.
        let occurrences = try withExtendedLifetime(reader) {
            try key.occurrencesInThisProcess()
        }
        #expect(occurrences == 0)
    }
}

/// Whether the running kernel takes an ESP SA.
let hasESP: Bool = {
    do {
        let namespace = try NamespaceFixture()
        try namespace.ip(
            """
            xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x100 mode tunnel \
            aead rfc4106(gcm(aes)) 0x0101010101010101010101010101010101010101 128
            """)
        return true
    } catch {
        return false
    }
}()
