import Foundation
import Glibc
import Synchronization

/// A finished process.
struct CommandResult: CustomStringConvertible {
    var status: Int32
    /// The signal that ended it; nil when it exited by itself.
    var signal: Int32?
    var output: String
    var errors: String
    var seconds: Double

    var description: String { "status \(status) after \(seconds) s\n\(output)\n\(errors)" }

    /// The output as a JSON object.
    func json() throws -> JSON { try JSON(parsing: output) }
}

/// A process that a test runs; killed at the latest with the object.
///
/// posix_spawn(3) and not Foundation's `Process`, which crashed now and then when many threads
/// started processes at once.
final class RunningCommand: Sendable {
    let identifier: pid_t
    private let arguments: [String]
    private let directory: String
    private let started = Date()
    private let exitStatus = Mutex<Int32?>(nil)

    /// Starts `arguments`, the first of which is looked up in PATH.
    init(
        _ arguments: [String], environment: [String: String] = [:], closedOutput: Bool = false
    ) throws {
        self.arguments = arguments
        directory = try temporaryDirectory()
        var variables = ProcessInfo.processInfo.environment
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { variables[name] = nil }
        variables.merge(environment) { $1 }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        // Files, so that a process that writes much never waits for a reader.
        let write = O_WRONLY | O_CREAT
        posix_spawn_file_actions_addopen(&actions, 2, "\(directory)/err", write, 0o644)
        var pipe: [Int32] = [-1, -1]
        if closedOutput {
            guard Glibc.pipe(&pipe) == 0 else { throw SocketFailed(what: "pipe", code: errno) }
            close(pipe[0])
            posix_spawn_file_actions_adddup2(&actions, pipe[1], 1)
        } else {
            posix_spawn_file_actions_addopen(&actions, 1, "\(directory)/out", write, 0o644)
        }
        defer { if closedOutput { close(pipe[1]) } }

        // Threads of libdispatch block signals, and a child inherits that: it could not be ended.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let words = arguments.map { strdup($0) } + [nil]
        let settings = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + settings { free(text) } }
        var child: pid_t = 0
        let code = posix_spawnp(&child, arguments[0], &actions, &attributes, words, settings)
        guard code == 0 else { throw SocketFailed(what: "start \(arguments[0])", code: code) }
        identifier = child
    }

    deinit {
        if isRunning {
            kill(identifier, SIGKILL)
            _ = waitpid(identifier, nil, 0)
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    var isRunning: Bool { rawStatus == nil }
    var errors: String { text("err") }
    var output: String { text("out") }

    func send(_ signal: Int32) {
        guard isRunning else { return }
        kill(identifier, signal)
    }

    /// Waits for its end; kills it and throws after `seconds`.
    func wait(seconds: Double) throws -> CommandResult {
        let end = Date() + seconds
        while true {
            if let status = rawStatus { return result(status) }
            guard Date() < end else { break }
            Thread.sleep(forTimeInterval: 0.01)
        }
        let command = arguments.joined(separator: " ")
        kill(identifier, SIGKILL)
        while isRunning { Thread.sleep(forTimeInterval: 0.01) }
        throw CommandHung(command: command, seconds: seconds, errors: errors)
    }

    private var rawStatus: Int32? {
        exitStatus.withLock { known in
            if known == nil {
                var status: Int32 = 0
                if waitpid(identifier, &status, WNOHANG) == identifier { known = status }
            }
            return known
        }
    }

    /// wait(2): the low seven bits hold the signal, the next octet the exit status.
    private func result(_ status: Int32) -> CommandResult {
        let signal = status & 0x7f
        return CommandResult(
            status: signal == 0 ? status >> 8 & 0xff : -1, signal: signal == 0 ? nil : signal,
            output: output, errors: errors, seconds: Date().timeIntervalSince(started))
    }

    private func text(_ name: String) -> String {
        let contents = FileManager.default.contents(atPath: "\(directory)/\(name)")
        return String(decoding: contents ?? Data(), as: UTF8.self)
    }
}

struct CommandHung: Error, CustomStringConvertible {
    var command: String
    var seconds: Double
    var errors: String

    var description: String { "\(command): still running after \(seconds) s\n\(errors)" }
}

struct CommandFailed: Error, CustomStringConvertible {
    var command: String
    var result: CommandResult

    var description: String { "\(command): \(result)" }
}

/// Runs a command to its end.
func run(
    _ arguments: [String], environment: [String: String] = [:], within seconds: Double = 30
) throws -> CommandResult {
    try RunningCommand(arguments, environment: environment).wait(seconds: seconds)
}

/// Runs a shell script that must succeed, and returns its output.
@discardableResult
func shell(_ script: String) throws -> String {
    let result = try run(["sh", "-ec", script])
    guard result.status == 0 else { throw CommandFailed(command: script, result: result) }
    return result.output
}

/// A new directory that any user may look into.
func temporaryDirectory() throws -> String {
    let path = "/tmp/probe-tests-\(getpid())-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    return path
}

/// Runs blocking work on a thread of its own: tests wait most of the time, and the few threads of
/// the shared pool are for those that compute.
func blocking(_ body: @escaping @Sendable () throws -> Void) async throws {
    // The same task on another thread, so that issues still belong to their test.
    try await withTaskExecutorPreference(ThreadForEachJob()) { try body() }
}

private final class ThreadForEachJob: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let thread = Thread { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        thread.stackSize = 4 << 20
        thread.start()
    }
}

/// Asks until `body` gives a value; throws what was last seen after `seconds`.
func eventually<Value>(
    _ what: String, within seconds: Double, every pause: Double = 0.05,
    _ body: () throws -> Value?
) throws -> Value {
    let end = Date() + seconds
    var last: (any Error)?
    repeat {
        do {
            if let value = try body() { return value }
        } catch {
            last = error
        }
        Thread.sleep(forTimeInterval: pause)
    } while Date() < end
    throw NeverHappened(what: what, seconds: seconds, last: last.map { "\($0)" } ?? "")
}

struct NeverHappened: Error, CustomStringConvertible {
    var what: String
    var seconds: Double
    var last: String

    var description: String { "not within \(seconds) s: \(what) \(last)" }
}
