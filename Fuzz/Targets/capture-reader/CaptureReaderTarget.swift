import CaptureFormats
import Octets

/// A pcap or pcapng file, whole and in pieces of any size: both must give the same.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = unsafe FuzzInput(start, count)
    let seed = input.byte()
    let file = input.rest()
    let whole = Reading(file, PieceSizes(seed: 0))
    let pieces = Reading(file, PieceSizes(seed: seed))
    precondition(whole.packets == pieces.packets, "\(whole) \(pieces)")
    precondition(whole.damage == pieces.damage, "\(whole) \(pieces)")
    if let damage = whole.damage {
        precondition((0...file.count).contains(damage.offset), "\(damage)")
        precondition(!damage.description.isEmpty)
    }
    return 0
}

private struct Reading {
    var packets: [[UInt8]] = []
    var damage: CaptureDamage?

    init(_ file: [UInt8], _ sizes: PieceSizes) {
        var sizes = sizes
        var reader = CaptureReader()
        var window: [UInt8] = []
        var fed = 0
        while true {
            let isFinal = fed == file.count
            switch reader.next(window.span.bytes, isFinal: isFinal) {
            case .packet(let packet):
                precondition(packet.octets.upperBound <= reader.consumed)
                packets.append(Array(window[packet.octets]))
            case .needMore(let wanted):
                precondition(!isFinal, "wants more than there is")
                precondition(wanted <= CaptureReader.maximumRecordLength)
                window.removeFirst(reader.discardConsumed())
                precondition(wanted > window.count, "wants what it has")
                let size = min(sizes.next(), file.count - fed)
                window += file[fed..<(fed + size)]
                fed += size
            case .end: return
            case .damaged(let found):
                damage = found
                return
            }
        }
    }
}
