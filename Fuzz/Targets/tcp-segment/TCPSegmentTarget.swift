import Octets
import PacketFormats

/// A TCP segment, whole and as a capture that ends early sees it.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = unsafe FuzzInput(start, count)
    let cut = Int(input.byte())
    let octets = input.rest()
    let part = Array(octets.dropLast(min(cut, octets.count)))
    // The capture's end may hide what a segment is; it never makes something else of it.
    do {
        let read = try TCPSynchronization(parsing: part.span.bytes, length: octets.count)
        precondition(
            (try? TCPSynchronization(parsing: octets.span.bytes, length: octets.count)) == read)
    } catch {
        if case .truncated(let needed, let available) = error {
            precondition(needed > available && needed <= octets.count)
            return 0
        }
        do {
            _ = try TCPSynchronization(parsing: octets.span.bytes, length: octets.count)
            preconditionFailure("a part is worse than the whole: \(error)")
        } catch let whole {
            precondition(whole == error, "\(whole) \(error)")
        }
    }
    return 0
}
