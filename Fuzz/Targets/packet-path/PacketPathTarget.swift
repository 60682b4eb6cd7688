@testable import Agent
import CaptureFormats
import ESPAnalysis
import Octets
import PacketFormats

/// The whole way of a packet from a capture file to the report of its stream: windows, records,
/// frames, the clock, the streams' table.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = unsafe FuzzInput(start, count)
    var sizes = PieceSizes(seed: input.byte())
    let flags = input.byte()
    let file = input.rest()
    // As the product's settings but small: a table is made for each input.
    var table = StreamTable(
        settings: StreamTable.Settings(
            windows: [1, 32, 64, 1024], identityCapacity: 64, maximumStreams: 4,
            isLive: flags & 1 != 0, seed: UInt64(flags)))
    var reading = FrameReading(seed: UInt64(flags))
    var reader = CaptureReader()
    var window: [UInt8] = []
    var fed = 0
    var packets: UInt64 = 0
    while true {
        switch reader.next(window.span.bytes, isFinal: fed == file.count) {
        case .packet(let packet):
            packets += 1
            reading.receive(
                window.span.bytes.extracting(packet.octets),
                link: LinkKind(linkType: packet.linkType.rawValue), arrival: packet.arrival,
                wireLength: packet.wireLength)
            if reading.batch.packets.count >= 16 {
                table.receive(reading.batch)
                reading.batch.removeAll()
            }
        case .needMore:
            window.removeFirst(reader.discardConsumed())
            let size = min(sizes.next(), file.count - fed)
            window += file[fed..<(fed + size)]
            fed += size
        case .end, .damaged:
            precondition(reading.frames.frames == packets)
            table.receive(reading.batch)
            // In this order: a look at the open streams closes the idle ones first.
            let open = table.reports(at: reading.clock.now)
            let reports = open + table.takeClosedReports()
            let told = reports.reduce(0) { $0 + $1.packets } + table.unanalysedPackets
            precondition(told <= reading.frames.esp)
            // Live, a stream of a single packet is in no report until its second one.
            precondition(table.settings.isLive || told == reading.frames.esp)
            return 0
        }
    }
}
