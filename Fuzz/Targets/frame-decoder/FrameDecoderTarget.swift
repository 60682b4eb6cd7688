import FlightRecording
import Octets
import PacketFormats

/// A frame of any link kind, whole and as a capture that ends early sees it.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = unsafe FuzzInput(start, count)
    let link = LinkKind.allCases[input.below(LinkKind.allCases.count)]
    let excess = Int(input.byte())
    let cut = Int(input.byte())
    let frame = input.rest()
    let wire = frame.count + (excess == 255 ? 70_000 : excess)
    let whole = decode(frame, link, wire)
    let part = decode(Array(frame.dropLast(min(cut, frame.count))), link, wire)
    let kept = HeaderSnap.length(of: whole, in: frame.span.bytes)
    if let kept {
        // What a recording keeps is of the frame, and reads as what the frame was.
        precondition((0...frame.count).contains(kept))
        let read = decode(Array(frame.prefix(kept)), link, max(wire, frame.count))
        precondition(summary(read) == summary(whole), "\(read) of \(whole)")
    }
    // The capture's end may hide what a frame is; it never makes something else of it.
    if case .unreadable(let fault) = part, fault.rawValue.hasPrefix("truncated") { return 0 }
    precondition(summary(part) == summary(whole), "\(part) of \(whole)")
    return 0
}

private func decode(_ frame: [UInt8], _ link: LinkKind, _ wire: Int) -> DecodedFrame {
    let decoded = FrameDecoder().decode(frame.span.bytes, linkType: link, wireLength: wire)
    func check(_ header: IPHeader, _ payload: Range<Int>) {
        precondition(payload.upperBound <= frame.count)
        precondition(header.length <= max(wire, frame.count))
    }
    switch decoded {
    case .esp(let datagram): check(datagram.ip, datagram.payload)
    case .ike(let datagram): check(datagram.ip, datagram.payload)
    case .icmp(let header, let payload): check(header, payload)
    case .tcp(let header, let payload, let length):
        check(header, payload)
        precondition(payload.count <= length)
    case .natKeepalive(let header, let payload), .laterFragment(let header, let payload):
        check(header, payload)
    case .other, .unreadable: break
    }
    var counts = FrameCounts()
    counts.count(decoded)
    precondition(counts.frames == 1)
    return decoded
}

private func summary(_ frame: DecodedFrame) -> String {
    switch frame {
    case .esp(let datagram):
        "esp \(datagram.spi) \(datagram.sequence) \(datagram.ip) \(datagram.payload.lowerBound)"
    case .ike(let datagram):
        "ike \(datagram.ip) \(datagram.length) \(datagram.payload.lowerBound)"
    case .icmp(let header, let payload): "icmp \(header) \(payload.lowerBound)"
    case .tcp(let header, let payload, let length):
        "tcp \(header) \(payload.lowerBound) \(length)"
    case .natKeepalive(let header, let payload): "keepalive \(header) \(payload.lowerBound)"
    case .laterFragment(let header, let payload): "fragment \(header) \(payload.lowerBound)"
    case .other: "other"
    case .unreadable(let fault): fault.rawValue
    }
}
