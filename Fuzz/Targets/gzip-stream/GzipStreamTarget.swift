import CaptureFormats
import Octets
import PacketCapture

/// A gzip file, in pieces of any size into rooms of any size: what comes out must be the same.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = unsafe FuzzInput(start, count)
    let inputSeed = input.byte()
    let outputSeed = input.byte()
    let file = input.rest()
    let whole = Inflation(file, PieceSizes(seed: 0), PieceSizes(seed: 0))
    let pieces = Inflation(file, PieceSizes(seed: inputSeed), PieceSizes(seed: outputSeed))
    precondition(whole.octets == pieces.octets)
    precondition(whole.status == pieces.status, "\(whole.status) \(pieces.status)")
    precondition(whole.consumed == pieces.consumed || whole.status == .unfinished)
    return 0
}

private struct Inflation {
    /// A small file may hold gigabytes; the first are enough.
    private static let limit = 100_000

    var octets: [UInt8] = []
    var consumed = 0
    var status = GzipInflater.Status.unfinished

    init(_ file: [UInt8], _ inputs: PieceSizes, _ outputs: PieceSizes) {
        var (inputs, outputs) = (inputs, outputs)
        var inflater = GzipInflater()
        var fed = 0
        while octets.count < Self.limit {
            let size = min(outputs.next(), Self.limit - octets.count)
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
            defer { room.deallocate() }
            let outcome = file.withUnsafeBytes {
                inflater.inflate(
                    UnsafeRawBufferPointer(rebasing: $0[consumed..<fed]),
                    isFinal: fed == file.count, into: room)
            }
            consumed += outcome.consumed
            octets += room.prefix(outcome.produced)
            status = outcome.status
            guard status == .unfinished else { return }
            if outcome.produced == 0 {
                precondition(fed < file.count, "stands still at the end")
                fed += min(inputs.next(), file.count - fed)
            }
        }
    }
}
