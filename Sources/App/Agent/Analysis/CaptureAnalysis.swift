import CaptureFormats
import ESPAnalysis
import NetworkPrimitives
import PacketCapture
import PacketFormats

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
    /// - Parameters:
    ///   - path: the file; `-` for standard input.
    ///   - progress: told now and then how far the work has come.
    /// - Returns: the report; what is wrong inside the file stands in it.
    /// - Throws: where not one octet of the file can be read.
    public func run(
        path: String, progress: (Progress) -> Void
    ) throws(CannotOpen) -> AnalysisReport {
        var report = AnalysisReport(file: path)
        report.namedWindows = namedWindows
        var pipeline = ESPPipeline(settings: .file(windows: windows, seed: .random(in: 0 ... .max)))
        do throws(CaptureFileError) {
            var file = try CaptureFile(path: path)
            do throws(CaptureFileError) {
                try read(&file, into: &pipeline, progress)
            } catch {
                // A directory opens, too: it is reading that fails.
                guard file.packets > 0 else { throw error }
                report.damage = AnalysisReport.Damage(
                    offset: file.progress.octetsRead, problem: error.description)
            }
            report.take(file)
        } catch {
            throw CannotOpen(description: error.description)
        }
        progress(Progress(share: 1, text: "putting the report together"))
        report.take(&pipeline, tunnels)
        return report
    }

    private func read(
        _ file: inout CaptureFile, into pipeline: inout ESPPipeline,
        _ progress: (Progress) -> Void
    ) throws(CaptureFileError) {
        var linkType = LinkType(rawValue: .max)
        var link = LinkKind.unsupported
        var isUnfinished = true
        while isUnfinished {
            isUnfinished = try file.readBatch { packet, frame in
                if packet.linkType != linkType {
                    linkType = packet.linkType
                    link = LinkKind(linkType: linkType.rawValue)
                }
                pipeline.receive(
                    frame, link: link, arrival: packet.arrival, wireLength: packet.wireLength)
            }
            let done = file.progress
            let share = done.octetsTotal.map { Double(done.octetsRead) / Double(max($0, 1)) }
            progress(Progress(share: share ?? 0, text: "\(file.packets) packets"))
        }
    }
}

extension AnalysisReport {
    /// What the file says of itself.
    fileprivate mutating func take(_ file: borrowing CaptureFile) {
        format = file.format?.words
        if file.isGzipped { format = format.map { "\($0), gzip" } }
        octets = UInt64(file.octetsUnpacked)
        packets = UInt64(file.packets)
        captureDrops = file.reportedDrops
        guard let found = file.damage else { return }
        // A cut last record changes nothing but the mark (interface page §2).
        if found.isCutTail {
            isTruncated = true
        } else {
            damage = Damage(offset: found.offset, problem: found.description)
        }
    }

    /// What its packets say.
    fileprivate mutating func take(_ pipeline: inout ESPPipeline, _ tunnels: KnownTunnels) {
        let reports = pipeline.reports()
        let clock = pipeline.clock
        frames = pipeline.frames
        firstPacket = clock.first
        lastPacket = clock.last
        backwardStamps = clock.backward
        unfollowedPackets = pipeline.table.unanalysedPackets
        streams = reports.map {
            tunnels.placed($0, lastSeen: clock.wallTime($0.lastArrival))
        }.sorted(by: CapturedStream.isBefore)
    }
}

extension CaptureFormat {
    /// The format as people call it.
    fileprivate var words: String {
        switch self {
        case .pcap, .pcapNanoseconds: "pcap"
        case .pcapModified: "pcap, modified"
        case .pcapng: "pcapng"
        }
    }
}
