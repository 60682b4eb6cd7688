import NetworkPrimitives

/// Walks the lines of what the kernel prints under /proc, in place; any octets will do.
struct TextLines {
    private var position = 0

    /// The next line without its end, nil after the last.
    mutating func next(in text: RawSpan) -> Range<Int>? {
        guard position < text.byteCount else { return nil }
        let start = position
        while position < text.byteCount, text.uint8(at: position) != 0x0a { position += 1 }
        defer { position += 1 }
        return start..<position
    }
}

extension RawSpan {
    /// The fields of a line, by blanks and tabs; nothing beyond `limit` of them.
    func fields(of line: Range<Int>, atMost limit: Int) -> [Range<Int>] {
        var fields: [Range<Int>] = []
        var start: Int?
        for offset in line {
            switch uint8(at: offset) {
            case 0x20, 0x09, 0x0d:
                if let from = start { fields.append(from..<offset) }
                start = nil
                guard fields.count < limit else { return fields }
            default:
                start = start ?? offset
            }
        }
        if let from = start { fields.append(from..<line.upperBound) }
        return fields
    }

    /// A counter's name, nil for what the kernel does not name one.
    func counterName(_ field: Range<Int>) -> String? {
        guard field.count <= NamedCounters.nameByteLimit else { return nil }
        var octets: [UInt8] = []
        for offset in field {
            let octet = uint8(at: offset)
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                octets.append(octet)
            default: return nil
            }
        }
        return octets.isEmpty ? nil : String(decoding: octets, as: UTF8.self)
    }

    /// The name before the colon that opens a line of a table.
    func counterGroup(_ field: Range<Int>) -> String? {
        guard let last = field.last, uint8(at: last) == UInt8(ascii: ":") else { return nil }
        return counterName(field.lowerBound..<last)
    }

    /// A number without sign, nil for anything else and for one over 64 bits.
    func number(_ field: Range<Int>) -> UInt64? {
        var number: UInt64 = 0
        for offset in field {
            let digit = uint8(at: offset) &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (tens, carried) = number.multipliedReportingOverflow(by: 10)
            let (sum, carriedAgain) = tens.addingReportingOverflow(UInt64(digit))
            guard !carried, !carriedAgain else { return nil }
            number = sum
        }
        return field.isEmpty ? nil : number
    }
}
