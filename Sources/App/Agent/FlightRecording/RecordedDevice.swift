import FlightRecording

/// The headers of the last minute of a device, as they were at one moment.
struct RecordedDevice: Sendable {
    /// What of a tunnel the rings show.
    enum Side: Hashable, Sendable {
        /// Its outer packets, on the WAN.
        case outside
        /// What passes inside it, on its own device.
        case inside
        /// What passes the WAN in plain: answers beside the tunnel, what routers say, and the
        /// decrypted packets of a policy-based tunnel.
        case plain
    }

    var place: CapturePlace
    var side: Side
    /// Whose numbers the packets have: those of another thread begin anew.
    var thread: ObjectIdentifier
    var rings: DeviceRings
}
