/// The lengths that decide how large an ESP packet becomes.
public struct ESPSuite: Hashable, Sendable {
    /// Why the lengths of an SA's transforms are not known.
    public struct Unknown: Error, Hashable {
        /// The reason, in words.
        public var reason: String

        /// Makes an error.
        public init(reason: String) { self.reason = reason }
    }

    /// Octets of the initialization vector before the ciphertext.
    public var ivByteCount: Int
    /// Octets of the integrity check value at the end.
    public var icvByteCount: Int
    /// What the ciphertext's length is a multiple of: the cipher's block, and at least 4
    /// (RFC 4303 §2.4).
    public var alignment: Int

    /// Makes a suite of known lengths.
    public init(ivByteCount: Int, icvByteCount: Int, alignment: Int) {
        self.ivByteCount = ivByteCount
        self.icvByteCount = icvByteCount
        self.alignment = alignment
    }

    /// Looks up the lengths of a kernel's algorithms.
    ///
    /// - Parameters:
    ///   - cipher: the kernel's name of the AEAD or encryption algorithm, like `rfc4106(gcm(aes))` or
    ///     `cbc(aes)`; nil for none, which ESP takes for NULL.
    ///   - cipherCheckBits: the length of an AEAD algorithm's check value in bits; nil for a cipher
    ///     that has none.
    ///   - integrity: the kernel's name of the integrity algorithm, like `hmac(sha256)`; nil for none.
    ///   - integrityBits: the length to which it is truncated, in bits.
    /// - Throws: `Unknown` for names that are not known here and for lengths that cannot be.
    public init(
        cipher: String?, cipherCheckBits: Int?, integrity: String?, integrityBits: Int?
    ) throws(Unknown) {
        let name = cipher ?? "ecb(cipher_null)"
        if let iv = Self.combinedIV(name) {
            guard integrity == nil else {
                throw Unknown(
                    reason: "\(name) has a check value of its own beside \(integrity ?? "")")
            }
            guard let bits = cipherCheckBits else {
                throw Unknown(reason: "the length of \(name)'s check value is not told")
            }
            // RFC 4106 §6, RFC 4309 §6 and RFC 4543 §6 have these; RFC 7634 §2 the whole tag only.
            let isAllowed = name.contains("poly1305") ? bits == 128 : [64, 96, 128].contains(bits)
            guard isAllowed else {
                throw Unknown(reason: "\(name) has no check value of \(bits) bits")
            }
            self.init(ivByteCount: iv, icvByteCount: bits / 8, alignment: 4)
            return
        }
        guard let block = Self.block(name) else {
            throw Unknown(reason: "the cipher \(name) is not known")
        }
        let icv = try Self.checkValue(of: integrity, bits: integrityBits)
        // A block cipher's IV is a block (RFC 2451 §3); NULL has none (RFC 2410 §2); counter mode sends
        // eight octets of its counter block (RFC 3686 §3.1).
        let iv = name.hasPrefix("rfc3686(") ? 8 : block == 1 ? 0 : block
        self.init(ivByteCount: iv, icvByteCount: icv, alignment: max(4, block))
    }

    /// The IV of an algorithm that encrypts and authenticates in one; nil for others.
    private static func combinedIV(_ name: String) -> Int? {
        for prefix in ["rfc4106(gcm(", "rfc4309(ccm(", "rfc4543(gcm(", "rfc7539esp("]
        where name.hasPrefix(prefix) {
            return 8
        }
        return nil
    }

    /// The block of a plain cipher; 1 for those that have none, nil for unknown ones.
    private static func block(_ name: String) -> Int? {
        switch name {
        case "ecb(cipher_null)", "cipher_null", "rfc3686(ctr(aes))": 1
        case "cbc(aes)", "cbc(camellia)", "cbc(serpent)", "cbc(twofish)", "cbc(sm4)": 16
        case "cbc(des3_ede)", "cbc(des)", "cbc(blowfish)", "cbc(cast5)": 8
        default: nil
        }
    }

    private static func checkValue(
        of integrity: String?, bits: Int?
    ) throws(Unknown) -> Int {
        guard let integrity, integrity != "digest_null" else { return 0 }
        let digests = [
            "hmac(md5)": 128, "hmac(sha1)": 160, "hmac(sha256)": 256, "hmac(sha384)": 384,
            "hmac(sha512)": 512, "hmac(rmd160)": 160, "hmac(sm3)": 256, "xcbc(aes)": 128,
            "cmac(aes)": 128,
        ]
        guard let digest = digests[integrity] else {
            throw Unknown(reason: "the integrity algorithm \(integrity) is not known")
        }
        // HMAC-SHA-256 alone has two truncations in use: 128 (RFC 4868) and, from old Linux, 96.
        guard let bits else {
            throw Unknown(reason: "the length to which \(integrity) is truncated is not told")
        }
        guard bits > 0, bits <= digest, bits.isMultiple(of: 8) else {
            throw Unknown(reason: "\(integrity) cannot be truncated to \(bits) bits")
        }
        return bits / 8
    }
}
