internal import Glibc

/// What this process uses of the host: the numbers of the conventional `process_*` metrics.
///
/// Each is known or carries the reason why it is not.
public struct ProcessStatistics: Sendable {
    /// User and system time so far, in seconds; threads that have ended are in it.
    public let cpuSeconds: Result<Double, FileError>
    /// Resident memory in octets.
    public let residentBytes: Result<Int, FileError>
    /// Virtual memory in octets.
    public let virtualBytes: Result<Int, FileError>
    /// When the process started, in seconds since 1970-01-01 UTC.
    public let startTimeSeconds: Result<Double, FileError>
    /// Descriptors open now.
    public let openDescriptors: Result<Int, FileError>
    /// The soft limit of descriptors; `UInt.max` when there is none.
    public let maximumDescriptors: Result<UInt, FileError>

    /// Reads the statistics of this process as they are now.
    public static func current() -> ProcessStatistics {
        let process = Result { () throws(FileError) in try ProcessStat.read("/proc/self/stat") }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        let page = sysconf(Int32(_SC_PAGESIZE))
        return ProcessStatistics(
            cpuSeconds: process.map { Double($0.userTicks + $0.systemTicks) / ticks },
            residentBytes: process.map { $0.residentPages * page },
            virtualBytes: process.map(\.virtualBytes),
            startTimeSeconds: startTime,
            openDescriptors: Result { () throws(FileError) in try OpenDescriptors.count() },
            maximumDescriptors: Result { () throws(FileError) in try OpenDescriptors.limit() })
    }

    /// The start on the wall clock, computed once: the kernel's boot time moves when the clock is set.
    private static let startTime = Result { () throws(FileError) in
        let process = try ProcessStat.read("/proc/self/stat")
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        return Double(try ProcessStat.bootTime()) + Double(process.startTicks) / ticks
    }
}

/// The fields of /proc/PID/stat that are used here (proc_pid_stat(5)).
struct ProcessStat: Equatable {
    /// Field 14, in clock ticks.
    let userTicks: UInt64
    /// Field 15, in clock ticks.
    let systemTicks: UInt64
    /// Field 22, in clock ticks after the host's boot.
    let startTicks: UInt64
    /// Field 23, in octets.
    let virtualBytes: Int
    /// Field 24, in pages.
    let residentPages: Int

    static func read(_ path: String) throws(FileError) -> ProcessStat {
        let text = String(decoding: try SmallFile.read(path, limit: 1 << 16), as: UTF8.self)
        guard let stat = ProcessStat(text) else {
            throw FileError(
                operation: "read", path: path,
                reason: .unexpectedContents("not the 24 fields of proc_pid_stat(5)"))
        }
        return stat
    }

    init?(_ text: String) {
        // Field 2 is the command's name in parentheses and may hold anything, parentheses too.
        guard let nameEnd = text.utf8.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = text[nameEnd...].split(whereSeparator: { $0 == " " || $0 == "\n" }).dropFirst()
        func field<Number: FixedWidthInteger>(_ number: Int) -> Number? {
            let index = fields.startIndex + number - 3
            return index < fields.endIndex ? Number(fields[index]) : nil
        }
        guard let userTicks: UInt64 = field(14), let systemTicks: UInt64 = field(15),
            let startTicks: UInt64 = field(22), let virtualBytes: Int = field(23),
            let residentPages: Int = field(24)
        else { return nil }
        self.userTicks = userTicks
        self.systemTicks = systemTicks
        self.startTicks = startTicks
        self.virtualBytes = virtualBytes
        self.residentPages = residentPages
    }

    /// When the host booted, in seconds since 1970-01-01 UTC: `btime` of proc_stat(5).
    static func bootTime() throws(FileError) -> Int64 {
        let path = "/proc/stat"
        // One line is as long as the host has interrupts.
        let text = String(decoding: try SmallFile.read(path, limit: 16 << 20), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("btime ") }
        guard let seconds = line.flatMap({ Int64($0.dropFirst("btime ".count)) }) else {
            throw FileError(
                operation: "read", path: path, reason: .unexpectedContents("no line \"btime\""))
        }
        return seconds
    }
}

/// The descriptors of this process.
enum OpenDescriptors {
    private static let path = "/proc/self/fd"

    /// How many are open.
    static func count() throws(FileError) -> Int {
        // Since Linux 6.2 the size of the directory is the answer, and it can be had even when no
        // descriptor is left to list the directory with.
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            throw FileError(operation: "stat", path: path, reason: .system(errno))
        }
        return status.st_size > 0 ? Int(status.st_size) : try listed()
    }

    /// How many are open, by listing the directory.
    static func listed() throws(FileError) -> Int {
        guard let directory = unsafe opendir(path) else {
            throw FileError(operation: "opendir", path: path, reason: .system(errno))
        }
        defer { unsafe closedir(directory) }
        var count = 0
        while true {
            errno = 0
            guard unsafe readdir(directory) != nil else { break }
            count += 1
        }
        guard errno == 0 else {
            throw FileError(operation: "readdir", path: path, reason: .system(errno))
        }
        // Not counted: "." and ".." and the descriptor of the directory itself.
        return count - 3
    }

    /// The soft limit.
    static func limit() throws(FileError) -> UInt {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw FileError(
                operation: "getrlimit", path: "RLIMIT_NOFILE", reason: .system(errno))
        }
        return limit.rlim_cur
    }
}
