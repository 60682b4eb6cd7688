/// A public value of a key exchange that belongs to nobody's secret.
///
/// A probe ends after IKE_SA_INIT: no key is ever derived, and nothing is encrypted. So no secret is
/// needed, and none is made; but a peer may check that the value is one of its group, and refuse or
/// ignore one that is not. Of the curves this is the generator itself (the public value of the secret
/// 1), of the prime groups a power of their generator 2 that is below the prime. Everybody may know
/// the secret behind it, which is why it may never be used for more than a probe.
enum PublicValue {
    /// The public value of a group in the octets of a Key Exchange payload (RFC 7296 §3.4, RFC 5903
    /// §7); nil of a group that has none here.
    static func octets(of group: IKEGroup) -> [UInt8]? {
        switch group.rawValue {
        case 19: hexadecimal(secp256r1)
        case 20: hexadecimal(secp384r1)
        // RFC 2409 §6.2, RFC 3526: the length in bits of each prime.
        case 2: power(bits: 1024)
        case 5: power(bits: 1536)
        case 14: power(bits: 2048)
        case 15: power(bits: 3072)
        case 16: power(bits: 4096)
        default: nil
        }
    }

    /// 2 to the power of three quarters of the prime's length, as long as the prime: the upper bits
    /// of all these primes are ones, so it is below the prime as it stands.
    private static func power(bits: Int) -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: bits / 8)
        octets[bits / 32] = 1
        return octets
    }

    /// SEC 2 §2.4.2: the generator, first x, then y.
    private static let secp256r1 =
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        + "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    /// SEC 2 §2.5.1.
    private static let secp384r1 =
        "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38"
        + "5502f25dbf55296c3a545e3872760ab7"
        + "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c0"
        + "0a60b1ce1d7e819d7a431d7c90ea0e5f"

    private static func hexadecimal(_ text: String) -> [UInt8] {
        let digits = text.utf8.map { $0 < 0x3a ? $0 - 0x30 : $0 - 0x57 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
