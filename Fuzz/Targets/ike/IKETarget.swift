import IKE
import NetworkPrimitives
import Octets
import PacketFormats

/// IKE messages between a few hosts: the parser, and the tracker over all of them.
///
/// A message is four octets (flags, its length, milliseconds since the last one) and its own.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = unsafe FuzzInput(start, count)
    var tracker = IKEExchangeTracker(
        settings: IKEExchangeTracker.Settings(
            pairs: 3, associations: 4, locals: [.v4(1)], remotes: [.v4(2)]))
    var now = MonotonicInstant.zero
    var messages: UInt64 = 0
    var forgotten = false
    for _ in 0..<200 {
        let flags = input.byte()
        let length = Int(input.byte()) << 8 | Int(input.byte())
        now = now + .milliseconds(Int(input.byte()) * (flags & 0x40 == 0 ? 1 : 100))
        guard length > 0 else { break }
        var octets: [UInt8] = []
        for _ in 0..<min(length, 4096) { octets.append(input.byte()) }
        let (one, other) = (IPAddress.v4(1), IPAddress.v4(2 + UInt32(flags >> 1 & 3)))
        let isOut = flags & 1 == 0
        let cut = flags & 0x10 == 0 ? octets.count : octets.count / 2
        let datagram = IKEDatagram(
            ip: IPHeader(
                source: isOut ? one : other, destination: isOut ? other : one, hopLimit: 64,
                isFragment: flags & 0x20 != 0, length: octets.count + 28, protocolNumber: 17),
            sourcePort: flags & 8 == 0 ? 500 : 4500, destinationPort: 500,
            hasNonESPMarker: flags & 8 != 0, payload: 0..<cut, length: octets.count)
        octets.withRawSpan { tracker.receive(datagram, in: $0, at: now) }
        messages += 1
        if let message = octets.withRawSpan({ try? IKEMessage(parsing: $0) }) {
            precondition(message.payloads.count <= IKEMessage.maximumPayloads)
            for notify in message.notifies {
                _ = (notify.wantedGroup, notify.redirectGateway, notify.signatureHashes)
                _ = notify.supportedMajorVersion
            }
            _ = message.proposals.map(\.description)
        }
        if flags & 0x80 != 0 {
            let reports = tracker.reports(at: now)
            precondition(reports.count <= 3)
        }
        forgotten = tracker.forgottenPairs > 0
    }
    let reports = tracker.reports(at: now + .seconds(30))
    let told = reports.reduce(UInt64(0)) { $0 + $1.messages }
    precondition(told <= messages)
    for report in reports {
        for counts in [report.outbound, report.inbound] {
            precondition(counts.requests <= counts.messages)
            precondition(counts.unanswered <= counts.requests || forgotten)
        }
    }
    return 0
}
