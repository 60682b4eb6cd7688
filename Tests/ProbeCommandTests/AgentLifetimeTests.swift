import Foundation
import Testing

/// Sockets of `probe agent` that must be replaced while it runs.
@Suite struct AgentLifetimeTests {
    @Test func `a larger payload at a reload truncates no answer`() async throws {
        try await blocking {
            let lab = try Lab()
            let tunnel = Lab.tunnel + "\ninterval = \"200ms\"\npayload_bytes = "
            let agent = try AgentProcess(lab, lab.configuration(tunnel + "56"))
            try agent.wait(for: "healthy", within: 10)
            try lab.write("agent.conf", lab.configuration(tunnel + "4000"))
            #expect(try agent.get("/-/reload", post: true).status == "200")
            let before = try agent.status().tunnel("cf-1")
            Thread.sleep(forTimeInterval: 4)
            let after = try agent.status().tunnel("cf-1")
            #expect(after["state"].string == "healthy")
            for path in ["inside", "outside"] {
                let (old, new) = (before.row(path, "request"), after.row(path, "request"))
                let received = try #require(old["received"].integer)
                #expect(try #require(new["received"].integer) >= received + 10, "\(new)")
                #expect(new["lost"].integer == 0, "\(path)")
                #expect(new["retries"].integer == 0, "\(path)")
                // What was on its way at the reload.
                #expect(try #require(new["inconclusive"].integer) <= 1, "\(path)")
                let rejected = new["rejected"]
                #expect(!rejected.keys.isEmpty)
                for reason in rejected.keys {
                    #expect(rejected[reason].integer == 0, "\(path) \(reason)")
                }
            }
            #expect(
                try #require(after.row("inside", "reply")["rejected"]["wrong_quote"].integer) == 0)
            for kind in ["malformed", "truncated"] {
                let series = "tunnelprobe_unreadable_messages_total{kind=\"\(kind)\"}"
                #expect(try agent.metric(series) == 0)
            }
            #expect(try agent.stop().status == 0)
        }
    }

    /// The new namespace has no address at first: an agent that still probed the old one, which its
    /// own sockets keep alive, would go on to be healthy.
    @Test(arguments: [false, true])
    func `a namespace that is deleted and made again is entered again`(
        isMissedMeanwhile: Bool
    ) async throws {
        try await blocking {
            let lab = try Lab()
            let namespace = "\(lab.client)x"
            defer { _ = try? shell("ip netns del \(namespace) || true") }
            func addAddress() throws {
                try shell(
                    """
                    ip -n \(namespace) link set lo up
                    ip -n \(namespace) addr add 198.18.77.1/32 dev lo
                    """)
            }
            try shell("ip netns add \(namespace)")
            try addAddress()
            let tunnel = """
                [[tunnel]]
                name = "cf-1"
                remote = "198.18.77.1"
                netns = "\(namespace)"
                interval = "500ms"
                degraded_minimum = "1s"
                """
            // This process's own namespace may have another agent on the usual port.
            let text = lab.configuration(tunnel).replacingOccurrences(
                of: "listen = \"127.0.0.1:9817\"", with: "listen = \"\"")
            let agent = try AgentProcess(lab, text, isOutsideLab: true)
            try agent.wait(for: "healthy", within: 10)
            try shell("ip netns del \(namespace)")
            if isMissedMeanwhile {
                let gone = try agent.wait(for: "unknown", within: 5).tunnel("cf-1")
                #expect(gone["state_reason"].string?.contains(namespace) == true)
            }
            try shell("ip netns add \(namespace)")
            try agent.wait(for: "down", within: 10)
            try addAddress()
            let status = try agent.wait(for: "degraded", within: 15)
            let row = status.tunnel("cf-1").row("outside", "request")
            let received = try #require(row["received"].integer)
            _ = try eventually("probes are answered again", within: 5) {
                let row = try agent.status().tunnel("cf-1").row("outside", "request")
                return row["received"].integer.map { $0 >= received + 3 } == true ? true : nil
            }
            #expect(try agent.stop().status == 0)
        }
    }
}
