import CaptureFormats
import IKE
import NetworkPrimitives
import PacketCapture
import TunnelHealth

/// What the provider's IKE log says: the value behind `ike_log` of the analysis.
public struct IKELogReport: Equatable, Sendable {
    /// The file as the operator named it; `-` for standard input.
    var file: String
    /// Octets read, unpacked.
    var octets: UInt64 = 0
    /// Whether it is gzip'd.
    var isGzipped = false
    /// What was found besides records.
    var tally = ProviderLogTally()
    /// What the records say.
    var digest = ProviderLogDigest()
    /// Why the file, or the rest of it, could not be read; nil when all of it was.
    var damage: String?
    /// The tunnels of the peers, in the order of `digest.peers`; nil where none has the addresses.
    var tunnels: [String?] = []
    /// Why tunnels are nil.
    var tunnelsUnknownBecause = "no tunnel of the configuration has these addresses"

    init(file: String) {
        self.file = file
    }

    /// The file for people.
    var title: String { file == "-" ? "standard input" : file }

    /// Whether a line of it, or its rest, could not be read; a cut last record is none.
    var isCorrupt: Bool { damage != nil || tally.unreadableLines > 0 }

    /// What the log amounts to, in the words of states.
    ///
    /// - `degraded`: a negotiation failed, and nothing after it made it good.
    /// - `unknown`: it holds no record, or a part of it cannot be read.
    /// - `healthy`: neither.
    var verdict: TunnelState {
        if digest.hasFailure { return .degraded }
        return tally.records == 0 || isCorrupt ? .unknown : .healthy
    }

    /// What went wrong with the file itself, a line each; empty for a good one.
    var complaints: [String] {
        var complaints = damage.map { ["\(title): \($0)"] } ?? []
        if let first = tally.firstUnreadable, tally.refusal == nil {
            complaints.append(
                "\(title): line \(first.line): \(first.reason)"
                    + (tally.unreadableLines > 1
                        ? "; \(tally.unreadableLines) lines in all are no record" : ""))
        }
        return complaints
    }
}

/// Reads the provider's IKE log, the Logpush dataset `ipsec_logs`.
public struct IKELogAnalysis: Sendable {
    private let tunnels: KnownTunnels

    /// An analysis that joins records to these tunnels.
    public init(tunnels: KnownTunnels) {
        self.tunnels = tunnels
    }

    /// Reads the file.
    ///
    /// - Parameters:
    ///   - path: the file; `-` for standard input.
    ///   - progress: told now and then how far the work has come.
    /// - Returns: the report; what is wrong inside the file stands in it.
    /// - Throws: where not one octet of the file can be read.
    public func run(
        path: String, progress: (CaptureAnalysis.Progress) -> Void
    ) throws(CaptureAnalysis.CannotOpen) -> IKELogReport {
        var report = IKELogReport(file: path)
        var reader = ProviderLogReader()
        do throws(CaptureFileError) {
            var file = try PackedTextFile(path: path)
            do throws(CaptureFileError) {
                try Self.read(&file, &reader, &report, progress)
            } catch {
                // A directory opens, too: it is reading that fails.
                guard file.octetsUnpacked > 0 else { throw error }
                report.damage = error.description
            }
            report.octets = UInt64(file.octetsUnpacked)
            report.isGzipped = file.isGzipped
            report.damage = report.damage ?? file.damage?.description
        } catch {
            throw CaptureAnalysis.CannotOpen(description: error.description)
        }
        report.tally = reader.tally
        // What ends inside a record because its compression broke is damaged, not cut.
        if report.damage != nil { report.tally.isTruncated = false }
        report.damage = report.damage ?? report.tally.refusal?.description
        report.tunnels = report.digest.peers.map { tunnels.name(between: $0.local, $0.remote) }
        report.tunnelsUnknownBecause = tunnels.absence
        return report
    }

    private static func read(
        _ file: inout PackedTextFile, _ reader: inout ProviderLogReader,
        _ report: inout IKELogReport, _ progress: (CaptureAnalysis.Progress) -> Void
    ) throws(CaptureFileError) {
        var digest = ProviderLogDigest()
        var goesOn = true
        var isUnfinished = true
        while isUnfinished, goesOn {
            isUnfinished = try file.readWindow { window in
                let isFinal = window.byteCount == 0
                goesOn = reader.receive(window, isFinal: isFinal) { digest.receive($0) }
            }
            let done = file.progress
            let share = done.octetsTotal.map { Double(done.octetsRead) / Double(max($0, 1)) } ?? 0
            let records = digest.kinds.values.reduce(0, +)
            progress(CaptureAnalysis.Progress(share: share, text: "\(records) records"))
        }
        report.digest = digest
    }
}

extension KnownTunnels {
    /// The tunnel between two addresses, whichever of them is the provider's.
    ///
    /// The log does not say which side its `Local` is.
    func name(between one: IPAddress?, _ other: IPAddress?) -> String? {
        for wantsLocal in [true, false] {
            for end in ends where (end.local != nil) == wantsLocal {
                for (near, far) in [(one, other), (other, one)] {
                    if let far, far == end.remote, end.local == nil || near == end.local {
                        return end.name
                    }
                }
            }
        }
        return nil
    }
}
