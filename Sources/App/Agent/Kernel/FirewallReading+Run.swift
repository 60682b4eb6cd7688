import HostFacts
import KernelState
import NetworkPrimitives

extension FirewallReading {
    /// More than the ruleset of a host with a hundred thousand rules prints is not read.
    private static let outputLimit = 16 << 20
    private static let timeout = Duration.seconds(2)

    /// Asks nft(8) in the network namespace of the calling thread.
    ///
    /// - Returns: the ruleset, or why it is not known: no nft, no privilege, or what nft complained
    ///   about.
    static func current() -> Reading<FirewallReading> {
        let output: ChildProcess.Output
        do throws(ChildProcess.Failure) {
            output = try ChildProcess.run(
                ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"], ["-j", "list", "ruleset"],
                timeout: timeout, limit: outputLimit)
        } catch {
            if case .notInstalled = error {
                return .unknown(reason: "nft is not installed (package nftables)")
            }
            return .unknown(reason: "nft -j list ruleset: \(error)")
        }
        guard output.status == 0 else {
            let complaint = output.complaint.split(separator: "\n").first.map(String.init)
            let end = output.status.map { "exit status \($0)" } ?? "a signal ended it"
            return .unknown(reason: "nft -j list ruleset: \(complaint ?? end)")
        }
        do throws(JSONError) {
            let document = try output.octets.withRawSpan { (text) throws(JSONError) in
                try JSONValue(parsing: text)
            }
            guard let reading = FirewallReading(document) else {
                return .unknown(reason: "nft -j list ruleset printed no ruleset")
            }
            return .known(reading)
        } catch {
            return .unknown(reason: "nft -j list ruleset printed no JSON: \(error)")
        }
    }
}
