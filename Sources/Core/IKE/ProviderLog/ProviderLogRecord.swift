public import NetworkPrimitives

/// One record of the provider's IKE log, the Logpush dataset `ipsec_logs`.
///
/// The dataset names neither tunnel nor SPI. Its `Local` is taken to be the provider's side and
/// `Remote` the customer's; the provider does not say so.
public struct ProviderLogRecord: Equatable, Sendable {
    /// `Timestamp`; nil where it is missing or none.
    public var time: WallTime?
    /// `Level`; empty where it is missing.
    public var level = ""
    /// `Message`; empty where it is missing, its first `ProviderLogReader.textLimit` octets.
    public var message = ""
    /// `LocalIP`; nil where it is missing or no address.
    public var local: IPAddress?
    /// `LocalPort`.
    public var localPort: UInt16?
    /// `RemoteIP`; nil where it is missing or no address.
    public var remote: IPAddress?
    /// `RemotePort`.
    public var remotePort: UInt16?
    /// The line on which it ends, from 1.
    public var line: UInt64 = 0

    /// Makes an empty record.
    public init() {}
}

/// A field of the dataset; its raw value is the dataset's name.
public enum ProviderLogField: String, CaseIterable, Hashable, Sendable {
    /// The log level.
    case level = "Level"
    /// The local address.
    case localIP = "LocalIP"
    /// The local port.
    case localPort = "LocalPort"
    /// The text.
    case message = "Message"
    /// The remote address.
    case remoteIP = "RemoteIP"
    /// The remote port.
    case remotePort = "RemotePort"
    /// The event's time.
    case timestamp = "Timestamp"
}

/// How a time is written.
public enum ProviderTimeFormat: String, CaseIterable, Hashable, Sendable {
    /// A text of RFC 3339, the dashboard's default.
    case rfc3339
    /// Seconds since 1970, `unix`.
    case unix
    /// Nanoseconds since 1970, the API's default.
    case unixnano
    /// Milliseconds since 1970: not of Logpush, but of what forwards its records.
    case unixmilli
    /// Microseconds since 1970, likewise.
    case unixmicro
}

/// A key that an operator's template renamed.
public struct RenamedKey: Hashable, Sendable {
    /// The key as it stands in the file.
    public var key: String
    /// What it was taken as.
    public var field: ProviderLogField
    /// Whether its values told, and not its name.
    public var isByValue: Bool
}
