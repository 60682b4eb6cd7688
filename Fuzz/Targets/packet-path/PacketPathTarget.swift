import CaptureFormats
import Octets
import PacketCapture
import PacketFormats

/// The whole way of a packet from a capture file: pieces, windows, records, frames.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = unsafe FuzzInput(start, count)
    var sizes = PieceSizes(seed: input.byte())
    let file = input.rest()
    var reader = CaptureReader()
    var window: [UInt8] = []
    var fed = 0
    var packets = 0
    var counts = FrameCounts()
    let decoder = FrameDecoder()
    while true {
        switch reader.next(window.span.bytes, isFinal: fed == file.count) {
        case .packet(let packet):
            packets += 1
            let frame = decoder.decode(
                window.span.bytes.extracting(packet.octets),
                linkType: LinkKind(linkType: packet.linkType.rawValue),
                wireLength: packet.wireLength)
            counts.count(frame)
        case .needMore:
            window.removeFirst(reader.discardConsumed())
            let size = min(sizes.next(), file.count - fed)
            window += file[fed..<(fed + size)]
            fed += size
        case .end, .damaged:
            precondition(counts.frames == UInt64(packets))
            return 0
        }
    }
}
