import CPcap
import CZlib
import CaptureFormats
import Glibc
import NetworkPrimitives
import PacketCapture
import Testing

/// A packet as either reader gives it.
struct ReadPacket: Equatable {
    var interface = 0
    var linkType: UInt32
    var arrival: Int64?
    var wireLength: Int
    var octets: [UInt8]
}

/// A whole file read with `CaptureFile`.
struct ReadFile {
    var packets: [ReadPacket] = []
    var damage: CaptureDamage?
    var format: CaptureFormat?
    var isGzipped = false
    var reportedDrops: UInt64?
    var octetsUnpacked = 0
    var progress: [CaptureFile.Progress] = []

    init(path: String) throws {
        var file = try CaptureFile(path: path)
        while try file.readBatch({ packet, frame in
            packets.append(
                ReadPacket(
                    interface: packet.interface, linkType: packet.linkType.rawValue,
                    arrival: packet.arrival?.nanoseconds, wireLength: packet.wireLength,
                    octets: (0..<frame.byteCount).map { frame.uint8(at: $0) }))
        }) { progress.append(file.progress) }
        progress.append(file.progress)
        damage = file.damage
        format = file.format
        isGzipped = file.isGzipped
        reportedDrops = file.reportedDrops
        octetsUnpacked = file.octetsUnpacked
        #expect(file.packets == packets.count)
        // The end is said again.
        #expect(try file.readBatch { _, _ in Issue.record("a packet after the end") } == false)
    }

    init(_ octets: [UInt8]) throws {
        let file = TemporaryFile(octets)
        self = try withExtendedLifetime(file) { try ReadFile(path: file.path) }
    }
}

/// A file that is deleted with the object.
final class TemporaryFile {
    let path: String

    init(_ octets: [UInt8]) {
        var template = Array("/tmp/capture-file-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
        var written = 0
        while written < octets.count {
            let count = octets[written...].withUnsafeBytes {
                write(descriptor, $0.baseAddress, $0.count)
            }
            precondition(count > 0, "cannot write \(path)")
            written += count
        }
        close(descriptor)
    }

    deinit { unlink(path) }
}

/// A pipe into which a thread writes octets in pieces; its reading end can be opened by path.
final class FedPipe {
    let readEnd: CInt
    var path: String { "/proc/self/fd/\(readEnd)" }

    init(_ octets: [UInt8], piece: Int) {
        var ends: [CInt] = [0, 0]
        precondition(pipe(&ends) == 0)
        readEnd = ends[0]
        let writeEnd = ends[1]
        signal(SIGPIPE, SIG_IGN)
        Thread.start {
            var written = 0
            while written < octets.count {
                let end = min(written + piece, octets.count)
                let count = octets[written..<end].withUnsafeBytes {
                    write(writeEnd, $0.baseAddress, $0.count)
                }
                if count <= 0 { break }
                written += count
            }
            close(writeEnd)
        }
    }

    deinit { close(readEnd) }
}

/// A thread of its own: a blocking write must not hold one of the pool that runs the tests.
private enum Thread {
    private final class Body {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }

    static func start(_ run: @escaping () -> Void) {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(Body(run)).toOpaque())
        pthread_detach(thread)
    }
}

/// One gzip member.
func gzip(_ octets: [UInt8], level: CInt = 6) -> [UInt8] {
    var stream = z_stream()
    deflateInit2_(
        &stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        CInt(MemoryLayout<z_stream>.size))
    defer { deflateEnd(&stream) }
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, uLong(octets.count))))
    var input = octets
    let count = output.count
    input.withUnsafeMutableBufferPointer { input in
        output.withUnsafeMutableBufferPointer { output in
            stream.next_in = input.baseAddress
            stream.avail_in = uInt(input.count)
            stream.next_out = output.baseAddress
            stream.avail_out = uInt(output.count)
            deflate(&stream, Z_FINISH)
        }
    }
    return Array(output.prefix(count - Int(stream.avail_out)))
}

/// What libpcap reads of a file, up to its end or the first error.
struct JudgedCapture {
    var packets: [ReadPacket] = []
    /// Why it refused the file, or stopped.
    var error: String?
    /// It drops what a record has beyond this.
    var snapLength = 0

    init(_ octets: [UInt8]) {
        var octets = octets
        let count = octets.count
        octets.withUnsafeMutableBytes { bytes in
            guard let stream = fmemopen(bytes.baseAddress, max(count, 1), "r") else {
                error = "fmemopen"
                return
            }
            var text = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
            guard
                let handle = pcap_fopen_offline_with_tstamp_precision(
                    stream, UInt32(PCAP_TSTAMP_PRECISION_NANO), &text)
            else {
                fclose(stream)
                error = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
                return
            }
            defer { pcap_close(handle) }
            snapLength = Int(pcap_snapshot(handle))
            var header: UnsafeMutablePointer<pcap_pkthdr>?
            var data: UnsafePointer<UInt8>?
            while true {
                let status = pcap_next_ex(handle, &header, &data)
                guard status == 1, let header, let data else {
                    if status == -1 { error = String(cString: pcap_geterr(handle)) }
                    return
                }
                let seconds = Int64(header.pointee.ts.tv_sec)
                let nanoseconds =
                    seconds &* 1_000_000_000 &+ Int64(header.pointee.ts.tv_usec)
                packets.append(
                    ReadPacket(
                        linkType: UInt32(pcap_datalink(handle)), arrival: nanoseconds,
                        wireLength: Int(header.pointee.len),
                        octets: Array(
                            UnsafeBufferPointer(start: data, count: Int(header.pointee.caplen)))))
            }
        }
    }
}

/// Recorded captures beside the tests.
enum Fixture: String, CaseIterable {
    case ethernet = "ethernet.pcap"
    case cooked2 = "sll2-nano-96.pcap"
    case cooked = "sll.pcap"
    case raw = "raw.pcap"
    case twoInterfaces = "two-interfaces.pcapng"

    var path: String {
        let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        return "/\(folder)/Fixtures/\(rawValue)"
    }

    var octets: [UInt8] {
        get throws {
            let file = try #require(fopen(path, "r"), "\(path)")
            defer { fclose(file) }
            var octets = [UInt8](repeating: 0, count: 1 << 16)
            octets.removeLast(octets.count - fread(&octets, 1, octets.count, file))
            return octets
        }
    }
}
