import NetworkPrimitives

// The two bodies that are more than a few numbers.

extension ControlMessage.Admission {
    /// Octets of the body that mean something.
    static let byteCount = 32

    /// Writes status, family, hop limit, lifetime, index limit, port and address.
    func append(to octets: inout [UInt8]) {
        octets.append(isBusy ? 1 : 0)
        octets.append(observed.address.familyOctet)
        octets += [hopLimit ?? 0, 0]
        octets.append(bigEndian: lifetimeSeconds)
        octets.append(bigEndian: indexLimit)
        octets.append(bigEndian: observed.port)
        octets += Array(repeating: 0, count: 6)
        octets.append(bigEndian: observed.address.bits)
    }

    /// Reads the start of `bytes`, which is long enough.
    init(parsing bytes: RawSpan) throws(ControlMessageError) {
        guard bytes.uint8(at: 0) <= 1, bytes.uint8(at: 3) == 0,
            bytes.bigEndianUInt16(at: 10) == 0, bytes.bigEndianUInt32(at: 12) == 0,
            let address = IPAddress(
                familyOctet: bytes.uint8(at: 1), bits: bytes.bigEndianUInt128(at: 16))
        else { throw .malformed }
        isBusy = bytes.uint8(at: 0) == 1
        hopLimit = bytes.uint8(at: 2) == 0 ? nil : bytes.uint8(at: 2)
        lifetimeSeconds = bytes.bigEndianUInt16(at: 4)
        indexLimit = bytes.bigEndianUInt16(at: 6)
        observed = Endpoint(address: address, port: bytes.bigEndianUInt16(at: 8))
    }
}

extension Receipt {
    /// Octets of the body that mean something.
    static let byteCount = 88

    /// Writes both kinds, then the answers, what was sent, and where from the probes came.
    func append(to octets: inout [UInt8]) {
        replies.append(to: &octets)
        requests.append(to: &octets)
        for number in [answers, duplicateAnswers, sentReplies, sentRequests, refused] {
            octets.append(bigEndian: number)
        }
        octets.append(source?.familyOctet ?? 0)
        octets += [hasOtherSources ? 1 : 0, 0, 0]
        octets.append(bigEndian: source?.bits ?? 0)
    }

    /// Reads the start of `bytes`, which is long enough.
    init(parsing bytes: RawSpan) throws(ControlMessageError) {
        replies = try Arrivals(parsing: bytes.extracting(0..<24))
        requests = try Arrivals(parsing: bytes.extracting(24..<48))
        answers = bytes.bigEndianUInt32(at: 48)
        duplicateAnswers = bytes.bigEndianUInt32(at: 52)
        sentReplies = bytes.bigEndianUInt32(at: 56)
        sentRequests = bytes.bigEndianUInt32(at: 60)
        refused = bytes.bigEndianUInt32(at: 64)
        let (family, bits) = (bytes.uint8(at: 68), bytes.bigEndianUInt128(at: 72))
        source = IPAddress(familyOctet: family, bits: bits)
        guard source != nil || family == 0 && bits == 0, bytes.uint8(at: 69) <= 1,
            bytes.bigEndianUInt16(at: 70) == 0
        else { throw .malformed }
        hasOtherSources = bytes.uint8(at: 69) == 1
    }
}

extension Receipt.Arrivals {
    private static let never = UInt32.max

    fileprivate func append(to octets: inout [UInt8]) {
        for number in [received, duplicates, reordered] { octets.append(bigEndian: number) }
        octets.append(bigEndian: firstMicroseconds ?? Self.never)
        octets.append(bigEndian: lastMicroseconds ?? Self.never)
        octets += [hopLimits?.lowerBound ?? 0, hopLimits?.upperBound ?? 0, 0, 0]
    }

    fileprivate init(parsing bytes: RawSpan) throws(ControlMessageError) {
        received = bytes.bigEndianUInt32(at: 0)
        duplicates = bytes.bigEndianUInt32(at: 4)
        reordered = bytes.bigEndianUInt32(at: 8)
        let (first, last) = (bytes.bigEndianUInt32(at: 12), bytes.bigEndianUInt32(at: 16))
        firstMicroseconds = first == Self.never ? nil : first
        lastMicroseconds = last == Self.never ? nil : last
        let (low, high) = (bytes.uint8(at: 20), bytes.uint8(at: 21))
        // Hop limit 0 does not arrive (RFC 1122 §3.2.1.7): it stands for "not known".
        guard low <= high, low > 0 || high == 0, bytes.bigEndianUInt16(at: 22) == 0
        else { throw .malformed }
        hopLimits = low > 0 ? low...high : nil
    }
}

extension IPAddress {
    /// 4 or 6, as in the first octet of an IP packet.
    fileprivate var familyOctet: UInt8 { family == .v4 ? 4 : 6 }

    /// The address as a number of 128 bits, an IPv4 address in the lower 32.
    fileprivate var bits: UInt128 {
        switch self {
        case .v4(let bits): UInt128(bits)
        case .v6(let bits): bits
        }
    }

    /// Reads what the two above give; nil for another family, or an IPv4 address of more bits.
    fileprivate init?(familyOctet: UInt8, bits: UInt128) {
        switch familyOctet {
        case 4 where bits <= UInt128(UInt32.max): self = .v4(UInt32(truncatingIfNeeded: bits))
        case 6: self = .v6(bits)
        default: return nil
        }
    }
}
