import Foundation
import Testing

@Suite struct StatusCommandTests {
    @Test func `without an agent it says that none is running`() async throws {
        try await blocking {
            let lab = try Lab()
            let path = try lab.write("agent.conf", lab.configuration(""))
            let result = try lab.runProbe("status", "--config", path)
            #expect(result.status == 69, "\(result)")
            #expect(result.errors.contains(lab.socket))
            #expect(result.errors.contains("systemctl start tunnel-probe"))
            #expect(result.output == "")
        }
    }

    @Test func `it shows the state of the running agent, and is a Nagios plugin`() async throws {
        try await blocking {
            let lab = try Lab()
            let dead = """
                [[tunnel]]
                name = "dead"
                remote = "10.60.3.1"
                """
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel + "\n" + dead))
            try agent.wait(for: "healthy", within: 10)
            try agent.wait(for: "down", of: "dead", within: 10)
            let text = try lab.runProbe("status", "--config", agent.configuration)
            #expect(text.status == 2, "\(text)")
            #expect(text.output.contains("cf-1  HEALTHY"))
            #expect(text.output.contains("dead  DOWN"))
            #expect(text.output.hasSuffix("verdict  DOWN  (the worst of 2)\n"))
            let json = try lab.runProbe("status", "--config", agent.configuration, "--json")
            #expect(json.status == 2)
            #expect(try json.json()["verdict"].string == "down")
            #expect(try agent.stop().status == 0)
        }
    }

    @Test func `a user outside the socket's group is told what to do`() async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            let result = try run(
                lab.probe(
                    ["status", "--config", agent.configuration], prefix: Lab.unprivileged()))
            #expect(result.status == 77, "\(result)")
            #expect(result.errors.contains("permission denied"))
            #expect(result.errors.contains("tunnel-probe"))
            #expect(try agent.stop().status == 0)
        }
    }
}

@Suite struct DiscoverCommandTests {
    @Test func `a host without tunnels is unknown`() async throws {
        try await blocking {
            let lab = try Lab()
            let path = try lab.write("agent.conf", lab.configuration(""))
            let result = try lab.runProbe("discover", "--config", path)
            #expect(result.status == 3, "\(result)")
            #expect(result.output == "")
            #expect(result.errors.contains("knows no tunnel"))
        }
    }
}

@Suite struct CheckConfigCommandTests {
    /// The sample of the repository, three folders above this file's.
    private static let sample = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("agent.conf").path

    @Test func `the sample is valid`() async throws {
        try await blocking {
            let result = try run([ProbeBinary.path, "check-config", Self.sample])
            #expect(result.status == 0, "\(result)")
            #expect(result.output.hasPrefix("\(Self.sample): valid"))
        }
    }

    @Test(
        arguments: [
            ("now", ["now", "--config"]), ("status", ["status", "--config"]),
            ("agent", ["agent", "--config"]), ("check-config", ["check-config"]),
            ("discover", ["discover", "--config"]),
        ])
    func `a mistake is named by file, line and column`(
        name: String, arguments: [String]
    ) async throws {
        try await blocking {
            let directory = try temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let path = "\(directory)/agent.conf"
            try Data("[defaults]\n  interval = \"5ms\"\n".utf8).write(
                to: URL(fileURLWithPath: path))
            let result = try run([ProbeBinary.path] + arguments + [path])
            #expect(result.status == 78, "\(result)")
            #expect(result.errors.contains("\(path):2:14: defaults.interval: "), "\(result)")
            #expect(result.errors.contains("allowed: "))
            #expect(result.output == "")
        }
    }

    @Test func `JSON lists the mistakes`() async throws {
        try await blocking {
            let directory = try temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let path = "\(directory)/agent.conf"
            try Data("[agent]\nlistn = \"\"\n".utf8).write(to: URL(fileURLWithPath: path))
            let result = try run([ProbeBinary.path, "check-config", "--json", path])
            #expect(result.status == 78)
            let json = try result.json()
            #expect(json["valid"].value as? Bool == false)
            #expect(json["diagnostics"][0]["line"].integer == 2)
            #expect(json["diagnostics"][0]["column"].integer == 1)
            #expect(json["diagnostics"][0]["key"].string == "agent.listn")
        }
    }

    @Test func `a file that is not there is a mistake`() async throws {
        try await blocking {
            let result = try run([ProbeBinary.path, "check-config", "/nonexistent/agent.conf"])
            #expect(result.status == 78, "\(result)")
            #expect(result.errors.contains("/nonexistent/agent.conf"))
        }
    }
}
