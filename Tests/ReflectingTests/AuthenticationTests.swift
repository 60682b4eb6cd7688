import NetworkPrimitives
import Testing

@testable import Reflecting

@Suite struct AuthenticationTests {
    private static func hexadecimal(_ octets: [UInt8]) -> String {
        octets.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private func digest(_ octets: [UInt8]) -> String {
        var hash = SHA256()
        hash.update(octets)
        return Self.hexadecimal(hash.digest())
    }

    @Test func `the examples of FIPS 180 come out`() {
        #expect(
            digest([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            digest(Array("abc".utf8))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            digest(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        #expect(
            digest(Array(repeating: UInt8(ascii: "a"), count: 1_000_000))
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func `pieces hash like the whole, at every length around a block`() {
        for count in [55, 56, 57, 63, 64, 65, 119, 120, 128] {
            let octets = (0..<count).map { UInt8($0) }
            var hash = SHA256()
            hash.update(Array(octets[..<(count / 3)]))
            octets.withRawSpan { hash.update($0.extracting((count / 3)..<count)) }
            #expect(Self.hexadecimal(hash.digest()) == digest(octets), "\(count) octets")
        }
    }

    /// RFC 4231 §4.
    private static let vectors: [(key: [UInt8], message: [UInt8], tag: String)] = [
        (
            Array(repeating: 0x0b, count: 20), Array("Hi There".utf8),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            Array(repeating: 0xaa, count: 20), Array(repeating: 0xdd, count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        (
            Array(1...25), Array(repeating: 0xcd, count: 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        (
            Array(repeating: 0xaa, count: 131),
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        (
            Array(repeating: 0xaa, count: 131),
            Array(
                ("This is a test using a larger than block-size key and a larger than block-size "
                    + "data. The key needs to be hashed before being used by the HMAC algorithm.")
                    .utf8),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
        ),
    ]

    @Test func `the examples of RFC 4231 come out`() {
        for vector in Self.vectors {
            let authenticator = vector.key.withRawSpan { MessageAuthenticator(key: $0) }
            #expect(Self.hexadecimal(authenticator.tag(of: vector.message)) == vector.tag)
        }
        // Test case 5: a tag cut to 128 bits.
        let key = [UInt8](repeating: 0x0c, count: 20)
        let tag = key.withRawSpan { MessageAuthenticator(key: $0) }
            .tag(of: Array("Test With Truncation".utf8))
        #expect(Self.hexadecimal(Array(tag[..<16])) == "a3b6167473100ee06e0c796c2955552b")
    }

    @Test func `one wrong bit anywhere is found`() {
        let authenticator = Array("secret".utf8).withRawSpan { MessageAuthenticator(key: $0) }
        let message = (0..<20).map { UInt8($0) }
        let sealed = message + authenticator.tag(of: message)[..<16]
        func isAuthentic(_ octets: [UInt8]) -> Bool {
            octets.withRawSpan { authenticator.isAuthentic($0, upTo: 20, tagByteCount: 16) }
        }
        #expect(isAuthentic(sealed))
        for bit in 0..<(sealed.count * 8) {
            var damaged = sealed
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!isAuthentic(damaged), "bit \(bit)")
        }
    }

    @Test func `secrets are 16 octets or more, and their keys are not printed`() throws {
        func keys(_ count: Int) -> ReflectionKeys? {
            [UInt8](repeating: 7, count: count).withRawSpan { ReflectionKeys(secret: $0) }
        }
        #expect(keys(15) == nil)
        #expect(keys(16) != nil)
        #expect(keys(1024) != nil)
        #expect(keys(1025) == nil)
        let some = try #require(keys(32))
        #expect("\(some)" == "ReflectionKeys")
        var dumped = ""
        dump(some, to: &dumped)
        #expect(dumped == "- ReflectionKeys\n")
        // No two purposes share a key.
        let tags = [some.agent, some.reflector, some.probe].map { $0.tag(of: [1, 2, 3]) }
        #expect(Set(tags).count == 3)
    }
}
