/// How a tunnel is probed: the keys of `[defaults]`, each of which a `[[tunnel]]` may repeat.
public struct ProbingSettings: Equatable, Sendable {
    /// When IKE probes are sent.
    public enum IKEProbe: Hashable, Sendable {
        /// Only when `probe now` asks for them.
        case onDemand
        /// Never.
        case never
        /// Regularly.
        case every(Duration)
    }

    /// `interval`: between request probes of one path.
    public var interval: Duration
    /// `reply_interval`: between reply-style pairs.
    public var replyInterval: Duration
    /// `timeout`: how long an answer may take before the probe is lost.
    public var timeout: Duration
    /// `dscp`: the differentiated services code point of probes, 0...63.
    public var dscp: UInt8
    /// `degraded_minimum`: the shortest stay in state degraded.
    public var degradedMinimum: Duration
    /// `ike_probe`: when IKE probes are sent.
    public var ikeProbe: IKEProbe
    /// `ike_initiate`: whether `probe now` may ask charon to initiate a connection that is down.
    public var ikeInitiate: Bool
    /// `payload_bytes`: octets after the ICMP echo header, 10...9000.
    public var payloadBytes: Int
    /// `pmtu_interval`: between path MTU searches.
    public var pmtuInterval: Duration
    /// `reply_path_interval`: between hop ladders of Echo Replies.
    public var replyPathInterval: Duration
    /// `capture`: whether ESP and IKE are captured on the WAN interface.
    public var capture: Bool
    /// `capture_buffer`: the size of the capture ring.
    public var captureBuffer: ByteCount
    /// `replay_windows`: the anti-replay windows, in packets, whose drops are predicted.
    public var replayWindows: [Int]

    /// Makes the built-in settings.
    public init() {
        interval = .seconds(1)
        replyInterval = .seconds(10)
        timeout = .seconds(1)
        dscp = 0
        degradedMinimum = .seconds(300)
        ikeProbe = .onDemand
        ikeInitiate = false
        payloadBytes = 56
        pmtuInterval = .seconds(600)
        replyPathInterval = .seconds(600)
        capture = true
        captureBuffer = .mebibytes(4)
        replayWindows = [32, 64, 128, 256, 512, 1024, 2048, 4096]
    }
}
