import NetworkPrimitives
import PathMTU
import Testing

@Suite struct ESPOverheadTests {
    /// Kernel names and check lengths of everything that ESP is used with.
    static let suites:
        [(cipher: String, checkBits: Int?, integrity: String?, integrityBits: Int?)] = {
            var all: [(String, Int?, String?, Int?)] = [
                ("rfc7539esp(chacha20,poly1305)", 128, nil, nil)
            ]
            for name in ["rfc4106(gcm(aes))", "rfc4309(ccm(aes))", "rfc4543(gcm(aes))"] {
                for bits in [64, 96, 128] { all.append((name, bits, nil, nil)) }
            }
            for cipher in ["cbc(aes)", "cbc(des3_ede)", "rfc3686(ctr(aes))", "ecb(cipher_null)"] {
                for (name, bits) in [
                    ("hmac(md5)", 96), ("hmac(sha1)", 96), ("hmac(sha256)", 96),
                    ("hmac(sha256)", 128),
                    ("hmac(sha384)", 192), ("hmac(sha512)", 256), ("xcbc(aes)", 96),
                    ("cmac(aes)", 96),
                ] {
                    all.append((cipher, nil, name, bits))
                }
            }
            return all
        }()

    static func suite(
        _ cipher: String?, _ checkBits: Int? = nil, _ integrity: String? = nil,
        _ integrityBits: Int? = nil
    ) throws -> ESPSuite {
        try ESPSuite(
            cipher: cipher, cipherCheckBits: checkBits, integrity: integrity,
            integrityBits: integrityBits)
    }

    /// The suites of the reference table, in its order.
    static func table() throws -> [ESPSuite] {
        [
            try suite("rfc4106(gcm(aes))", 128), try suite("cbc(aes)", nil, "hmac(sha1)", 96),
            try suite("cbc(aes)", nil, "hmac(sha256)", 128),
            try suite("cbc(aes)", nil, "hmac(sha384)", 192),
            try suite("cbc(aes)", nil, "hmac(sha512)", 256),
            try suite("ecb(cipher_null)", nil, "hmac(sha1)", 96),
            try suite("ecb(cipher_null)", nil, "hmac(sha256)", 128),
        ]
    }

    @Test func `makes the outer lengths of the reference vectors`() throws {
        let expected = [
            [140, 1464, 1476], [152, 1472, 1484], [156, 1476, 1488], [164, 1484, 1496],
            [172, 1492, 1504], [128, 1452, 1464], [132, 1456, 1468],
        ]
        for (suite, lengths) in zip(try Self.table(), expected) {
            let plain = ESPOverhead(suite: suite, family: .v4)
            let udp = ESPOverhead(suite: suite, family: .v4, isUDPEncapsulated: true)
            let six = ESPOverhead(suite: suite, family: .v6)
            #expect(
                [
                    plain.outerByteCount(inner: 84), udp.outerByteCount(inner: 1400),
                    six.outerByteCount(inner: 1400),
                ] == lengths)
        }
    }

    @Test func `fits what the reference table says into 1500 and 1492 octets`() throws {
        let expected: [Int: [[Int]]] = [
            1500: [
                [1446, 1438, 1426, 1418], [1438, 1422, 1422, 1406], [1438, 1422, 1406, 1406],
                [1422, 1422, 1406, 1390], [1422, 1406, 1390, 1390], [1458, 1450, 1438, 1430],
                [1454, 1446, 1434, 1426],
            ],
            1492: [
                [1438, 1430, 1418, 1410], [1422, 1422, 1406, 1406], [1422, 1422, 1406, 1390],
                [1422, 1406, 1390, 1390], [1406, 1406, 1390, 1374],
            ],
        ]
        for (outer, rows) in expected {
            for (suite, row) in zip(try Self.table(), rows) {
                let fitting = [IPAddress.Family.v4, .v6].flatMap { family in
                    [false, true].map {
                        ESPOverhead(suite: suite, family: family, isUDPEncapsulated: $0)
                            .innerByteCount(outer: outer)
                    }
                }
                #expect(fitting == row)
            }
        }
        let ranges = [54...57, 58...73, 62...77, 70...85, 78...93, 42...45, 46...49]
        for (suite, range) in zip(try Self.table(), ranges) {
            let overhead = ESPOverhead(suite: suite, family: .v4)
            let added = (1000..<1400).map { overhead.outerByteCount(inner: $0) - $0 }
            #expect(added.min() == range.lowerBound && added.max() == range.upperBound)
            #expect(overhead.leastOverhead == range.lowerBound)
        }
    }

    @Test func `inverts the size of the outer packet exactly for every suite`() throws {
        #expect(Self.suites.count == 42)
        for entry in Self.suites {
            let suite = try Self.suite(
                entry.cipher, entry.checkBits, entry.integrity, entry.integrityBits)
            for family in [IPAddress.Family.v4, .v6] {
                for isUDP in [false, true] {
                    for isTransport in [false, true] {
                        let overhead = ESPOverhead(
                            suite: suite, family: family, isUDPEncapsulated: isUDP,
                            isTransportMode: isTransport)
                        for outer in 600...1600 {
                            let inner = try #require(overhead.innerByteCount(outer: outer))
                            let packet = try #require(overhead.packetByteCount(outer: outer))
                            if overhead.outerByteCount(inner: inner) > outer
                                || overhead.outerByteCount(inner: inner + 1) <= outer
                                || overhead.outerByteCount(packet: packet) > outer
                                || overhead.outerByteCount(packet: packet + 1) <= outer
                            {
                                Issue.record("\(entry) \(overhead) \(outer)")
                            }
                        }
                    }
                }
            }
        }
    }

    @Test func `knows no size where nothing fits`() throws {
        let overhead = ESPOverhead(
            suite: try Self.suite("cbc(aes)", nil, "hmac(sha256)", 128), family: .v6)
        // 40 + 8 + 16 + 16 + 16 octets hold an empty payload with its trailer.
        #expect(overhead.innerByteCount(outer: 95) == nil)
        #expect(overhead.innerByteCount(outer: 96) == 14)
        #expect(overhead.innerByteCount(outer: 0) == nil)
        #expect(overhead.innerByteCount(outer: -1) == nil)
    }

    @Test func `says why lengths are not known`() {
        func reason(
            _ cipher: String?, _ checkBits: Int? = nil, _ integrity: String? = nil,
            _ integrityBits: Int? = nil
        ) -> String? {
            do throws(ESPSuite.Unknown) {
                _ = try ESPSuite(
                    cipher: cipher, cipherCheckBits: checkBits, integrity: integrity,
                    integrityBits: integrityBits)
                return nil
            } catch { return error.reason }
        }
        #expect(reason("cbc(foo)", nil, "hmac(sha1)", 96) == "the cipher cbc(foo) is not known")
        #expect(
            reason("rfc4106(gcm(aes))")
                == "the length of rfc4106(gcm(aes))'s check value is not told")
        #expect(
            reason("rfc4106(gcm(aes))", 32) == "rfc4106(gcm(aes)) has no check value of 32 bits")
        #expect(
            reason("rfc7539esp(chacha20,poly1305)", 96)
                == "rfc7539esp(chacha20,poly1305) has no check value of 96 bits")
        #expect(
            reason("rfc4106(gcm(aes))", 128, "hmac(sha1)", 96)
                == "rfc4106(gcm(aes)) has a check value of its own beside hmac(sha1)")
        #expect(
            reason("cbc(aes)", nil, "hmac(foo)", 96)
                == "the integrity algorithm hmac(foo) is not known")
        #expect(
            reason("cbc(aes)", nil, "hmac(sha256)")
                == "the length to which hmac(sha256) is truncated is not told")
        #expect(
            reason("cbc(aes)", nil, "hmac(sha1)", 256)
                == "hmac(sha1) cannot be truncated to 256 bits")
        #expect(
            reason("cbc(aes)", nil, "hmac(sha1)", 97)
                == "hmac(sha1) cannot be truncated to 97 bits")
        #expect(reason(nil, nil, "hmac(sha1)", 96) == nil)
        #expect(reason("cbc(aes)") == nil)
    }

    @Test func `counts what GRE adds`() {
        #expect(GREOverhead(family: .v4).byteCount == 24)
        #expect(GREOverhead(family: .v4, hasKey: true).byteCount == 28)
        #expect(GREOverhead(family: .v6).byteCount == 44)
        #expect(TunnelOverhead.gre(GREOverhead(family: .v4)).packetByteCount(outer: 1500) == 1476)
        #expect(TunnelOverhead.gre(GREOverhead(family: .v4)).packetByteCount(outer: 24) == nil)
        #expect(TunnelOverhead.unknown(reason: "x").packetByteCount(outer: 1500) == nil)
    }
}
