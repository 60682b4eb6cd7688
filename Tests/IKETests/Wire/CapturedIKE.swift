import Foundation
import IKE
import NetworkPrimitives
import PacketFormats

/// A capture of the fixtures: classic pcap of Ethernet, little-endian, microseconds.
struct CapturedIKE {
    struct Frame {
        var number: Int
        var at: MonotonicInstant
        var octets: [UInt8]
        var decoded: DecodedFrame
    }

    let name: String
    let frames: [Frame]

    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../Fixtures").standardizedFileURL

    static let names = [
        "blocked-4500", "blocked-500", "cbc", "child-refused", "cookie", "fragments", "ikev1",
        "no-proposal", "other-group", "rebind", "rekey-refused", "rekeys", "wrong-peer",
        "wrong-secret",
    ]

    init(_ name: String, cutAt snapshotLength: Int = .max) throws {
        self.name = name
        let file = [UInt8](try Data(contentsOf: Self.folder.appending(path: "\(name).pcap")))
        func number(_ offset: Int) -> Int {
            (0..<4).reduce(0) { $0 | Int(file[offset + $1]) << (8 * $1) }
        }
        precondition(number(0) == 0xa1b2_c3d4 && number(20) == 1)
        var frames: [Frame] = []
        var offset = 24
        while offset + 16 <= file.count {
            let length = number(offset + 8)
            let at = Int64(number(offset)) * 1_000_000_000 + Int64(number(offset + 4)) * 1000
            let whole = file[(offset + 16)..<(offset + 16 + length)]
            let octets = Array(whole.prefix(snapshotLength))
            let decoded = octets.withRawSpan {
                FrameDecoder().decode(
                    $0, linkType: LinkKind(linkType: 1), wireLength: number(offset + 12))
            }
            frames.append(
                Frame(
                    number: frames.count + 1, at: MonotonicInstant(nanoseconds: at),
                    octets: octets, decoded: decoded))
            offset += 16 + length
        }
        self.frames = frames
    }

    /// The messages with their frames' numbers.
    func messages() throws -> [(frame: Int, message: IKEMessage)] {
        try frames.compactMap { frame in
            // One octet is a NAT keepalive.
            guard case .ike(let datagram) = frame.decoded, datagram.length > 1 else { return nil }
            return try frame.octets.withRawSpan { (octets: RawSpan) throws in
                (
                    frame.number,
                    try IKEMessage(
                        parsing: octets.extracting(datagram.payload), wireLength: datagram.length)
                )
            }
        }
    }

    /// A tracker that saw everything, and the instant of the last packet.
    func track(
        _ settings: IKEExchangeTracker.Settings = .init(locals: [.v4(0x0a09_0102)])
    ) -> (tracker: IKEExchangeTracker, end: MonotonicInstant) {
        var tracker = IKEExchangeTracker(settings: settings)
        for frame in frames {
            switch frame.decoded {
            case .ike(let datagram):
                frame.octets.withRawSpan { tracker.receive(datagram, in: $0, at: frame.at) }
            case .natKeepalive(let header, _): tracker.receiveKeepalive(header, at: frame.at)
            default: break
            }
        }
        return (tracker, frames.last?.at ?? .zero)
    }

    /// The report on the first pair, so long after the last packet.
    func report(after delay: Duration = .zero) -> IKEWireReport? {
        var (tracker, end) = track()
        return tracker.reports(at: end + delay).first
    }
}
