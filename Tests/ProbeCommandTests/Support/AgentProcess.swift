import Foundation
import Testing

/// A running `probe agent` on the lab's client.
final class AgentProcess: Sendable {
    let lab: Lab
    let command: RunningCommand
    let configuration: String

    /// Starts it and waits until it is ready; outside the lab, in this process's own namespaces, it
    /// sees namespaces come and go.
    init(
        _ lab: Lab, _ text: String, environment: [String: String] = [:], awaitsReady: Bool = true,
        isOutsideLab: Bool = false
    ) throws {
        self.lab = lab
        configuration = try lab.write("agent.conf", text)
        let arguments = ["agent", "--config", configuration]
        command = try RunningCommand(
            isOutsideLab ? [ProbeBinary.path] + arguments : lab.probe(arguments),
            environment: environment)
        guard awaitsReady else { return }
        do {
            _ = try eventually("the agent is ready", within: 10) {
                try get("/-/ready").status == "200" ? true : nil
            }
        } catch {
            throw NeverHappened(what: "\(error)", seconds: 10, last: command.errors)
        }
    }

    /// Asks over the control socket.
    func get(_ path: String, post: Bool = false) throws -> (status: String, body: String) {
        try curl(["--unix-socket", lab.socket, "http://localhost\(path)"], post: post)
    }

    /// Asks over TCP, on this side's loopback.
    func getTCP(
        _ path: String, headers: [String] = []
    ) throws -> (status: String, body: String) {
        try curl(headers.flatMap { ["-H", $0] } + ["http://127.0.0.1:9817\(path)"])
    }

    private func curl(
        _ arguments: [String], post: Bool = false
    ) throws -> (status: String, body: String) {
        let result = try run(
            ["ip", "netns", "exec", lab.client, "curl", "-sS", "--max-time", "5"]
                + (post ? ["-X", "POST"] : []) + ["-w", "\n%{http_code}"] + arguments)
        guard result.status == 0 else { throw CommandFailed(command: "curl", result: result) }
        let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
        return (String(lines.last ?? ""), lines.dropLast().joined(separator: "\n"))
    }

    func status() throws -> JSON { try JSON(parsing: get("/api/v1/status").body) }

    /// The value of one series of the text format.
    func metric(_ series: String) throws -> Double? {
        let line = try get("/metrics").body.split(separator: "\n").first {
            $0.hasPrefix(series + " ")
        }
        return line.flatMap { Double($0.dropFirst(series.count + 1)) }
    }

    /// Waits until the tunnel is in `state` and returns the status.
    @discardableResult
    func wait(
        for state: String, of tunnel: String = "cf-1", within seconds: Double
    ) throws -> JSON {
        do {
            return try eventually("\(tunnel) is \(state)", within: seconds) {
                let status = try status()
                return status.tunnel(tunnel)["state"].string == state ? status : nil
            }
        } catch {
            throw NeverHappened(what: "\(error)", seconds: seconds, last: command.errors)
        }
    }

    /// Ends it as systemd does.
    func stop() throws -> CommandResult {
        command.send(SIGTERM)
        return try command.wait(seconds: 8)
    }
}
