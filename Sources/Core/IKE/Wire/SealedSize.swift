/// How many octets may be inside an encrypted payload of IKE, from its length and the proposal chosen.
///
/// RFC 7296 §3.14: an initialization vector, the payloads, padding, its length in one octet, the
/// check value.
struct SealedSize: Sendable {
    /// The lengths of initialization vector, padding's length and check value together; nil when the
    /// cipher is not known.
    private var overhead: Int?
    /// What padding fills up to.
    private var block = 16
    /// The length of a digest of the PRF, which proves who somebody is; nil when it is not known.
    private var proof: Int?

    /// The sizes under the proposal that was chosen; nil when none was seen.
    init(chosen: IKEProposal?) {
        let check: Int? =
            switch chosen?.transforms(of: .integrity).first?.number {
            case 1, 2, 5, 8: 12
            case 6, 12: 16
            case 7: 20
            case 13: 24
            case 14: 32
            default: nil
            }
        switch chosen?.transforms(of: .encryption).first?.number {
        // Ciphers that authenticate: a vector of 8 octets (RFC 5282, RFC 7634) and the tag.
        case 14, 18: (overhead, block) = (8 + 1 + 8, 4)
        case 15, 19: (overhead, block) = (8 + 1 + 12, 4)
        case 16, 20, 28: (overhead, block) = (8 + 1 + 16, 4)
        case 12, 23: overhead = check.map { 16 + 1 + $0 }
        default: break
        }
        switch chosen?.transforms(of: .pseudorandomFunction).first?.number {
        case 1, 4, 8: proof = 16
        case 2: proof = 20
        case 5: proof = 32
        case 6: proof = 48
        case 7: proof = 64
        default: break
        }
    }

    /// Whether `length` octets after the payload's header have room for one notify alone, of at most 12
    /// octets: without data, or with the SPI of a child SA.
    func isOneNotify(_ length: Int) -> Bool {
        // Of an unknown cipher the largest that any needs, SHA2-512: 16 + 16 + 32.
        guard let overhead else { return length <= 64 }
        return length > overhead && length < overhead + 12 + block
    }

    /// Whether there is no room for a child SA beside the proof of an identity by a shared secret; false
    /// when that is not known.
    ///
    /// The least are an IDr payload of 8 octets, AUTH of 8 and the digest, SA of 32 (one proposal with
    /// an SPI and two transforms), TSi and TSr of 24 each (RFC 7296 §3).
    func lacksChildSA(_ length: Int) -> Bool {
        guard let overhead, let proof else { return false }
        return length - overhead < 8 + 8 + proof + 32 + 24 + 24
    }
}
