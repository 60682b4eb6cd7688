import ESPAnalysis
public import NetworkPrimitives
import PacketFormats
import Rekeying
import TunnelHealth

/// Everything that the analysis of a capture file, of a provider's IKE log or of both says: the value
/// behind its JSON and its text.
public struct AnalysisReport: Sendable {
    /// A place where the file stops making sense.
    struct Damage: Equatable, Sendable {
        /// Where, in octets from the start of the (unpacked) file.
        var offset: Int
        /// Where, what stands there and what would be right, without a full stop.
        var problem: String
    }

    /// The capture as the operator named it; `-` for standard input, nil where none was given.
    var file: String?
    /// How the file is written, like "pcapng"; nil where it is no capture.
    var format: String?
    /// Octets read, unpacked.
    var octets: UInt64 = 0
    /// Whether its last record is cut.
    var isTruncated = false
    /// Why the rest of the file could not be read; nil when all of it was.
    var damage: Damage?
    /// Its packets, those that could not be read included.
    var packets: UInt64 = 0
    /// What the packets are.
    var frames = FrameCounts()
    /// When the first packet arrived; nil without one.
    var firstPacket: WallTime?
    /// When the last packet arrived, by the latest stamp.
    var lastPacket: WallTime?
    /// Stamps that run backwards.
    var backwardStamps = BackwardStamps()
    /// Packets that the capturing host dropped; nil where the file does not say.
    var captureDrops: UInt64?
    /// The IKE of each pair of hosts, with most messages first.
    var ike: [IKEConversation] = []
    /// The streams, with most packets first.
    var streams: [CapturedStream] = []
    /// The rekeys in it, oldest first.
    var rekeys: [CapturedRekey] = []
    /// Rekeys beyond those that are listed.
    var unlistedRekeys: UInt64 = 0
    /// Packets of streams that were not followed, there being too many.
    var unfollowedPackets: UInt64 = 0
    /// The windows that the operator named, sorted.
    var namedWindows: [Int] = []
    /// What the provider's IKE log says; nil where none was given.
    public var ikeLog: IKELogReport?

    init(file: String) {
        self.file = file
    }

    /// The report of a log alone.
    public init(ikeLog: IKELogReport) {
        self.ikeLog = ikeLog
    }

    /// What the file amounts to, in the words of states.
    ///
    /// - `degraded`: path reordering or a replay was found, or a named window would drop packets; without
    ///   ESP, a failure of IKE; or the provider's log ends with a failed negotiation.
    /// - `unknown`: neither ESP nor IKE could be analysed, or a part of a file cannot be read.
    /// - `healthy`: neither; many senders alone are nothing wrong, for the file does not say which
    ///   window the receiver had.
    ///
    /// What was found stays true whatever an unreadable part holds, so `degraded` comes first, as
    /// everywhere (interface page §2).
    var verdict: TunnelState {
        if hasProblem || ikeLog?.verdict == .degraded { return .degraded }
        guard file != nil else { return ikeLog?.verdict ?? .unknown }
        let isUnknown =
            streams.isEmpty && ike.isEmpty || damage != nil || ikeLog?.verdict == .unknown
        return isUnknown ? .unknown : .healthy
    }

    private var hasProblem: Bool {
        streams.contains { $0.says(.pathReordering) || $0.says(.replaySuspected) }
            || !droppingWindows.isEmpty
            || streams.isEmpty && ike.contains { $0.failure != nil }
    }

    /// The named windows that would drop packets of some stream, with the most they would drop.
    ///
    /// Copies that only the capture made reached no receiver, so they do not count.
    var droppingWindows: [ReplayWindowForecast] {
        namedWindows.compactMap { size in
            streams.compactMap { stream in
                stream.report.windows.first {
                    $0.window == size && $0.wouldDrop > stream.report.duplicates.capture
                }
            }.max { $0.ratio < $1.ratio }
        }
    }

    /// Keeps only the streams with an SPI.
    ///
    /// - Returns: false where the file has none; then nothing is changed.
    public mutating func select(spi: SPI) -> Bool {
        let selected = streams.filter { $0.report.id.spi == spi }
        guard !selected.isEmpty else { return false }
        streams = selected
        rekeys.removeAll { $0.record.spi != spi && $0.record.formerSPI != spi }
        return true
    }

    /// Keeps only the streams of a tunnel.
    mutating func select(tunnel: String) {
        streams.removeAll { $0.tunnel != tunnel }
        rekeys.removeAll { $0.tunnel != tunnel }
        ike.removeAll { $0.tunnel != tunnel }
    }

    /// The SPIs of the file's streams, with most packets first, each once.
    public var spis: [SPI] {
        var seen: Set<SPI> = []
        return streams.map(\.report.id.spi).filter { seen.insert($0).inserted }
    }

    /// The file for people.
    var title: String {
        guard let file else { return ikeLog?.title ?? "" }
        return file == "-" ? "standard input" : file
    }

    /// What went wrong with the files themselves, a line each; empty for good ones.
    public var complaints: [String] {
        (damage.map { ["\(title): \($0.problem)"] } ?? []) + (ikeLog?.complaints ?? [])
    }
}
