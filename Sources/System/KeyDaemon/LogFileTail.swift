import Glibc
import HostFacts

/// The end of a log file, through rotation and truncation.
final class LogFileTail {
    /// Read in one call.
    private static let pieceByteCount = 64 * 1024
    /// What is read of a file that was there before.
    private static let historyByteCount: Int64 = 256 * 1024
    /// A log that is further ahead than this is not caught up with.
    private static let backlogByteCount: Int64 = 1 << 20
    /// The most of a line that is kept.
    private static let lineByteCount = 4096

    private let path: String
    private var descriptor: CInt = -1
    private var identity: (device: dev_t, inode: ino_t)?
    private var offset: Int64 = 0
    /// Where the file ended when it was opened for the first time.
    private var historyEnd: Int64 = 0
    private var hasOpenedOnce = false
    private var unfinished: [UInt8] = []
    /// Whether the rest of a line is to be passed over: its start was cut, or not read.
    private var isPassingOver = false
    private(set) var reason: String?
    private(set) var skippedOctets: UInt64 = 0

    init(path: String) {
        self.path = path
    }

    deinit { close() }

    func poll() -> [LogFollower.Line] {
        if descriptor < 0 { open() }
        guard descriptor >= 0 else { return [] }
        let lines = read()
        // Only a file that was read to its end is given up for the one that has its name now.
        if lines.isEmpty, hasBeenReplaced() {
            close()
            open()
            return descriptor < 0 ? [] : read()
        }
        return lines
    }

    private func open() {
        let opened = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard opened >= 0 else {
            let failure = errno
            let error = FileError(operation: "open", path: path, reason: .system(failure))
            reason = error.description
            if failure == EACCES { reason? += "; let the agent's group read it" }
            return
        }
        var status = stat()
        guard unsafe fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            _ = Glibc.close(opened)
            reason = "the log \(path) is no file"
            return
        }
        descriptor = opened
        identity = (status.st_dev, status.st_ino)
        reason = nil
        unfinished = []
        offset = 0
        isPassingOver = false
        if !hasOpenedOnce {
            historyEnd = Int64(status.st_size)
            if historyEnd > Self.historyByteCount {
                offset = historyEnd - Self.historyByteCount
                isPassingOver = true
            }
        } else {
            historyEnd = 0
        }
        hasOpenedOnce = true
    }

    private func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Whether another file has the name, or none has.
    private func hasBeenReplaced() -> Bool {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return errno == ENOENT }
        return identity.map { $0.device != status.st_dev || $0.inode != status.st_ino } ?? true
    }

    private func read() -> [LogFollower.Line] {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return [] }
        let size = Int64(status.st_size)
        if size < offset {
            // Truncated and written anew, as logrotate's copytruncate does.
            offset = 0
            historyEnd = 0
            unfinished = []
            isPassingOver = false
        }
        if size - offset > Self.backlogByteCount {
            skippedOctets += UInt64(size - offset - Self.backlogByteCount)
            offset = size - Self.backlogByteCount
            unfinished = []
            isPassingOver = true
        }
        var piece = [UInt8](repeating: 0, count: Self.pieceByteCount)
        let count = unsafe piece.withUnsafeMutableBytes {
            unsafe pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
        }
        guard count > 0 else { return [] }
        var lines: [LogFollower.Line] = []
        for octet in piece[..<count] {
            offset += 1
            guard octet == UInt8(ascii: "\n") else {
                if !isPassingOver, unfinished.count < Self.lineByteCount {
                    unfinished.append(octet)
                }
                continue
            }
            if !isPassingOver {
                lines.append(
                    LogFollower.Line(
                        text: String(decoding: unfinished, as: UTF8.self),
                        isOld: offset <= historyEnd))
            }
            isPassingOver = false
            unfinished.removeAll(keepingCapacity: true)
        }
        return lines
    }
}
