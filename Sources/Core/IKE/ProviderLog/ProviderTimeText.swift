import NetworkPrimitives

/// A time of the dataset and how it is written.
struct ProviderTimeText {
    var time: WallTime
    var format: ProviderTimeFormat

    private init(_ time: WallTime, _ format: ProviderTimeFormat) {
        self.time = time
        self.format = format
    }

    /// Reads the text of a string or of a number; nil where it is no time.
    ///
    /// The magnitude of a number tells its unit: 1973 to 5138 in each.
    init?(_ text: ArraySlice<UInt8>) {
        guard let first = text.first, text.count <= 64 else { return nil }
        if text.count >= 20, let time = WallTime(rfc3339: text) {
            self.init(time, .rfc3339)
            return
        }
        guard Self.isDigit(first) else { return nil }
        var value: Int64 = 0
        for octet in text {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carries) = product.addingReportingOverflow(Int64(octet & 15))
            guard Self.isDigit(octet), !overflow, !carries else {
                self.init(fraction: text)
                return
            }
            value = sum
        }
        guard let (format, unit) = Self.unit(of: Double(value)) else { return nil }
        let (nanoseconds, overflow) = value.multipliedReportingOverflow(by: Int64(unit))
        guard !overflow else { return nil }
        self.init(WallTime(nanoseconds: nanoseconds), format)
    }

    /// A number with a fraction or an exponent, as other programs write long numbers.
    private init?(fraction text: ArraySlice<UInt8>) {
        guard let value = Double(String(decoding: text, as: UTF8.self)),
            let (format, unit) = Self.unit(of: value), value * unit < 9.2e18
        else { return nil }
        self.init(WallTime(nanoseconds: Int64(value * unit)), format)
    }

    private static func isDigit(_ octet: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet)
    }

    private static func unit(of value: Double) -> (ProviderTimeFormat, nanoseconds: Double)? {
        switch value {
        case 1e8..<1e11: (.unix, 1e9)
        case 1e11..<1e14: (.unixmilli, 1e6)
        case 1e14..<1e17: (.unixmicro, 1e3)
        case 1e17..<9.2e18: (.unixnano, 1)
        default: nil
        }
    }
}
