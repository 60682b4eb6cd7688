import Glibc
import NetworkPrimitives
import PacketCapture
import RawSockets
import Synchronization
import Testing

/// A virtual cable: device `wan` in this process' own reach, its other end `far` in a namespace.
///
/// Both ends are in namespaces that are deleted with the object.
final class VirtualCable: Sendable {
    private static let counter = Atomic(0)

    let near: String
    let far: String

    init() {
        let number = Self.counter.add(1, ordering: .relaxed).newValue
        near = "near-\(getpid())-\(number)"
        far = "far-\(getpid())-\(number)"
        command("ip netns add \(near) && ip netns add \(far)")
        plug()
    }

    deinit {
        _ = tryCommand("ip netns del \(near); ip netns del \(far)")
    }

    /// Makes the two devices and sets them up.
    ///
    /// They say nothing by themselves: no IPv6, no ARP.
    func plug() {
        command(
            """
            ip -n \(near) link add wan type veth peer name far netns \(far)
            for end in "\(near) wan" "\(far) far"; do
                set -- $end
                ip netns exec $1 sysctl -qw net.ipv6.conf.$2.disable_ipv6=1
                ip -n $1 link set $2 arp off up
            done
            """)
    }

    func open(
        _ filter: CaptureFilter = .anything, settings: LiveCapture.Settings = .init()
    ) throws(CaptureError) -> LiveCapture {
        try LiveCapture("wan", in: near, settings: settings, filter: filter)
    }

    /// Sends frames to `wan`, from the far end.
    func sendIn(_ frames: [[UInt8]], times: Int = 1, isAwaited: Bool = true) {
        send(frames, times: times, namespace: far, device: "far", isAwaited: isAwaited)
    }

    /// Sends frames from `wan`.
    func sendOut(_ frames: [[UInt8]], times: Int = 1) {
        send(frames, times: times, namespace: near, device: "wan")
    }

    private func send(
        _ frames: [[UInt8]], times: Int, namespace: String, device: String, isAwaited: Bool = true
    ) {
        let script = """
            import socket, sys
            link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            link.bind((sys.argv[1], 0))
            frames = [bytes.fromhex(word) for word in sys.argv[3:]]
            for _ in range(int(sys.argv[2])):
                for frame in frames: link.send(frame)
            """
        let words = frames.map {
            $0.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
        command(
            "ip netns exec \(namespace) python3 -c '\(script)' \(device) \(times) "
                + words.joined(separator: " ") + (isAwaited ? "" : " >/dev/null 2>&1 &"))
    }
}

extension CaptureFilter {
    /// The endpoint of the frames that tests make.
    static let provider = IPAddress.v4(0xc633_6401)
    /// What takes their ESP.
    static let anything = CaptureFilter(endpoints: [provider])
}

/// A packet as a capture handed it on.
struct Captured {
    var octets: [UInt8]
    var stamp: WallTime
    var wireLength: Int
    /// When it was handed on.
    var handedOn: WallTime
}

/// Reads until there are `count` packets, or `timeout` has passed.
func read(
    _ capture: borrowing LiveCapture, _ count: Int, within timeout: Duration = .seconds(2),
    limit: Int = 1000
) throws -> [Captured] {
    let poll = try EventPoll()
    try poll.add(capture.descriptor, key: 1)
    let deadline = MonotonicClock.now() + timeout
    var packets: [Captured] = []
    while packets.count < count, MonotonicClock.now() < deadline {
        poll.wait(until: deadline) { _ in }
        _ = try capture.dispatch(limit: limit) { frame, stamp, length in
            packets.append(
                Captured(
                    octets: (0..<frame.byteCount).map { frame.uint8(at: $0) }, stamp: stamp,
                    wireLength: length, handedOn: WallClock.now()))
        }
    }
    return packets
}

/// Runs a shell script that must succeed.
@discardableResult
func command(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) -> String {
    let (output, status) = tryCommand(text)
    if status != 0 {
        Issue.record("`\(text)`: \(status): \(output)", sourceLocation: sourceLocation)
    }
    return output
}

/// Runs a shell script whatever it returns.
func tryCommand(_ text: String) -> (output: String, status: CInt) {
    guard let stream = popen("{ set -e\n\(text)\n} 2>&1", "r") else { return ("popen failed", -1) }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = fread(&buffer, 1, buffer.count, stream)
        if count == 0 { break }
        output += buffer[..<count]
    }
    return (String(decoding: output, as: UTF8.self), pclose(stream) >> 8)
}

// MARK: - Frames

/// The Ethernet addresses and type before a packet.
func ethernet(_ type: UInt16, _ rest: [UInt8]) -> [UInt8] {
    var frame: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]
    frame.append(bigEndian: type)
    return frame + rest
}

/// A VLAN tag and the type after it (IEEE 802.1Q §9.6).
func tag(_ identifier: UInt16, _ type: UInt16, _ rest: [UInt8]) -> [UInt8] {
    var tag: [UInt8] = []
    tag.append(bigEndian: identifier)
    tag.append(bigEndian: type)
    return tag + rest
}

/// An IP packet with `payload`; its checksum is left 0, which no capture minds.
func packet(
    from source: String, to destination: String, protocolNumber: UInt8, _ payload: [UInt8],
    fragmentOffset: UInt16 = 0
) -> [UInt8] {
    guard let source = IPAddress(source), let destination = IPAddress(destination) else {
        preconditionFailure("no IP address")
    }
    var packet: [UInt8]
    switch source.family {
    case .v4:
        packet = [0x45, 0]
        packet.append(bigEndian: UInt16(20 + payload.count))
        packet.append(bigEndian: UInt16(0))
        packet.append(bigEndian: fragmentOffset)
        packet += [64, protocolNumber, 0, 0]
    case .v6:
        packet = [0x60, 0, 0, 0]
        packet.append(bigEndian: UInt16(payload.count))
        packet += [protocolNumber, 64]
    }
    return packet + source.octets + destination.octets + payload
}

/// An ESP packet's octets after the IP header.
func esp(_ sequence: UInt32, length: Int = 80) -> [UInt8] {
    var packet: [UInt8] = [0xc0, 0xde, 0, 1]
    packet.append(bigEndian: UInt16(sequence >> 16))
    packet.append(bigEndian: UInt16(truncatingIfNeeded: sequence))
    return packet + [UInt8](repeating: UInt8(truncatingIfNeeded: sequence), count: length - 8)
}

/// A UDP datagram.
func udp(from source: UInt16, to destination: UInt16, _ payload: [UInt8]) -> [UInt8] {
    var datagram: [UInt8] = []
    for number in [source, destination, UInt16(8 + payload.count), 0] {
        datagram.append(bigEndian: number)
    }
    return datagram + payload
}

/// An ESP frame between the provider and this host.
func espFrame(_ sequence: UInt32, inbound: Bool = true, length: Int = 80) -> [UInt8] {
    let ends = ("198.51.100.1", "203.0.113.10")
    return ethernet(
        0x0800,
        packet(
            from: inbound ? ends.0 : ends.1, to: inbound ? ends.1 : ends.0, protocolNumber: 50,
            esp(sequence, length: length)))
}
