import NetworkPrimitives
import PacketCapture
import Reflecting
import SupportBundle

/// The files of a support bundle as they are collected, and why others are not among them.
struct BundleContents: Sendable {
    /// A file.
    struct File: Sendable {
        var path: String
        /// What it is for.
        var purpose: String
        var octets: [UInt8]
    }

    /// The octets of a file, or why there are none.
    enum Reading: Sendable {
        case known([UInt8])
        case unknown(String)
    }

    /// The most octets of all files together.
    let limit: Int
    private(set) var files: [File] = []
    /// What is missing, and why.
    private(set) var absent: [(path: String, reason: String)] = []
    private var size = 0

    /// Holds nothing yet.
    init(limit: Int) { self.limit = limit }

    /// Adds a file, unless there is no room for it.
    mutating func add(_ path: String, _ purpose: String, _ octets: [UInt8]) {
        guard size + octets.count <= limit else {
            return leaveOut(path, "\(octets.count) octets are more than there is room for")
        }
        size += octets.count
        files.append(File(path: path, purpose: purpose, octets: octets))
    }

    /// Adds a document.
    mutating func add(_ path: String, _ purpose: String, _ value: JSONValue) {
        add(path, purpose, value.encoded(indented: true))
    }

    /// Adds what could be read, or the reason why it could not.
    mutating func add(_ path: String, _ purpose: String, _ reading: Reading) {
        switch reading {
        case .known(let octets): add(path, purpose, octets)
        case .unknown(let reason): leaveOut(path, reason)
        }
    }

    /// Says what is missing.
    mutating func leaveOut(_ path: String, _ reason: String) { absent.append((path, reason)) }

    /// Takes out every file in which `scan` finds something.
    mutating func refuse(_ scan: SecretScan) {
        var kept: [File] = []
        for file in files {
            let found = Set(scan.findings(in: file.octets))
            if found.isEmpty {
                kept.append(file)
            } else {
                leaveOut(
                    file.path,
                    "it holds what may be a secret: \(found.sorted().joined(separator: ", "))")
            }
        }
        files = kept
    }

    /// The archive, compressed: the manifest, then the files by their paths.
    ///
    /// - Parameters:
    ///   - folder: the folder that all of it unpacks to.
    ///   - facts: what the manifest says of the bundle as a whole.
    ///   - time: when it was made.
    /// - Returns: the octets of a `.tar.gz`.
    func packed(
        into folder: String, _ facts: [(key: String, value: JSONValue)], at time: WallTime
    ) -> [UInt8] {
        var missing = absent
        var listed: [JSONValue] = []
        var body = TapeArchive(modified: time.nanoseconds / 1_000_000_000)
        for file in files.sorted(by: { $0.path < $1.path }) {
            do throws(TapeArchive.Failure) {
                try body.add("\(folder)/\(file.path)", file.octets)
                listed.append(Self.json(file))
            } catch {
                missing.append((file.path, "its name does not fit into an archive"))
            }
        }
        let left = missing.sorted { $0.path < $1.path }.map { entry in
            JSONValue.object([
                (key: "path", value: .string(entry.path)),
                (key: "reason", value: .string(entry.reason)),
            ])
        }
        let manifest = JSONValue.object(
            [(key: "schema", value: .string("tunnelprobe.bundle/1"))] + facts + [
                (key: "files", value: .array(listed)), (key: "left_out", value: .array(left)),
            ])
        do throws(TapeArchive.Failure) {
            try body.add("\(folder)/manifest.json", manifest.encoded(indented: true))
        } catch {
            preconditionFailure("the name of a host fits: \(error)")
        }
        return GzipDeflater.compress(body.finished())
    }

    private static func json(_ file: File) -> JSONValue {
        var digest = SHA256()
        digest.update(file.octets)
        let digits = Array("0123456789abcdef".utf8)
        let text = digest.digest().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return .object([
            (key: "path", value: .string(file.path)),
            (key: "bytes", value: .integer(Int64(file.octets.count))),
            (key: "sha256", value: .string(String(decoding: text, as: UTF8.self))),
            (key: "purpose", value: .string(file.purpose)),
        ])
    }
}
