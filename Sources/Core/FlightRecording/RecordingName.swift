public import NetworkPrimitives

/// The name of a recording's file, like `cf-1-20261123T034500Z-down.pcapng`.
public struct RecordingName: Hashable, Sendable {
    /// The tunnel.
    public var tunnel: String
    /// When the event was, in whole seconds.
    public var at: WallTime
    /// What the tunnel became: `degraded` or `down`.
    public var state: String

    /// The end of every recording's name.
    public static let suffix = ".pcapng"

    /// Makes a name.
    public init(tunnel: String, at: WallTime, state: String) {
        self.tunnel = tunnel
        self.at = at
        self.state = state
    }

    /// The file's name, without folders; characters of the tunnel's name that are no good in one are
    /// replaced by `_`.
    public var text: String {
        // 2026-11-23T03:45:00…
        let stamp = at.description.prefix(19).filter { $0 != "-" && $0 != ":" }
        return "\(Self.safe(tunnel))-\(stamp)Z-\(state)\(Self.suffix)"
    }

    /// What stands for a tunnel at the start of its recordings' names.
    public static func safe(_ tunnel: String) -> String {
        let octets = tunnel.utf8.prefix(100).map { octet -> UInt8 in
            let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(octet | 0x20)
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet)
            return isLetter || isDigit || "-_.".utf8.contains(octet) ? octet : UInt8(ascii: "_")
        }
        let name = String(decoding: octets, as: UTF8.self)
        return name.hasPrefix(".") ? "_\(name)" : name
    }

    /// The tunnel's part of a file's name; nil for a file that is no recording.
    public static func tunnelPart(of file: String) -> String? {
        guard file.hasSuffix(suffix), !file.hasPrefix(".") else { return nil }
        let parts = file.dropLast(suffix.count).split(
            separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 3, ["degraded", "down"].contains(String(parts[parts.count - 1])),
            parts[parts.count - 2].utf8.count == 16, parts[parts.count - 2].hasSuffix("Z")
        else { return nil }
        return parts.dropLast(2).joined(separator: "-")
    }
}
