import Foundation

/// ESP that ends nowhere: packets with an SPI, a number and an IV, from as many senders as wanted.
struct ESPTraffic {
    /// The namespace that sends.
    var namespace: String
    var destination: String
    var spi: UInt32
    /// How many counters send in turn; each is named by its IVs, as Linux makes them.
    var senders = 1
    /// Packets of each sender.
    var count: Int
    /// The first number.
    var first: UInt32 = 1
    /// Packets per second; nil is as fast as may be.
    var rate: Int?

    private static let script = """
        import socket, struct, sys, time, random
        destination, spi, senders, count, first, rate = sys.argv[1], *map(int, sys.argv[2:])
        link = socket.socket(socket.AF_INET, socket.SOCK_RAW, 50)
        salts = [random.getrandbits(64) for _ in range(senders)]
        begin, sent = time.monotonic(), 0
        for number in range(first, first + count):
            for salt in salts:
                packet = struct.pack(">IIQ", spi, number, number ^ salt) + random.randbytes(72)
                link.sendto(packet, (destination, 0))
                sent += 1
                if rate: time.sleep(max(0, begin + sent / rate - time.monotonic()))
        """

    /// What sends it, as a command.
    var arguments: [String] {
        [
            "ip", "netns", "exec", namespace, "python3", "-c", Self.script, destination,
            "\(spi)", "\(senders)", "\(count)", "\(first)", "\(rate ?? 0)",
        ]
    }

    /// Sends all of it.
    func send() throws {
        let result = try run(arguments, within: 60)
        guard result.status == 0 else { throw CommandFailed(command: "ESP", result: result) }
    }
}

/// A tcpdump that writes what a device of a namespace sees.
final class PacketDump: Sendable {
    private let command: RunningCommand
    private let path: String

    init(_ lab: Lab, device: String = "wan0", filter: String = "esp") throws {
        path = "\(lab.directory)/dump-\(UUID().uuidString.prefix(8)).pcap"
        command = try RunningCommand([
            "ip", "netns", "exec", lab.client, "tcpdump", "-Z", "root", "-U", "-ni", device, "-w",
            path, filter,
        ])
        let command = command
        _ = try eventually("tcpdump listens", within: 10) {
            command.errors.contains("listening on") ? true : nil
        }
    }

    /// Ends it and counts its packets.
    func count(_ filter: String = "") throws -> Int {
        // What it holds in its ring is written within a second.
        Thread.sleep(forTimeInterval: 1.2)
        command.send(SIGINT)
        if command.isRunning { _ = try command.wait(seconds: 10) }
        let listing = try shell("tcpdump -nr \(path) '\(filter)' 2>/dev/null")
        return listing.split(separator: "\n").count
    }
}
