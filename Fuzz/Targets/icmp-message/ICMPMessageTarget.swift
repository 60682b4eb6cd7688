import NetworkPrimitives
import Octets
import PacketFormats

/// ICMP messages of both families, echoes and errors, also those about ESP; what is read of an echo is
/// written and read again.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = unsafe FuzzInput(start, count)
    let flags = input.byte()
    let octets = input.rest()
    let family: IPAddress.Family = flags & 1 == 0 ? .v4 : .v6
    let address: IPAddress = family == .v4 ? .v4(0xc000_0201) : .v6(0x2001_0db8 << 96 | 1)
    // As a capture reads it: only the ICMPv6 checksum makes a difference.
    if let captured = try? ICMPMessage(
        parsing: octets.span.bytes, family: family, isTruncated: flags & 2 != 0,
        between: (address, address))
    {
        let read = try? ICMPMessage(
            parsing: octets.span.bytes, family: family, isTruncated: flags & 2 != 0)
        precondition(captured == read)
    }
    let isTruncated = flags & 2 != 0
    if let message = try? PacketTooBig(
        parsing: octets.span.bytes, family: family, isTruncated: isTruncated)
    {
        precondition(message.quote.source.family == family && message.quote.spi?.rawValue != 0)
        precondition((0...0xffff_ffff).contains(message.mtu) && message.quote.length <= 65_575)
    }
    guard
        let message = try? ICMPMessage(
            parsing: octets.span.bytes, family: family, isTruncated: isTruncated),
        case .echo(let echo) = message, echo.isFillIntact
    else { return 0 }
    var written: [UInt8] = []
    echo.encode(family: family, checksum: octets.span.bytes.bigEndianUInt16(at: 2), into: &written)
    guard octets[1] == 0 else { return 0 }
    precondition(written == octets, "\(written) \(octets)")
    return 0
}
