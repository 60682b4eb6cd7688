import ESPAnalysis
import IKE
import RawSockets

/// The analysis of a capture file: all its ESP streams, configured or not.
public struct CaptureAnalysis: Sendable {
    /// The replay windows that can be judged by, in packets.
    public static let windowSizes = 1...(1 << 20)

    /// How far the analysis has come.
    public struct Progress: Sendable {
        /// The share of the file that is read, 0...1; 0 where its size is not known.
        public var share: Double
        /// What is going on.
        public var text: String
    }

    /// A file that could not be opened.
    public struct CannotOpen: Error, CustomStringConvertible {
        /// The file and why.
        public var description: String
    }

    private let tunnels: KnownTunnels
    private let namedWindows: [Int]

    /// An analysis.
    ///
    /// - Parameters:
    ///   - tunnels: the tunnels by which streams get a direction.
    ///   - namedWindows: replay windows that the operator named, each inside `windowSizes`.
    public init(tunnels: KnownTunnels, namedWindows: [Int]) {
        self.tunnels = tunnels
        self.namedWindows = Set(namedWindows).sorted()
    }

    /// Every window that is forecast.
    private var windows: [Int] {
        Set(tunnels.replayWindows + namedWindows + ReplayWindowReading.measured).sorted()
    }

    /// Reads the file and analyses what is in it.
    ///
    /// A thread of its own reads and decodes, at most a few batches ahead; the caller's thread
    /// analyses. Both cost about as much.
    ///
    /// - Parameters:
    ///   - path: the file; `-` for standard input.
    ///   - progress: told now and then how far the work has come.
    /// - Returns: the report; what is wrong inside the file stands in it.
    /// - Throws: where not one octet of the file can be read.
    public func run(
        path: String, progress: (Progress) -> Void
    ) throws(CannotOpen) -> AnalysisReport {
        let seed = UInt64.random(in: 0 ... .max)
        let reading: CaptureFileReading
        do throws(SocketError) {
            reading = try CaptureFileReading(
                path: path, seed: seed &+ 1,
                ike: IKEExchangeTracker.Settings(
                    pairs: 512, associations: 2048, locals: tunnels.locals,
                    remotes: tunnels.remotes))
        } catch {
            throw CannotOpen(description: "cannot start to read: \(error)")
        }
        var table = StreamTable(settings: .file(windows: windows, seed: seed))
        var rekeys = RekeyReading()
        while let piece = reading.next() {
            table.receive(piece.batch)
            rekeys.receive(piece.batch.packets.span, of: table)
            progress(Progress(share: piece.share, text: "\(piece.packets) packets"))
            reading.reuse(piece)
        }
        progress(Progress(share: 1, text: "putting the report together"))
        var report = AnalysisReport(file: path)
        report.namedWindows = namedWindows
        report.take(try reading.outcome(), &table, &rekeys, tunnels)
        return report
    }
}

extension AnalysisReport {
    /// What the file and its packets say.
    fileprivate mutating func take(
        _ outcome: CaptureFileReading.Outcome, _ table: inout StreamTable,
        _ rekeys: inout RekeyReading, _ tunnels: KnownTunnels
    ) {
        let clock = outcome.clock
        format = outcome.format
        octets = outcome.octets
        packets = outcome.packets
        captureDrops = outcome.captureDrops
        isTruncated = outcome.isTruncated
        damage = outcome.damage
        frames = outcome.frames
        firstPacket = clock.first
        lastPacket = clock.last
        backwardStamps = clock.backward
        ike = outcome.ike.map { tunnels.placed($0, clock) }
        let reports = table.takeClosedReports() + table.reports(at: clock.now)
        unfollowedPackets = table.unanalysedPackets
        streams = reports.map {
            tunnels.placed($0, lastSeen: clock.wallTime($0.lastArrival))
        }.sorted(by: CapturedStream.isBefore)
        rekeys.finish(at: clock.now)
        unlistedRekeys = rekeys.unlisted
        self.rekeys = rekeys.rekeys.map { tunnels.placed($0, clock) }
    }
}
