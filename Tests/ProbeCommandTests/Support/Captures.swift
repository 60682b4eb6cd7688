import ESPSimulation
import Foundation
import NetworkPrimitives

/// A directory with capture files, gone with the object.
final class Captures: Sendable {
    /// 2026-11-22T12:00:00Z, when every capture begins.
    static let start: Int64 = 1_795_348_800_000_000_000

    let directory: String

    init() throws { directory = try temporaryDirectory() }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    @discardableResult
    func write(_ name: String, _ octets: [UInt8]) throws -> String {
        try Data(octets).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }

    @discardableResult
    func write(_ name: String, text: String) throws -> String {
        try write(name, Array(text.utf8))
    }

    /// A pcap file of a simulated stream.
    @discardableResult
    func write(
        _ name: String, _ simulation: ESPStreamSimulation, frame: ESPFrame = ESPFrame()
    ) throws -> String {
        try write(name, Self.pcap(simulation, frame: frame))
    }

    static func pcap(_ simulation: ESPStreamSimulation, frame: ESPFrame = ESPFrame()) -> [UInt8] {
        var file = SimulatedPcapFile(linkType: frame.link.linkType, snapLength: 128)
        for packet in simulation.run().packets {
            file.append(frame.octets(of: packet), at: start + packet.arrival)
        }
        return file.octets
    }

    /// Runs `probe`, with a configuration that is not there by default.
    func probe(_ arguments: String..., environment: [String: String] = [:]) throws -> CommandResult
    {
        try run([ProbeBinary.path] + arguments, environment: environment, within: 60)
    }

    /// A configuration with one tunnel to where captures come from.
    func configuration() throws -> String {
        try write(
            "agent.conf",
            text: """
                [agent]
                control_socket = "\(path("control.sock"))"
                [[tunnel]]
                name = "cf-1"
                remote = "198.51.100.1"
                """)
    }
}

extension ESPStreamSimulation {
    /// Twenty senders after a rekey.
    static var many: Self {
        Self(senders: 20, packetsPerSecond: 4000, duration: 5) { $0.iv = .seqiv }
    }

    /// One sender, every packet in order.
    static var clean: Self {
        Self(senders: 1, packetsPerSecond: 2000, duration: 5) { $0.hopLimits = 1 }
    }

    /// One sender over a path that holds packets back.
    static var reordered: Self {
        Self(senders: 1, packetsPerSecond: 5000, duration: 5) {
            $0.hopLimits = 1
            $0.reorder = 0.02
            $0.iv = .seqiv
        }
    }

    /// One sender, and somebody who sends old packets again.
    static var replayed: Self {
        Self(senders: 1, packetsPerSecond: 1000, duration: 30) {
            $0.hopLimits = 1
            $0.replays = 40
        }
    }
}
