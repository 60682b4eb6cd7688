import CLinux
import Glibc
public import IKE

/// A connection to strongSwan's vici socket that never waits.
///
/// Belongs to one thread.
@safe
public final class ViciConnection {
    /// Packets taken in one call, so that a chatty daemon starves nobody.
    private static let drainLimit = 1024
    private static let chunkByteCount = 64 * 1024
    /// What may wait to be sent: a daemon that reads nothing fills no memory.
    private static let backlogLimit = 256 * 1024

    /// What can be waited for with poll(2).
    public let descriptor: Int32
    private let path: String
    private var stream = ViciStream()
    private var unsent: [UInt8] = []

    /// Connects to a socket.
    ///
    /// - Throws: `KeyDaemonError` with the reason, like a daemon that does not run.
    public init(path: String) throws(KeyDaemonError) {
        self.path = path
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let octets = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard octets.count < room, !octets.contains(0) else {
            throw .unavailable("\(path) is no path that a socket can have")
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { place in
            unsafe place.copyBytes(from: octets)
        }
        let descriptor = socket(
            AF_UNIX,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
                | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw Self.error("socket", path) }
        self.descriptor = descriptor
        let result = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe connect(
                    descriptor, pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        // All is stored by now, so the deinitialiser closes the socket of an initialiser that throws.
        guard result == 0 else { throw Self.error("connect to", path) }
    }

    deinit { _ = close(descriptor) }

    /// Sends a packet, or keeps it until the socket takes it.
    ///
    /// - Throws: `KeyDaemonError` when the daemon is gone, or reads nothing.
    public func send(_ packet: ViciPacket) throws(KeyDaemonError) {
        unsent += packet.octets
        guard unsent.count <= Self.backlogLimit else {
            throw .unavailable("\(path) takes no more requests")
        }
        try flush()
    }

    /// The packets that have come.
    ///
    /// - Throws: `KeyDaemonError` when the daemon closed the connection, or sent what is no vici.
    public func receive() throws(KeyDaemonError) -> [ViciPacket] {
        try flush()
        var packets: [ViciPacket] = []
        var chunk = [UInt8](repeating: 0, count: Self.chunkByteCount)
        while packets.count < Self.drainLimit {
            do throws(ViciError) {
                while packets.count < Self.drainLimit, let packet = try stream.next() {
                    packets.append(packet)
                }
            } catch {
                throw .unavailable("\(path) speaks no vici: \(error)")
            }
            let count = unsafe recv(descriptor, &chunk, chunk.count, 0)
            if count > 0 {
                stream.append(chunk[..<count])
            } else if count == 0 {
                // What came before the end counts; the next call meets the end again.
                guard packets.isEmpty else { break }
                throw .unavailable("\(path) was closed by the daemon")
            } else if errno == EAGAIN {
                break
            } else if errno != EINTR {
                throw Self.error("receive from", path)
            }
        }
        return packets
    }

    private func flush() throws(KeyDaemonError) {
        while !unsent.isEmpty {
            let count = unsafe Glibc.send(
                descriptor, unsent, unsent.count, Int32(MSG_NOSIGNAL))
            if count >= 0 {
                unsent.removeFirst(count)
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                throw Self.error("send to", path)
            }
        }
    }

    private static func error(_ operation: String, _ path: String) -> KeyDaemonError {
        // Thread-safe since Glibc 2.32.
        .unavailable("\(operation) \(path): \(unsafe String(cString: strerror(errno)))")
    }
}
