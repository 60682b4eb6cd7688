internal import CLinux
internal import Glibc

/// Runs a program of the host to its end and takes what it prints.
///
/// No shell, no input, no descriptor of this process, an environment of two variables, a time limit
/// and a limit of what it may print. The child is in the network namespace of the calling thread.
public enum ChildProcess {
    /// What a program printed.
    public struct Output: Sendable {
        /// All of its standard output.
        public let octets: [UInt8]
        /// The start of what it complained about.
        public let complaint: String
        /// The exit status; nil when a signal ended it.
        public let status: Int32?
    }

    /// Why a program gave no output.
    public enum Failure: Error, Hashable, Sendable {
        /// No such program is installed.
        case notInstalled(String)
        /// It could not be started, or not be waited for.
        case system(operation: String, errno: Int32)
        /// It did not end in time, and was ended.
        case timedOut(Duration)
        /// It printed more than was asked for, and was ended.
        case tooLong(limit: Int)
    }

    /// What stands in the complaint at most.
    private static let complaintLimit = 4096

    /// Runs a program; the caller waits.
    ///
    /// - Parameters:
    ///   - candidates: absolute paths, of which the first that is there is run.
    ///   - arguments: its arguments, without the name.
    ///   - timeout: how long it may take.
    ///   - limit: the most octets it may print.
    /// - Returns: what it printed, whatever its exit status.
    /// - Throws: `Failure`; the child has ended then too.
    public static func run(
        _ candidates: [String], _ arguments: [String], timeout: Duration, limit: Int
    ) throws(Failure) -> Output {
        guard let path = candidates.first(where: { unsafe access($0, X_OK) == 0 }) else {
            throw .notInstalled(candidates.last ?? "")
        }
        var output = try Pipe()
        var complaint = try Pipe()
        let child = try spawn(path, arguments, output: output, complaint: complaint)
        output.closeWriting()
        complaint.closeWriting()
        var reading = Reading(output: output.reading, complaint: complaint.reading, limit: limit)
        let deadline = now() + timeout
        var failure = reading.run(until: deadline, timeout)
        // One that closed its output need not end.
        while failure == nil, !hasEnded(child) {
            if now() > deadline { failure = .timedOut(timeout) }
            _ = usleep(1000)
        }
        if failure != nil {
            // Its group, for what it may have started itself.
            _ = kill(-child, SIGKILL)
        }
        let status = wait(for: child)
        if let failure { throw failure }
        return Output(
            octets: reading.octets, complaint: String(decoding: reading.words, as: UTF8.self),
            status: try status.get())
    }

    private static func now() -> Duration {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// Starts the program in a process group of its own.
    private static func spawn(
        _ path: String, _ arguments: [String], output: borrowing Pipe, complaint: borrowing Pipe
    ) throws(Failure) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // Handlers go with the program that had them; what is ignored or blocked would stay.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        var all = sigset_t()
        unsafe sigfillset(&all)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        let results = unsafe [
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0),
            posix_spawn_file_actions_adddup2(&actions, output.writing, 1),
            posix_spawn_file_actions_adddup2(&actions, complaint.writing, 2),
            clinux_spawn_close_from(&actions, 3),
            posix_spawnattr_setsigmask(&attributes, &none),
            posix_spawnattr_setsigdefault(&attributes, &all),
            posix_spawnattr_setpgroup(&attributes, 0),
            posix_spawnattr_setflags(&attributes, Int16(flags)),
        ]
        if let failure = results.first(where: { $0 != 0 }) {
            throw .system(operation: "prepare \(path)", errno: failure)
        }
        var child: pid_t = 0
        let failure = unsafe withStrings([path] + arguments) { arguments in
            unsafe withStrings(["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]) { environment in
                unsafe posix_spawn(&child, path, &actions, &attributes, arguments, environment)
            }
        }
        guard failure == 0 else { throw .system(operation: "start \(path)", errno: failure) }
        return child
    }

    /// Calls `body` with a NULL-terminated array of C strings.
    private static func withStrings(
        _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32
    ) -> Int32 {
        var pointers = unsafe texts.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return ENOMEM }
            return unsafe body(start)
        }
    }

    /// Whether the child has ended; it stays to be waited for.
    private static func hasEnded(_ child: pid_t) -> Bool {
        var information = unsafe siginfo_t()
        let options = WEXITED | WNOHANG | WNOWAIT
        guard unsafe waitid(P_PID, id_t(child), &information, options) == 0 else { return true }
        // Without an ended child the structure stays as it was.
        return unsafe information.si_signo != 0
    }

    /// Waits for the end; the exit status, nil after a signal.
    private static func wait(for child: pid_t) -> Result<Int32?, Failure> {
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else {
                return .failure(.system(operation: "waitpid", errno: errno))
            }
        }
        // WIFEXITED and WEXITSTATUS of waitpid(2).
        return .success(status & 0x7f == 0 ? status >> 8 & 0xff : nil)
    }

    /// Both ends of a pipe, closed when let go of.
    private struct Pipe: ~Copyable {
        let reading: Int32
        private(set) var writing: Int32

        init() throws(Failure) {
            var ends: [Int32] = [-1, -1]
            guard unsafe clinux_pipe(&ends, O_CLOEXEC) == 0 else {
                throw .system(operation: "pipe2", errno: errno)
            }
            // A child that closed one stream and not the other must not stop the reader.
            _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
            reading = ends[0]
            writing = ends[1]
        }

        mutating func closeWriting() {
            if writing >= 0 { _ = close(writing) }
            writing = -1
        }

        deinit {
            if writing >= 0 { _ = close(writing) }
            _ = close(reading)
        }
    }

    /// Takes what comes out of both pipes.
    private struct Reading {
        let output: Int32
        let complaint: Int32
        let limit: Int
        var octets: [UInt8] = []
        var words: [UInt8] = []
        private var isOutputOpen = true
        private var isComplaintOpen = true
        private var chunk = [UInt8](repeating: 0, count: 65_536)

        init(output: Int32, complaint: Int32, limit: Int) {
            self.output = output
            self.complaint = complaint
            self.limit = limit
        }

        /// Reads to the end of both, or says what went wrong.
        mutating func run(until deadline: Duration, _ timeout: Duration) -> Failure? {
            while isOutputOpen || isComplaintOpen {
                let rest = deadline - ChildProcess.now()
                guard rest > .zero else { return .timedOut(timeout) }
                let milliseconds =
                    rest.components.seconds * 1000
                    + rest.components.attoseconds / 1_000_000_000_000_000 + 1
                // A negative descriptor is left out by poll(2).
                var polled = [
                    pollfd(fd: isOutputOpen ? output : -1, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: isComplaintOpen ? complaint : -1, events: Int16(POLLIN), revents: 0),
                ]
                let count = unsafe poll(&polled, 2, Int32(clamping: milliseconds))
                guard count >= 0 || errno == EINTR else {
                    return .system(operation: "poll", errno: errno)
                }
                if isOutputOpen, polled[0].revents != 0 {
                    isOutputOpen = read(output) { $0.octets += $1 }
                    guard octets.count <= limit else { return .tooLong(limit: limit) }
                }
                if isComplaintOpen, polled[1].revents != 0 {
                    isComplaintOpen = read(complaint) { reading, octets in
                        let room = ChildProcess.complaintLimit - reading.words.count
                        reading.words += octets.prefix(max(0, room))
                    }
                }
            }
            return nil
        }

        /// Whether the other end is still open.
        private mutating func read(
            _ descriptor: Int32, _ take: (inout Reading, ArraySlice<UInt8>) -> Void
        ) -> Bool {
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            if count > 0 {
                take(&self, chunk[..<count])
                return true
            }
            return count < 0 && (errno == EINTR || errno == EAGAIN)
        }
    }
}

extension ChildProcess.Failure: CustomStringConvertible {
    /// The failure in words.
    public var description: String {
        switch self {
        case .notInstalled(let path): "\(path) is not installed"
        case .system(let operation, let code): "\(operation): \(errorText(code))"
        case .timedOut(let limit): "it did not end within \(limit.components.seconds) s"
        case .tooLong(let limit): "it printed more than \(limit) octets"
        }
    }
}
