import Foundation
import NetworkPrimitives
import SupportBundle
import Testing

@Suite struct SecretScanTests {
    private static let secret = Array("s3cret of the reflector, 32 oct.".utf8)

    private static func scan() -> SecretScan {
        var scan = SecretScan()
        secret.withRawSpan { scan.add($0, "the reflector's key") }
        return scan
    }

    @Test(arguments: [0, 1, 2, 3, 7])
    func `a known secret is found in every form, wherever it begins`(offset: Int) {
        let front = [UInt8](repeating: 0x21, count: offset)
        let framed = front + Self.secret + Array("tail".utf8)
        let hex = Self.secret.map { String(format: "%02x", $0) }.joined()
        for contents in [
            framed, front + Array(hex.utf8), front + Array(hex.uppercased().utf8),
            Array(Data(framed).base64EncodedString().utf8),
            [0, 1, 2] + Array(Data(Self.secret).base64EncodedString().utf8),
        ] {
            #expect(!Self.scan().findings(in: contents).isEmpty)
        }
    }

    @Test func `what is found is named and not shown`() {
        let found = Self.scan().findings(in: Self.secret)
        #expect(found == ["the reflector's key"])
    }

    @Test func `a part of a secret is none, nor a short one`() {
        #expect(Self.scan().findings(in: Array(Self.secret.dropLast())).isEmpty)
        var scan = SecretScan()
        Array("1234567".utf8).withRawSpan { scan.add($0, "x") }
        #expect(scan.findings(in: Array("12345678".utf8)).isEmpty)
    }

    @Test(arguments: [
        "aead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fa0 128",
        "\tenc cbc(aes) 0x000102030405060708090A0B0C0D0E0F",
        "  auth-trunc hmac(sha256) 0x000102030405060708090a0b0c0d0e0f10111213 128",
        "admin: $2y$10$abcdefghijklmnopqrstuvABCDEFGHIJKLMNOPQRSTUV0123456789abcd",
        "root:$6$saltsalt$0123456789abcdefABCDEF/.",
        "-----BEGIN RSA PRIVATE KEY-----",
        "x\n-----BEGIN PRIVATE KEY-----\n",
        "203.0.113.1 : PSK \"correct horse\"",
        "%any : PSK 0sc29tZXRoaW5n",
        "url = \"https://user:pa55word@example.net/x\"",
        "Authorization: Bearer abcdefghijklmnop1234",
    ])
    func `what looks like a secret is found`(line: String) {
        #expect(SecretScan().findings(in: Array(line.utf8)).count == 1, "\(line)")
    }

    @Test(arguments: [
        "spi 0xc0de0001 reqid 1 mode tunnel",
        "aead rfc4106(gcm(aes)) 128 bits of key",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "\"hash\": \"0x000102030405060708090a0b0c0d0e0f\"",
        "https://developers.example.com/path:port/page@2x.png",
        "http://[2001:db8::1]:9817/metrics", "PSK authentication failed", "price $5 and $6",
        "the SA's key is not shown", "bearer of news",
    ])
    func `what looks otherwise is left alone`(line: String) {
        #expect(SecretScan().findings(in: Array(line.utf8)).isEmpty, "\(line)")
    }

    @Test func `any octets may come`() {
        var state: UInt64 = 7
        for count in 0..<400 {
            let octets = (0..<count).map { _ -> UInt8 in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                // Of the characters that looks begin with.
                return Array("0x$2y$-BEGINPSK :/@\nBearer \0\u{7f}".utf8)[Int(state >> 33) % 28]
            }
            _ = SecretScan().findings(in: octets)
        }
    }
}
