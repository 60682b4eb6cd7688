import NetworkPrimitives

/// Which fields a value may be of.
enum ProviderLogValue {
    private static let levels: Set<String> = [
        "trace", "debug", "info", "information", "notice", "warn", "warning", "err", "error",
        "critical", "crit", "alert", "emerg", "emergency", "fatal", "panic",
    ]

    static func address(_ text: ArraySlice<UInt8>) -> IPAddress? {
        // The longest text of an address is 45 octets; most others are told by their first octet.
        guard (2...45).contains(text.count), let first = text.first,
            first == UInt8(ascii: ":") || Character(Unicode.Scalar(first)).isHexDigit
        else { return nil }
        return IPAddress(String(decoding: text, as: UTF8.self))
    }

    static func port(_ text: ArraySlice<UInt8>) -> UInt16? {
        guard (1...5).contains(text.count) else { return nil }
        var value = 0
        for octet in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) else { return nil }
            value = value * 10 + Int(octet & 15)
        }
        return UInt16(exactly: value)
    }

    /// Whether the value can be of a field and, ports and addresses aside, of no other.
    static func fits(
        _ text: ArraySlice<UInt8>, _ field: ProviderLogField, named name: [UInt8]
    ) -> Bool {
        switch field {
        case .timestamp: ProviderTimeText(text) != nil
        case .localIP, .remoteIP: address(text) != nil
        case .localPort, .remotePort:
            // Any small number could be a port; IKE's own cannot be much else.
            port(text).map { $0 == 500 || $0 == 4500 || plain(name).contains("port") } ?? false
        case .level:
            text.count <= 16 && levels.contains(String(decoding: text, as: UTF8.self).lowercased())
        case .message:
            text.contains(UInt8(ascii: " ")) && ProviderTimeText(text) == nil
        }
    }

    /// Whether a key's name speaks against a field, "peer_addr" against LocalIP.
    static func contradicts(_ name: [UInt8], _ field: ProviderLogField) -> Bool {
        let text = plain(name)
        switch field {
        case .localIP, .localPort: return isRemote(text)
        case .remoteIP, .remotePort: return text.contains("local") || text.contains("own")
        default: return false
        }
    }

    private static func plain(_ name: [UInt8]) -> String {
        String(decoding: ProviderLogKeys.plainName(name), as: UTF8.self)
    }

    private static func isRemote(_ name: String) -> Bool {
        name.contains("remote") || name.contains("peer")
    }
}

extension String {
    /// Whether another text stands in it, octet by octet.
    func contains(_ other: StaticString) -> Bool {
        let wanted = Array("\(other)".utf8)
        let octets = Array(utf8)
        guard octets.count >= wanted.count else { return false }
        return (0...(octets.count - wanted.count)).contains {
            octets[$0..<($0 + wanted.count)].elementsEqual(wanted)
        }
    }
}
