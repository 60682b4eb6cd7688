/// What a command asks of the agent's senders, as a query and back.
public struct SendersOrder: Sendable {
    /// The tunnel; nil for all.
    public var tunnel: String?
    /// How the report is to be written.
    public var format: ReportFormat

    /// Makes an order.
    public init(tunnel: String?, format: ReportFormat) {
        self.tunnel = tunnel
        self.format = format
    }

    /// Path and query of the request.
    public var target: String {
        let name = tunnel.map { "&tunnel=\($0.percentEncoded)" } ?? ""
        return "/api/v1/senders?\(format.query)\(name)"
    }

    init(query: [String: String]) {
        tunnel = query["tunnel"]
        format = ReportFormat(query: query)
    }
}

extension String {
    /// RFC 3986 §2.1, everything but the unreserved characters of §2.3.
    var percentEncoded: String {
        var encoded = ""
        for octet in utf8 {
            switch octet {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(octet))
            default:
                let digits = String(octet, radix: 16)
                encoded += (digits.count == 1 ? "%0" : "%") + digits
            }
        }
        return encoded
    }
}
