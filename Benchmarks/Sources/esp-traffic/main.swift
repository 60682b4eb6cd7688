// Writes a capture file of simulated ESP: many senders on one SA or more, and floods.
//
// usage: esp-traffic FILE [--packets N] [--senders N] [--streams N] [--iv random|seqiv]
//                    [--per-second N] [--flood spi|sequence] [--snaplen N]

import ESPSimulation
import Glibc
import NetworkPrimitives
import NetworkSimulation

let usage = """
    usage: esp-traffic FILE [--packets N] [--senders N] [--streams N] [--iv random|seqiv]
                       [--per-second N] [--flood spi|sequence] [--snaplen N]
      --packets N      packets in the file; default 1000000
      --senders N      senders of each stream, whose rates follow Zipf's law; default 50
      --streams N      SAs, each with senders of its own; default 1
      --iv MODE        seqiv names the sender, as Linux does; random names nobody; default seqiv
      --per-second N   of all together, by the file's clock; default 200000
      --flood WHAT     every second packet is an attacker's: of a random SPI, or of the first SA with
                       a random number
      --snaplen N      octets kept of each frame; default 128

    """

func fail(_ text: String) -> Never {
    let said = Array("esp-traffic: \(text)\n\(usage)".utf8)
    _ = write(2, said, said.count)
    exit(64)
}

/// What the attacker varies.
enum Flood: String {
    case spi, sequence
}

/// What to write.
struct Order {
    var file = ""
    var packets = 1_000_000
    var senders = 50
    var streams = 1
    var iv = ESPStreamSimulation.IVMode.seqiv
    var perSecond = 200_000
    var flood: Flood?
    var snaplen = 128

    init(_ arguments: some Sequence<String>) {
        var words = arguments.makeIterator()
        while let word = words.next() {
            switch word {
            case "--packets": packets = Self.number(word, words.next())
            case "--senders": senders = Self.number(word, words.next())
            case "--streams": streams = Self.number(word, words.next())
            case "--per-second": perSecond = Self.number(word, words.next())
            case "--snaplen": snaplen = Self.number(word, words.next())
            case "--iv": iv = Self.choice(word, words.next())
            case "--flood": flood = Self.choice(word, words.next()) as Flood
            case _ where word.hasPrefix("-") || !file.isEmpty: fail("unexpected \(word)")
            default: file = word
            }
        }
        if file.isEmpty { fail("no file named") }
    }

    private static func number(_ option: String, _ word: String?) -> Int {
        guard let word, let number = Int(word), number > 0 else {
            fail("\(option) takes a number above 0")
        }
        return number
    }

    private static func choice<Choice: RawRepresentable<String>>(
        _ option: String, _ word: String?
    ) -> Choice {
        guard let word, let choice = Choice(rawValue: word) else {
            fail("\(option) does not know '\(word ?? "")'")
        }
        return choice
    }
}

/// A nanosecond pcap file, written as it grows.
struct PcapWriter {
    private let file: UnsafeMutablePointer<FILE>
    private let snaplen: Int
    private var pending: [UInt8] = []

    init(path: String, snaplen: Int) {
        guard let file = fopen(path, "wb") else { fail("cannot write \(path)") }
        self.file = file
        self.snaplen = snaplen
        pending.reserveCapacity(1 << 20)
        for word: UInt32 in [0xa1b2_3c4d, 0x0004_0002, 0, 0, UInt32(snaplen), 1] { append(word) }
    }

    mutating func append(_ frame: [UInt8], at nanoseconds: Int64) {
        let kept = min(snaplen, frame.count)
        append(UInt32(1_800_000_000 + nanoseconds / 1_000_000_000))
        append(UInt32(nanoseconds % 1_000_000_000))
        append(UInt32(kept))
        append(UInt32(frame.count))
        pending.append(contentsOf: frame[..<kept])
        if pending.count > (1 << 20) - 4096 { flush() }
    }

    mutating func close() {
        flush()
        guard fclose(file) == 0 else { fail("cannot write all of it") }
    }

    private mutating func append(_ word: UInt32) {
        withUnsafeBytes(of: word.littleEndian) { pending.append(contentsOf: $0) }
    }

    private mutating func flush() {
        guard fwrite(pending, 1, pending.count, file) == pending.count else {
            fail("cannot write all of it")
        }
        pending.removeAll(keepingCapacity: true)
    }
}

/// One SA: its run, and the packet that comes next.
struct Stream {
    var run: ESPStreamRun
    var frame: ESPFrame
    var upcoming: SimulatedESPPacket

    init?(_ order: Order, number: Int) {
        var simulation = ESPStreamSimulation(
            senders: order.senders,
            packetsPerSecond: Double(order.perSecond) / Double(order.streams),
            // More than is asked for: the file's end is the one that counts.
            duration: 1.2 * Double(order.packets) / Double(order.perSecond) + 1,
            seed: UInt64(number) + 1)
        simulation.iv = order.iv
        simulation.start = .aged
        simulation.age = 600
        simulation.loss = 0.002
        simulation.reorder = 0.002
        run = ESPStreamRun(simulation)
        frame = ESPFrame { $0.spi = SPI(rawValue: 0xc0de_0001 + UInt32(number)) }
        guard let first = run.next() else { return nil }
        upcoming = first
    }
}

let order = Order(CommandLine.arguments.dropFirst())
var writer = PcapWriter(path: order.file, snaplen: order.snaplen)
var streams = (0..<order.streams).compactMap { Stream(order, number: $0) }
var attacker = SeededGenerator(seed: 99)
var written = 0
while written < order.packets {
    var next = 0
    for other in streams.indices.dropFirst()
    where streams[other].upcoming.arrival < streams[next].upcoming.arrival {
        next = other
    }
    guard !streams.isEmpty else { break }
    let packet = streams[next].upcoming
    writer.append(streams[next].frame.octets(of: packet), at: packet.arrival)
    written += 1
    if let flood = order.flood, written < order.packets {
        var frame = streams[0].frame
        var forged = packet
        forged.initializationVector = attacker.next()
        forged.identity = attacker.next()
        switch flood {
        case .spi: frame.spi = SPI(rawValue: UInt32.random(in: 256 ... .max, using: &attacker))
        case .sequence: forged.sequence = UInt32.random(in: 1 ... .max, using: &attacker)
        }
        writer.append(frame.octets(of: forged), at: packet.arrival)
        written += 1
    }
    guard let following = streams[next].run.next() else {
        streams.remove(at: next)
        continue
    }
    streams[next].upcoming = following
}
writer.close()
