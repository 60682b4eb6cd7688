internal import NetworkPrimitives

extension ValueRule where Value == IPAddress {
    /// The address of one host.
    static var hostAddress: ValueRule {
        .string(allowed: "an IPv4 or IPv6 address of one host") { (text) throws(ValueMistake) in
            guard let address = IPAddress(text) else {
                throw ValueMistake("\(TOMLText.excerpt(text)) is no IP address")
            }
            return try Self.host(address)
        }
    }

    /// Refuses what no single host can have.
    fileprivate static func host(_ address: IPAddress) throws(ValueMistake) -> IPAddress {
        guard !address.isUnspecified else {
            throw ValueMistake("\"\(address)\" is the unspecified address")
        }
        guard !address.isMulticast else {
            throw ValueMistake("\"\(address)\" is a multicast or broadcast address")
        }
        return address
    }
}

extension ValueRule where Value == RemoteHost {
    /// The address of one host, or a DNS name.
    static var remoteHost: ValueRule {
        let allowed = "an IPv4 address, an IPv6 address or a DNS name"
        return .string(allowed: allowed) { (text) throws(ValueMistake) in
            if let address = IPAddress(text) {
                return .address(try ValueRule<IPAddress>.host(address))
            }
            guard isDNSName(text) else {
                throw ValueMistake("\(TOMLText.excerpt(text)) is neither an address nor a name")
            }
            return .name(text)
        }
    }
}

extension ValueRule where Value == ListenAddress {
    /// `host:port`, to listen on.
    static var listenAddress: ValueRule {
        let allowed = "\"ADDRESS:PORT\", \"[IPv6]:PORT\" or \"NAME:PORT\""
        return .string(allowed: allowed) { (text) throws(ValueMistake) in
            let (host, port) = try splitHostAndPort(text)
            guard let port else {
                throw ValueMistake("\(TOMLText.excerpt(text)) has no port")
            }
            // Unlike a far end, a server may take the unspecified address.
            guard IPAddress(host).map({ !$0.isMulticast }) ?? isDNSName(host) else {
                throw ValueMistake("\(TOMLText.excerpt(host)) is no address to listen on")
            }
            return ListenAddress(host: host, port: port)
        }
    }
}

/// Where a reflector is; its key is another setting.
struct ReflectorAddress {
    let host: RemoteHost
    let port: UInt16?
}

extension ValueRule where Value == ReflectorAddress {
    /// `host` or `host:port`, to send to.
    static var reflector: ValueRule {
        let allowed = "\"HOST\", \"HOST:PORT\" or \"[IPv6]:PORT\""
        return .string(allowed: allowed) { (text) throws(ValueMistake) in
            if IPAddress(text)?.family == .v6 {
                return ReflectorAddress(
                    host: try ValueRule<RemoteHost>.remoteHost.read(.string(text)), port: nil)
            }
            let (host, port) = try splitHostAndPort(text)
            do throws(ValueMistake) {
                let remote = try ValueRule<RemoteHost>.remoteHost.read(.string(host))
                return ReflectorAddress(host: remote, port: port)
            } catch {
                throw ValueMistake(error.problem)
            }
        }
    }
}

/// Splits `host`, `host:port`, `[v6]` and `[v6]:port`; takes the brackets away.
private func splitHostAndPort(_ text: String) throws(ValueMistake) -> (String, UInt16?) {
    let host: Substring
    let rest: Substring
    if text.hasPrefix("[") {
        guard let end = text.firstIndex(of: "]") else {
            throw ValueMistake("\(TOMLText.excerpt(text)) has no closing bracket")
        }
        host = text[text.index(after: text.startIndex)..<end]
        rest = text[text.index(after: end)...]
        guard IPAddress(String(host))?.family == .v6 else {
            throw ValueMistake("\(TOMLText.excerpt(String(host))) is no IPv6 address")
        }
    } else {
        guard IPAddress(text)?.family != .v6 else {
            throw ValueMistake("\(TOMLText.excerpt(text)) is an IPv6 address without brackets")
        }
        let end = text.lastIndex(of: ":") ?? text.endIndex
        host = text[..<end]
        rest = text[end...]
        guard !host.isEmpty else { throw ValueMistake("\(TOMLText.excerpt(text)) has no host") }
    }
    guard !rest.isEmpty else { return (String(host), nil) }
    guard rest.hasPrefix(":") else {
        throw ValueMistake(
            "\(TOMLText.excerpt(String(rest))) is no port",
            allowed: "\":\" and a port of 1 to 65535")
    }
    let digits = rest.dropFirst()
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits),
        port > 0
    else {
        throw ValueMistake(
            "\(TOMLText.excerpt(String(digits))) is no port", allowed: "a port of 1 to 65535")
    }
    return (String(host), port)
}

/// Whether a text is a DNS name in the letters-digits-hyphen form of RFC 1123 §2.1.
///
/// Underscores are taken too, since names with them resolve. A last label of digits alone is none:
/// that is a mistyped IPv4 address (RFC 1123: the last label is alphabetic).
private func isDNSName(_ text: String) -> Bool {
    var octets = Array(text.utf8)
    if octets.last == UInt8(ascii: ".") { octets.removeLast() }
    guard (1...253).contains(octets.count) else { return false }
    let labels = octets.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let hyphen = UInt8(ascii: "-")
    let areLabels = labels.allSatisfy { label in
        (1...63).contains(label.count) && label.allSatisfy(TOMLText.isBareKeyOctet)
            && label.first != hyphen && label.last != hyphen
    }
    return areLabels && labels.last?.allSatisfy { (0x30...0x39).contains($0) } == false
}
