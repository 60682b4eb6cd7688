internal import CCrypt
internal import Glibc

/// A password's bcrypt hash, as `htpasswd -B` prints it.
struct BcryptHash: Sendable {
    /// "$2y$10$" with 22 characters of salt and 31 of hash.
    let text: String

    /// Nil when the text has not the form of crypt(5)'s bcrypt with prefix 2a, 2b or 2y.
    ///
    /// The prefix 2x is left out: it marks hashes of a broken implementation.
    init?(_ text: String) {
        let octets = Array(text.utf8)
        guard octets.count == 60, ["$2a$", "$2b$", "$2y$"].contains(where: text.hasPrefix),
            octets[6] == UInt8(ascii: "$"),
            octets[4...5].allSatisfy({ (0x30...0x39).contains($0) }),
            let cost = Int(String(decoding: octets[4...5], as: UTF8.self)), (4...31).contains(cost)
        else { return nil }
        let isValid = octets[7...].allSatisfy {
            switch $0 {
            case 0x2e...0x39, 0x41...0x5a, 0x61...0x7a: true  // . / 0-9 A-Z a-z
            default: false
            }
        }
        guard isValid else { return nil }
        self.text = text
    }

    /// Whether the password has this hash.
    ///
    /// Takes about 2^cost · 70 µs, so never on an event loop.
    func matches(password: [UInt8]) -> Bool {
        // crypt(3) takes C strings: what follows a NUL would not count.
        guard !password.contains(0), password.count < Int(CRYPT_MAX_PASSPHRASE_SIZE) else {
            return false
        }
        let size = MemoryLayout<crypt_data>.size
        let scratch = UnsafeMutableRawPointer.allocate(
            byteCount: size, alignment: MemoryLayout<crypt_data>.alignment)
        unsafe memset(scratch, 0, size)
        defer {
            unsafe explicit_bzero(scratch, size)
            unsafe scratch.deallocate()
        }
        var phrase = (password + [0]).map { CChar(bitPattern: $0) }
        defer { unsafe explicit_bzero(&phrase, phrase.count) }
        guard let output = unsafe crypt_rn(phrase, text, scratch, CInt(size)) else { return false }
        let computed = unsafe String(cString: output)
        return isEqualInConstantTime(Array(computed.utf8), Array(text.utf8))
    }
}

/// Compares without telling by the time it takes where the first difference is.
func isEqualInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    var difference: UInt8 = left.count == right.count ? 0 : 1
    for index in 0..<min(left.count, right.count) { difference |= left[index] ^ right[index] }
    return difference == 0
}
