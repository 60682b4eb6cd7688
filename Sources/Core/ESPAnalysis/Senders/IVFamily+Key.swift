extension IVFamily {
    /// What names the sender of a packet, if the IVs are of this family (algorithms §4).
    @inline(__always)
    func key(initializationVector: UInt64, sequence: UInt32) -> UInt64 {
        switch self {
        case .xor: initializationVector ^ UInt64(sequence)
        case .difference: initializationVector &- UInt64(sequence)
        case .prefix32: initializationVector >> 32
        case .prefix24: initializationVector >> 40
        case .prefix16: initializationVector >> 48
        }
    }

    /// How many bits a key has.
    var keyBitWidth: Int {
        switch self {
        case .xor, .difference: 64
        case .prefix32: 32
        case .prefix24: 24
        case .prefix16: 16
        }
    }

    /// A key as hexadecimal digits, all of them.
    func name(of key: UInt64) -> String {
        let digits = String(key, radix: 16)
        return String(repeating: "0", count: max(0, keyBitWidth / 4 - digits.count)) + digits
    }
}
