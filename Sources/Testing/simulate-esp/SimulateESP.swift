import ESPSimulation
import Glibc
import HostFacts

/// Prints a simulated stream for judges in other languages.
///
///     simulate-esp senders=20 start=aged loss=0.01 seed=3
///
/// One line of the truth, then a line for each packet in order of arrival: arrival in nanoseconds,
/// sequence number, epoch, hop limit, identification, IV, identity, sender, index, and 1 for a copy by
/// the network, 2 for a replay, else 0.
@main struct SimulateESP {
    static func main() {
        let words = CommandLine.arguments.dropFirst().joined(separator: " ")
        guard let simulation = ESPStreamSimulation(words) else {
            _ = StandardStream.error.write(
                "simulate-esp: no parameters of a simulation: '\(words)'; "
                    + "it takes some like senders=20 start=aged loss=0.01 seed=3\n")
            exit(64)
        }
        let stream = simulation.run()
        let truth = stream.truth
        print(
            "packets=\(stream.packets.count) checksum=\(stream.checksum)"
                + " active=\(truth.activeSenders) instances=\(truth.instances)"
                + " sent=\(truth.sent) lost=\(truth.lost) received=\(truth.received)"
                + " reordered=\(truth.reordered)"
                + " copies=\(truth.duplicates) replays=\(truth.replays)")
        var text = ""
        for packet in stream.packets {
            text += "\(packet.arrival) \(packet.sequence) \(packet.epoch) \(packet.hopLimit) "
            text += "\(packet.identification) \(packet.initializationVector) "
            text += "\(packet.identity) \(packet.sender) \(packet.index) "
            text += packet.isReplay ? "2\n" : packet.isDuplicate ? "1\n" : "0\n"
            if text.utf8.count > 1 << 16 {
                print(text, terminator: "")
                text = ""
            }
        }
        print(text, terminator: "")
    }
}
