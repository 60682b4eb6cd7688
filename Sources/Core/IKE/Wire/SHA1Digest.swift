/// SHA-1, RFC 3174: what NAT detection hashes addresses with (RFC 7296 §2.23).
///
/// Good for nothing else: it keeps no secret here, and proves nothing.
struct SHA1Digest {
    /// The digest's length in octets.
    static let byteCount = 20

    /// The digest of some octets.
    static func digest(of octets: [UInt8]) -> [UInt8] {
        var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
        // §4: one bit, zeros, the length in bits as a number of 64 bits, to whole blocks of 64 octets.
        var padded = octets
        padded.append(0x80)
        while padded.count % 64 != 56 { padded.append(0) }
        let bitCount = UInt64(octets.count) * 8
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            padded.append(UInt8(truncatingIfNeeded: bitCount >> shift))
        }
        var schedule = [UInt32](repeating: 0, count: 80)
        for start in stride(from: 0, to: padded.count, by: 64) {
            for index in 0..<16 {
                schedule[index] = padded[(start + index * 4)..<(start + index * 4 + 4)]
                    .reduce(0) { $0 << 8 | UInt32($1) }
            }
            for index in 16..<80 {
                schedule[index] = rotate(
                    schedule[index - 3] ^ schedule[index - 8] ^ schedule[index - 14]
                        ^ schedule[index - 16], by: 1)
            }
            compress(schedule, into: &state)
        }
        return state.flatMap { word in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) }
        }
    }

    /// RFC 3174 §6.1, steps c to e.
    private static func compress(_ schedule: [UInt32], into state: inout [UInt32]) {
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for index in 0..<80 {
            let mixed: UInt32
            let constant: UInt32
            switch index {
            case ..<20: (mixed, constant) = ((b & c) | (~b & d), 0x5a82_7999)
            case ..<40: (mixed, constant) = (b ^ c ^ d, 0x6ed9_eba1)
            case ..<60: (mixed, constant) = ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc)
            default: (mixed, constant) = (b ^ c ^ d, 0xca62_c1d6)
            }
            let next = rotate(a, by: 5) &+ mixed &+ e &+ schedule[index] &+ constant
            (e, d, c, b, a) = (d, c, rotate(b, by: 30), a, next)
        }
        for (index, value) in [a, b, c, d, e].enumerated() { state[index] &+= value }
    }

    private static func rotate(_ word: UInt32, by count: UInt32) -> UInt32 {
        word << count | word >> (32 - count)
    }
}
