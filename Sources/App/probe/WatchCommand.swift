import Agent
import ArgumentParser
import Configuration
import HTTP
import HostFacts
import NetworkPrimitives
import RawSockets
import Synchronization
import UnixSignals

/// `probe watch`: the tunnels live, as the running agent sees them.
struct WatchCommand: ProbeCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Shows the tunnels live, as the running agent sees them.",
        discussion: """
            On a terminal it draws a screen: q ends it, n and p or the arrows select a tunnel, space \
            stops it. Elsewhere it prints a line a tunnel. Exit status: 0 ended by the operator or \
            after --count, 64 wrong usage, an unknown tunnel too, 69 no agent is running, 77 not \
            permitted to ask it.
            """)

    @Argument(
        help: ArgumentHelp("The name of a tunnel; all tunnels if left out.", valueName: "tunnel"))
    var tunnel: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Seconds between two looks, 0.2 to 3600.", valueName: "seconds"))
    var interval = 1.0

    @Option(name: .long, help: ArgumentHelp("End after this many looks.", valueName: "number"))
    var count: Int?

    @Flag(name: .long, help: "Print no colours; NO_COLOR does the same.")
    var noColor = false

    @OptionGroup var source: ConfigurationOptions

    func validate() throws {
        guard (0.2...3600).contains(interval) else {
            throw ValidationError("--interval must be a number of seconds from 0.2 to 3600")
        }
        if let count, count < 1 {
            throw ValidationError("--count must be 1 or more")
        }
    }

    func perform() async throws(CommandFailure) -> Int32 {
        let configuration = try source.load()
        let connection = AgentConnection(socket: configuration.controlSocket)
        var view = WatchView(tunnel: tunnel)
        // The first look decides whether there is anything to watch, before the screen is taken.
        try await look(connection, into: &view, isFirst: true)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sighup, .sigint)
        let ending = Task { for await _ in signals { return } }
        defer { ending.cancel() }
        let screen = TerminalScreen()
        defer { screen?.close() }
        await watch(connection, &view, screen, until: ending)
        return 0
    }

    private func watch(
        _ connection: AgentConnection, _ view: inout WatchView, _ screen: TerminalScreen?,
        until ending: Task<Void, Never>
    ) async {
        let isEnded = Ended(ending)
        var looks = 1
        show(view, screen)
        var next = MonotonicClock.now() + .seconds(interval)
        while !isEnded.value, count.map({ looks < $0 }) ?? true {
            do { try await Task.sleep(for: .milliseconds(screen == nil ? 100 : 40)) } catch {
                return
            }
            if let screen {
                guard let keys = screen.keys(), press(keys, &view) else { return }
                if !keys.isEmpty { show(view, screen) }
            }
            guard MonotonicClock.now() >= next else { continue }
            next = max(next + .seconds(interval), MonotonicClock.now())
            guard !view.isPaused else { continue }
            do throws(CommandFailure) {
                try await look(connection, into: &view, isFirst: false)
            } catch {
                view.note(failure: error.message)
            }
            looks += 1
            show(view, screen)
        }
    }

    private func show(_ view: WatchView, _ screen: TerminalScreen?) {
        guard let screen else {
            for line in view.lines() { Output.print(line) }
            return
        }
        let size = screen.size
        let format = ReportFormat(
            isJSON: false, isColored: !noColor && Terminal.standardOutput.allowsColor,
            hasBlocks: Terminal.showsUnicode, columns: size.columns)
        screen.draw(view.screen(columns: size.columns, rows: size.rows, format: format))
    }

    /// Takes keys; false when the view is to end.
    private func press(_ keys: [UInt8], _ view: inout WatchView) -> Bool {
        // An arrow is ESC [ A or B.
        if keys == [0x1b, 0x5b, 0x41] {
            view.press(.previous)
            return true
        }
        if keys == [0x1b, 0x5b, 0x42] {
            view.press(.next)
            return true
        }
        for key in keys {
            switch key {
            case UInt8(ascii: "q"), 3, 4: return false
            case UInt8(ascii: "n"), UInt8(ascii: "j"), 9: view.press(.next)
            case UInt8(ascii: "p"), UInt8(ascii: "k"): view.press(.previous)
            case UInt8(ascii: " "): view.press(.pause)
            default: break
            }
        }
        return true
    }

    private func look(
        _ connection: AgentConnection, into view: inout WatchView, isFirst: Bool
    ) async throws(CommandFailure) {
        let document: [UInt8]
        do throws(AgentConnection.Failure) {
            document = try await connection.status(format: ReportFormat(isJSON: true)).document
        } catch {
            throw CommandFailure(error)
        }
        do throws(WatchView.Fault) {
            try view.take(document, at: MonotonicClock.now())
        } catch {
            switch error {
            case .unreadable(let reason):
                throw CommandFailure(message: reason, status: CommandExit.unavailable)
            case .unknownTunnel(let name, let known):
                throw CommandFailure(
                    message: known.isEmpty
                        ? "there is no tunnel '\(name)', nor any other"
                        : "there is no tunnel '\(name)'; there are: \(known.joined(separator: ", "))",
                    status: CommandExit.usage)
            }
        }
    }
}

/// Whether a task has ended, without waiting for it.
private final class Ended: Sendable {
    private let flag = Mutex(false)

    init(_ task: Task<Void, Never>) {
        Task { [self] in
            await task.value
            flag.withLock { $0 = true }
        }
    }

    var value: Bool { flag.withLock { $0 } }
}
