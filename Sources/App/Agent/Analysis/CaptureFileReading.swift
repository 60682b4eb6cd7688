import CaptureFormats
import IKE
import PacketCapture
import PacketFormats
import RawSockets
import Synchronization

/// Reads a capture file on a thread of its own, a few batches ahead of whoever analyses them.
final class CaptureFileReading: Sendable {
    /// What is handed over at a time.
    struct Piece: Sendable {
        var batch = ObservedBatch()
        /// The share of the file that is read, 0...1; 0 where its size is not known.
        var share = 0.0
        /// Packets read so far, of whatever kind.
        var packets: UInt64 = 0
    }

    /// What there is to say of the file itself.
    struct Outcome: Sendable {
        /// How it is written, like "pcapng"; nil where it is no capture.
        var format: String?
        /// Octets read, unpacked.
        var octets: UInt64
        /// Packets, those that could not be read included.
        var packets: UInt64
        /// Packets that the capturing host dropped; nil where the file does not say.
        var captureDrops: UInt64?
        /// Whether the last record is cut.
        var isTruncated = false
        /// Why the rest of the file could not be read; nil when all of it was.
        var damage: AnalysisReport.Damage?
        /// What the packets are.
        var frames: FrameCounts
        /// The capture's clock at its end.
        var clock: CaptureClock
        /// What was seen of IKE, a report for each pair of hosts.
        var ike: [IKEWireReport]
    }

    /// How far the reader may be ahead, in pieces: enough to ride out a slow read, and small enough to
    /// stay in the second cache.
    private static let lead = 4
    /// Packets in a piece.
    private static let pieceSize = 512

    private let full = Handover<Piece>(capacity: lead)
    private let empty = Handover<Piece>(capacity: lead + 2)
    private let result = Mutex<Result<Outcome, CaptureFileError>?>(nil)

    /// Starts to read.
    ///
    /// - Parameters:
    ///   - path: the file; `-` for standard input.
    ///   - seed: a secret random number, against hash flooding.
    ///   - ike: how much IKE is remembered, and whose.
    /// - Throws: `SocketError` when the process may not make a thread.
    init(
        path: String, seed: UInt64, ike: IKEExchangeTracker.Settings = IKEExchangeTracker.Settings()
    ) throws(SocketError) {
        for _ in 0..<(Self.lead + 2) { empty.give(Piece()) }
        try PinnedThread.start(name: "capture-file") { [self] in
            do throws(CaptureFileError) {
                let outcome = try read(path, seed, ike)
                result.withLock { $0 = .success(outcome) }
            } catch {
                result.withLock { $0 = .failure(error) }
            }
            full.close()
        }
    }

    /// The next packets; nil after the last ones.
    func next() -> Piece? { full.take() }

    /// Gives a piece back, for what is read next.
    func reuse(_ piece: Piece) { empty.give(piece) }

    /// What there is to say of the file, after the last piece.
    ///
    /// - Throws: where not one packet of it could be read.
    func outcome() throws(CaptureAnalysis.CannotOpen) -> Outcome {
        switch result.withLock({ $0 }) {
        case .success(let outcome): return outcome
        case .failure(let error): throw CaptureAnalysis.CannotOpen(description: error.description)
        case nil: preconditionFailure("the outcome of a file is known at its end")
        }
    }

    private func read(
        _ path: String, _ seed: UInt64, _ ike: IKEExchangeTracker.Settings
    ) throws(CaptureFileError) -> Outcome {
        var reading = FrameReading(seed: seed, ike: ike)
        var file = try CaptureFile(path: path)
        var failure: AnalysisReport.Damage?
        do throws(CaptureFileError) {
            try read(&file, &reading)
        } catch {
            // A directory opens, too: it is reading that fails.
            guard file.packets > 0 else { throw error }
            failure = AnalysisReport.Damage(
                offset: file.progress.octetsRead, problem: error.description)
        }
        hand(&reading, file.progress)
        return Outcome(file, &reading, failure: failure)
    }

    private func read(
        _ file: inout CaptureFile, _ reading: inout FrameReading
    ) throws(CaptureFileError) {
        var linkType = LinkType(rawValue: .max)
        var link = LinkKind.unsupported
        var isUnfinished = true
        while isUnfinished {
            let before = file.progress
            isUnfinished = try file.readBatch { packet, frame in
                if packet.linkType != linkType {
                    linkType = packet.linkType
                    link = LinkKind(linkType: linkType.rawValue)
                }
                reading.receive(
                    frame, link: link, arrival: packet.arrival, wireLength: packet.wireLength)
                if reading.batch.count >= Self.pieceSize { hand(&reading, before) }
            }
        }
    }

    private func hand(_ reading: inout FrameReading, _ done: CaptureFile.Progress) {
        guard var piece = empty.take() else { return }
        piece.share = done.octetsTotal.map { Double(done.octetsRead) / Double(max($0, 1)) } ?? 0
        piece.packets = reading.frames.frames
        piece.batch.removeAll()
        swap(&piece.batch, &reading.batch)
        full.give(piece)
    }
}

extension CaptureFileReading.Outcome {
    /// What a file says of itself at its end.
    ///
    /// - Parameters:
    ///   - file: the file.
    ///   - reading: what its frames were.
    ///   - failure: why it could not be read on.
    fileprivate init(
        _ file: borrowing CaptureFile, _ reading: inout FrameReading,
        failure: AnalysisReport.Damage?
    ) {
        format = file.format?.words
        if file.isGzipped { format = format.map { "\($0), gzip" } }
        octets = UInt64(file.octetsUnpacked)
        packets = UInt64(file.packets)
        captureDrops = file.reportedDrops
        damage = failure
        frames = reading.frames
        clock = reading.clock
        ike = reading.ikeReports()
        guard let found = file.damage else { return }
        // A cut last record changes nothing but the mark (interface page §2).
        if found.isCutTail {
            isTruncated = true
        } else {
            damage = AnalysisReport.Damage(offset: found.offset, problem: found.description)
        }
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
