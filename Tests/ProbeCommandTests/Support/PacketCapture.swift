import Foundation

/// tcpdump on one of the client's devices, for as long as the object lives.
final class PacketCapture: Sendable {
    /// An ICMP packet as tcpdump saw it.
    struct Packet {
        var source: String
        var destination: String
        var timeToLive: Int
        var type: Int
        /// Octets of the IP packet, for an ICMP error of the packet that it quotes.
        var length: Int

        func `is`(type: Int, to destination: String) -> Bool {
            self.type == type && self.destination == destination
        }
    }

    private let command: RunningCommand
    private let file: String

    init(_ lab: Lab, device: String) throws {
        file = "\(lab.directory)/\(device).pcap"
        command = try RunningCommand(
            [
                "ip", "netns", "exec", lab.client, "tcpdump", "-i", device, "-n", "-U",
                "--immediate-mode", "-Z", "root", "-w", file, "icmp",
            ])
        let command = command
        _ = try eventually("tcpdump listens", within: 10) {
            command.errors.contains("listening on") ? true : nil
        }
    }

    /// Ends the capture and reads the probes of the loop and what is about them.
    ///
    /// They have 56 octets after the ICMP header; packets that measure paths are shorter, or longer.
    func probes() throws -> [Packet] {
        try packets().filter { $0.length == 84 }
    }

    /// Ends the capture and reads it.
    func packets() throws -> [Packet] {
        Thread.sleep(forTimeInterval: 0.3)
        command.send(SIGTERM)
        _ = try command.wait(seconds: 5)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
        var packets: [Packet] = []
        // The classic pcap format: a header of 24 octets, then records with 16 each; Ethernet.
        var offset = 24
        while offset + 16 <= bytes.count {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[offset + 8 + $1]) << (8 * $1) }
            let start = offset + 16 + 14
            let header = Int(bytes[start] & 0x0f) * 4
            func address(_ at: Int) -> String {
                bytes[(start + at)..<(start + at + 4)].map(String.init).joined(separator: ".")
            }
            let type = Int(bytes[start + header])
            let quoted = [3, 11].contains(type) ? start + header + 8 : start
            packets.append(
                Packet(
                    source: address(12), destination: address(16),
                    timeToLive: Int(bytes[start + 8]), type: type,
                    length: Int(bytes[quoted + 2]) << 8 | Int(bytes[quoted + 3])))
            offset += 16 + length
        }
        return packets
    }
}
