import CaptureFormats
import ESPSimulation
import NetworkPrimitives

/// What a reader made of a file.
struct ReadCapture: Equatable {
    struct Packet: Equatable {
        var interface: Int
        var linkType: UInt32
        var arrival: Int64?
        var wireLength: Int
        var octets: [UInt8]
    }

    var format: CaptureFormat?
    var packets: [Packet] = []
    var damage: CaptureDamage?
    var reportedDrops: UInt64?
    /// The most octets that the reader asked a window to hold.
    var largestDemand = 0

    /// Reads a file that comes in pieces of the sizes that `piece` gives.
    init(_ file: [UInt8], piece: () -> Int = { .max }) {
        var reader = CaptureReader()
        var window: [UInt8] = []
        var fed = 0
        var demand = 0
        while true {
            let isFinal = fed == file.count
            let step = window.withRawSpan { reader.next($0, isFinal: isFinal) }
            format = reader.format
            reportedDrops = reader.reportedDrops
            switch step {
            case .packet(let packet):
                packets.append(
                    Packet(
                        interface: packet.interface, linkType: packet.linkType.rawValue,
                        arrival: packet.arrival?.nanoseconds, wireLength: packet.wireLength,
                        octets: Array(window[packet.octets])))
            case .needMore(let count):
                precondition(!isFinal, "wants more than there is")
                demand = count
                largestDemand = max(largestDemand, demand)
                window.removeFirst(reader.discardConsumed())
                precondition(demand > window.count, "wants what it has")
                let size = min(max(1, piece()), file.count - fed)
                window += file[fed..<(fed + size)]
                fed += size
            case .end:
                return
            case .damaged(let found):
                damage = found
                return
            }
        }
    }
}

/// Files whose contents the tests know.
enum SampleFile {
    static let start: Int64 = 1_800_000_000_123_456_789

    static func frame(_ number: Int, count: Int = 60) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
    }

    static func pcap(
        order: CaptureByteOrder = .little, nanoseconds: Bool = true, packets: Int = 5
    ) -> [UInt8] {
        var file = SimulatedPcapFile(order: order, nanoseconds: nanoseconds)
        for number in 0..<packets {
            file.append(
                frame(number, count: 60 + number), at: start + Int64(number) * 1_000_001,
                wireLength: 100 + number)
        }
        return file.octets
    }

    /// Two sections of different byte order, three interfaces each.
    static func pcapng() -> [UInt8] {
        var file = SimulatedPcapngFile(order: .little)
        for order in [CaptureByteOrder.little, .big] {
            if order == .big { file.beginSection(order: .big) }
            file.addInterface(linkType: 1, name: "eth0", exponent: 9)
            file.append(frame(0), interface: 0, at: start)
            file.addInterface(linkType: 101, exponent: 6)
            file.appendBlock(type: 5, frame(9, count: 40))
            file.append(frame(1, count: 61), interface: 1, at: start + 1, wireLength: 1400)
            file.appendSimple(frame(2, count: 62))
            file.addInterface(linkType: 276, exponent: 3)
            file.append(frame(3, count: 63), interface: 2, at: start + 2)
            file.append(frame(4, count: 0), interface: 0, at: start + 3)
        }
        return file.octets
    }
}
