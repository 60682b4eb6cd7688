public import CaptureFormats
import CPcap
import Glibc
public import NetworkPrimitives
import RawSockets

/// One device's packets as they come, over libpcap.
///
/// Belongs to one thread at a time. Nothing here waits: put `descriptor` into an `EventPoll` and call
/// `dispatch` when it can be read. The kernel writes packets into a ring that is shared with this
/// process, and hands them over in blocks: when a block is full, or about twice `handOver` after its
/// first packet. That costs one wake-up for a thousand packets where every packet its own costs one
/// for each.
@safe public struct LiveCapture: ~Copyable {
    /// How to open a device.
    public struct Settings: Hashable, Sendable {
        /// The most octets of a packet that are kept: 128 hold every header down to the IV of ESP,
        /// IKE needs 2048.
        public var snapshotLength: Int
        /// The size of the ring in octets, at least `minimumBufferSize`.
        public var bufferSize: Int
        /// Whether frames are taken that are not for this host: at a mirror port.
        public var isPromiscuous: Bool
        /// How long a block that is not full may stay with the kernel.
        public var handOver: Duration

        /// Two blocks as libpcap makes them: one is filled while the other is read.
        public static let minimumBufferSize = 512 << 10

        /// Makes settings; a buffer smaller than the least is made that large.
        public init(
            snapshotLength: Int = 128, bufferSize: Int = 4 << 20, isPromiscuous: Bool = false,
            handOver: Duration = .milliseconds(32)
        ) {
            self.snapshotLength = snapshotLength
            self.bufferSize = max(bufferSize, Self.minimumBufferSize)
            self.isPromiscuous = isPromiscuous
            self.handOver = handOver
        }
    }

    /// What the kernel counted since the device was opened, modulo 2³² as libpcap has it.
    public struct Statistics: Hashable, Sendable {
        /// Packets that passed the filter, `dropped` included.
        public var received: UInt32 = 0
        /// Packets lost because the ring was full.
        public var dropped: UInt32 = 0
        /// Packets that the device itself dropped; 0 where the driver does not say.
        public var droppedByDevice: UInt32 = 0

        /// Makes counts of zero.
        public init() {}
    }

    /// The device's name.
    public let device: String
    /// The named network namespace; nil for the process' own.
    public let namespace: String?
    /// What frames begin with.
    public let linkType: LinkType
    /// What an `EventPoll` waits for.
    public let descriptor: CInt
    /// The expression that the kernel filters by.
    public internal(set) var expression = ""
    /// How much of the filter that expression holds.
    public internal(set) var precision = CaptureFilter.Precision.endpoints

    let handle: OpaquePointer
    let identity: DeviceIdentity

    /// Opens a device and begins to capture what `filter` admits.
    ///
    /// With a namespace, everything is opened on a thread inside it; the capture can then be used on
    /// any thread.
    ///
    /// - Throws: `CaptureError`.
    public init(
        _ device: String, in namespace: String? = nil, settings: Settings = Settings(),
        filter: CaptureFilter
    ) throws(CaptureError) {
        let opened: Opened
        if let namespace {
            opened = try Self.inside(namespace, device) { () throws(CaptureError) in
                try Opened(device, namespace, settings, filter)
            }
        } else {
            opened = try Opened(device, nil, settings, filter)
        }
        self.device = device
        self.namespace = namespace
        unsafe handle = opened.handle
        identity = opened.identity
        linkType = opened.linkType
        descriptor = opened.descriptor
        expression = opened.installed.expression
        precision = opened.installed.precision
    }

    deinit {
        unsafe pcap_close(handle)
        close(identity.socket)
    }

    /// Hands on packets that wait, at most about `limit` of them, in the order of arrival.
    ///
    /// `body` gets the captured octets, which are the kernel's own and end with the call, the
    /// kernel's stamp and the length on the wire.
    ///
    /// - Returns: how many there were; fewer than `limit` when none are left.
    /// - Throws: `CaptureError` when the device went away or the handle broke: then open another.
    public func dispatch(
        limit: Int, _ body: (RawSpan, WallTime, Int) -> Void
    ) throws(CaptureError) -> Int {
        let count = withoutActuallyEscaping(body) { body in
            var receiver = unsafe Receiver(body: body)
            return unsafe withUnsafeMutablePointer(to: &receiver) { receiver in
                unsafe pcap_dispatch(
                    handle, CInt(clamping: limit),
                    { receiver, header, octets in
                        guard let receiver = unsafe receiver, let header = unsafe header,
                            let octets = unsafe octets
                        else { return }
                        let frame = unsafe UnsafeRawBufferPointer(
                            start: octets, count: Int(header.pointee.caplen))
                        // With nanosecond precision tv_usec holds nanoseconds (pcap-tstamp(7)).
                        let stamp = unsafe WallTime(
                            nanoseconds: Int64(header.pointee.ts.tv_sec) * 1_000_000_000
                                + Int64(header.pointee.ts.tv_usec))
                        unsafe UnsafeRawPointer(receiver).assumingMemoryBound(to: Receiver.self)
                            .pointee.body(frame.bytes, stamp, Int(header.pointee.len))
                    }, UnsafeMutableRawPointer(receiver).assumingMemoryBound(to: u_char.self))
            }
        }
        guard count >= 0 else {
            // libpcap tells a device that vanished by its text alone.
            throw error(identity.condition(of: device).failure ?? .failed, "pcap_dispatch")
        }
        return Int(count)
    }

    /// What the kernel counted so far; nil when it does not say.
    public var statistics: Statistics? {
        var counts = pcap_stat()
        guard unsafe pcap_stats(handle, &counts) == 0 else { return nil }
        var statistics = Statistics()
        statistics.received = counts.ps_recv
        statistics.dropped = counts.ps_drop
        statistics.droppedByDevice = counts.ps_ifdrop
        return statistics
    }

    /// How the device is now.
    ///
    /// While it is down this capture waits, and goes on when it is up again; when it is gone or has
    /// another name, the capture is of no more use.
    public var condition: DeviceCondition { identity.condition(of: device) }

    func error(_ code: CaptureError.Code, _ operation: String) -> CaptureError {
        CaptureError(
            code, device: device, namespace: namespace, operation: operation,
            text: code == .failed ? unsafe Self.text(of: handle) : "")
    }

    static func text(of handle: OpaquePointer) -> String {
        guard let text = unsafe pcap_geterr(handle) else { return "" }
        return unsafe String(cString: text)
    }

    @unsafe private struct Receiver {
        let body: (RawSpan, WallTime, Int) -> Void
    }
}
