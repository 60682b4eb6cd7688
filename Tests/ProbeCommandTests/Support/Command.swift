import Foundation
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
final class RunningCommand: @unchecked Sendable {
    private let process = Process()
    private let directory: String
    private let started = Date()
    private let ended = DispatchSemaphore(value: 0)

    /// Starts `arguments`, the first of which is looked up in PATH.
    init(
        _ arguments: [String], environment: [String: String] = [:], closedOutput: Bool = false
    ) throws {
        directory = try temporaryDirectory()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        var variables = ProcessInfo.processInfo.environment
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { variables[name] = nil }
        process.environment = variables.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        // Files, so that a process that writes much never waits for a reader.
        if closedOutput {
            let pipe = Pipe()
            process.standardOutput = pipe
            try pipe.fileHandleForReading.close()
        } else {
            process.standardOutput = try Self.file("\(directory)/out")
        }
        process.standardError = try Self.file("\(directory)/err")
        process.terminationHandler = { [ended] _ in ended.signal() }
        // Threads of libdispatch block signals, and a child inherits that: it could not be ended.
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
    }

    deinit {
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            _ = ended.wait(timeout: .now() + 5)
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    var identifier: pid_t { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var errors: String { text("err") }
    var output: String { text("out") }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits for its end; kills it and throws after `seconds`.
    func wait(seconds: Double) throws -> CommandResult {
        guard ended.wait(timeout: .now() + seconds) == .success else {
            kill(process.processIdentifier, SIGKILL)
            _ = ended.wait(timeout: .now() + 5)
            ended.signal()
            throw CommandHung(
                command: (process.arguments ?? []).joined(separator: " "), seconds: seconds,
                errors: errors)
        }
        ended.signal()
        let isSignal = process.terminationReason == .uncaughtSignal
        return CommandResult(
            status: isSignal ? -1 : process.terminationStatus,
            signal: isSignal ? process.terminationStatus : nil, output: output, errors: errors,
            seconds: Date().timeIntervalSince(started))
    }

    private func text(_ name: String) -> String {
        String(
            decoding: FileManager.default.contents(atPath: "\(directory)/\(name)") ?? Data(),
            as: UTF8.self)
    }

    private static func file(_ path: String) throws -> FileHandle {
        FileManager.default.createFile(atPath: path, contents: nil)
        return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
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
