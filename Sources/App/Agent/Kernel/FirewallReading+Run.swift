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
        let tables = listedTables
        switch nftables() {
        case .known(var reading):
            if reading.untranslated > 0 || !tables.isEmpty { reading.adoptListings(tables) }
            return .known(reading)
        case .unknown(let reason):
            // A host without nft may have iptables all the same.
            guard let reading = listing(legacy: true, "ip") else {
                return .unknown(reason: reason)
            }
            return .known(reading)
        }
    }

    /// The tables of iptables' older kind, which nft does not show.
    private static var listedTables: Set<String> {
        var families: Set<String> = []
        for (file, family) in [("ip_tables_names", "ip"), ("ip6_tables_names", "ip6")] {
            do throws(FileError) {
                let names = try NetworkFile.readIfThere(.net, file, limit: 4096) ?? []
                if !names.isEmpty { families.insert(family) }
            } catch {
                // Only root may read it, and only root may list rules.
                continue
            }
        }
        return families
    }

    /// Reads what nft shows without its matches, and the tables it does not show.
    private mutating func adoptListings(_ tables: Set<String>) {
        if untranslated > 0 {
            for family in ["ip", "ip6"] where baseChains.contains(where: { $0.family == family }) {
                if let listing = Self.listing(legacy: false, family) { adopt(listing) }
            }
        }
        for family in tables {
            if let listing = Self.listing(legacy: true, family) { adopt(listing) }
        }
    }

    /// What iptables-save prints of one family; nil where it cannot be had.
    private static func listing(legacy: Bool, _ family: String) -> FirewallReading? {
        let name = family == "ip6" ? "ip6tables" : "iptables"
        let variant = legacy ? "legacy" : "nft"
        let commands = ["\(name)-\(variant)-save", "\(name)-save"].flatMap { command in
            ["/usr/sbin", "/sbin"].map { "\($0)/\(command)" }
        }
        do throws(ChildProcess.Failure) {
            let output = try ChildProcess.run(
                commands, ["-c"], timeout: timeout, limit: outputLimit)
            guard output.status == 0 else { return nil }
            return output.octets.withRawSpan {
                FirewallReading(listing: $0, family: family, isLegacy: legacy)
            }
        } catch {
            return nil
        }
    }

    private static func nftables() -> Reading<FirewallReading> {
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
