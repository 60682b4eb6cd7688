import Foundation
import Testing

/// `probe reflect` on the far side, and an agent that has it as its reflector.
@Suite struct ReflectCommandTests {
    /// A running reflector with a key that this side holds too.
    private final class Reflector: Sendable {
        let lab: Lab
        let key: String
        let command: RunningCommand

        init(_ lab: Lab, _ arguments: String..., environment: [String: String] = [:]) throws {
            self.lab = lab
            key = try Self.key(lab, "key", "a secret of the tests\n")
            let command = try RunningCommand(
                ["ip", "netns", "exec", lab.far, ProbeBinary.path, "reflect", "--key-file", key]
                    + arguments, environment: environment)
            self.command = command
            _ = try eventually("the reflector listens", within: 10) {
                command.errors.contains("listens on UDP") ? true : nil
            }
        }

        /// Writes a key that only its owner may read.
        static func key(_ lab: Lab, _ name: String, _ text: String, mode: Int = 0o600) throws
            -> String
        {
            let path = try lab.write(name, text)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            return path
        }

        /// What `probe now` tells of it.
        func measure(at address: String, key: String? = nil) throws -> JSON {
            let configuration = try lab.write(
                "agent.conf",
                lab.configuration(
                    Lab.tunnel + """

                        reflector = "\(address)"
                        reflector_key_file = "\(key ?? self.key)"
                        """))
            let result = try lab.runProbe("now", "--local", "--json", "--config", configuration)
            #expect(result.status == 0, "\(result)")
            return try result.json().tunnel("cf-1")["reply_path"]["reflector"]
        }

        func stop() throws -> CommandResult {
            command.send(SIGTERM)
            return try command.wait(seconds: 8)
        }
    }

    private static func expect(
        _ direction: JSON, _ verdict: String, replies: Int, requests: Int = 10,
        _ comment: Comment? = nil
    ) {
        #expect(direction["verdict"].string == verdict, comment)
        #expect(direction["replies"]["sent"].integer == 10, comment)
        #expect(direction["replies"]["received"].integer == replies, comment)
        #expect(
            direction["replies"]["delivered_ratio"].number == Double(replies) / 10, comment)
        #expect(direction["requests"]["sent"].integer == 10, comment)
        #expect(direction["requests"]["received"].integer == requests, comment)
    }

    @Test func `everything is delivered, over both families, inside and outside`() async throws {
        try await blocking {
            let lab = try Lab()
            let reflector = try Reflector(lab)
            for (address, path) in [
                ("10.60.2.2", "outside"), ("[fd60:2::2]:9818", "outside"),
                ("10.252.0.0", "inside"), ("fd60:252::2", "inside"),
            ] {
                let told = try reflector.measure(at: address)
                #expect(told["available"].value as? Bool == true, "\(told)")
                #expect(told["path"].string == path, "\(told)")
                #expect(told["nat"].value as? Bool == false)
                Self.expect(told["forward"], "open", replies: 10, "\(address)")
                Self.expect(told["reverse"], "open", replies: 10, "\(address)")
                let hops = told["forward"]["replies"]["likely_hops"].integer
                #expect(hops == (path == "outside" ? 1 : 0))
            }
            let result = try reflector.stop()
            #expect(result.status == 0, "\(result)")
            let runs = result.errors.split(separator: "\n").filter { $0.contains("run of ") }
            #expect(runs.count == 4)
            for run in runs {
                #expect(
                    run.hasSuffix(
                        "received 10 Echo Replies and 10 Echo Requests, sent 10 and 10"))
            }
            #expect(!result.errors.contains("a secret of the tests"))
        }
    }

    @Test(arguments: ["10.60.2.2", "fd60:2::2"])
    func `a filter on the way is seen in its direction, and requests are not`(
        address: String
    ) async throws {
        try await blocking {
            let lab = try Lab()
            let reflector = try Reflector(lab)
            // Everything of type Echo Reply from this side.
            try shell(
                """
                nft() { ip netns exec \(lab.router) nft "$@"; }
                nft add table inet filter
                nft 'add chain inet filter forward { type filter hook forward priority 0; }'
                nft add rule inet filter forward iifname up0 icmp type echo-reply drop
                nft add rule inet filter forward iifname up0 icmpv6 type echo-reply drop
                """)
            var told = try reflector.measure(at: address)
            Self.expect(told["forward"], "blocked", replies: 0)
            Self.expect(told["reverse"], "open", replies: 10)
            #expect(try #require(told["forward"]["confidence"].number) > 0.99)
            // And the other way.
            try shell(
                """
                nft() { ip netns exec \(lab.router) nft "$@"; }
                nft flush chain inet filter forward
                nft add rule inet filter forward iifname down0 icmp type echo-reply drop
                nft add rule inet filter forward iifname down0 icmpv6 type echo-reply drop
                """)
            told = try reflector.measure(at: address)
            Self.expect(told["forward"], "open", replies: 10)
            Self.expect(told["reverse"], "blocked", replies: 0)
            #expect(try reflector.stop().status == 0)
        }
    }

    @Test func `behind a translator its address is told, and the way back is not blamed`()
        async throws
    {
        try await blocking {
            let lab = try Lab()
            let reflector = try Reflector(lab)
            try shell(
                """
                nft() { ip netns exec \(lab.router) nft "$@"; }
                nft add table ip nat
                nft 'add chain ip nat post { type nat hook postrouting priority 100; }'
                nft add rule ip nat post oifname down0 masquerade
                """)
            let told = try reflector.measure(at: "10.60.2.2")
            #expect(told["nat"].value as? Bool == true)
            #expect(told["observed_address"].string == "10.60.2.1")
            #expect(told["forward"]["requests"]["received"].integer == 10)
            #expect(told["reverse"]["verdict"].string == "inconclusive")
            #expect(told["reverse"]["reason"].string?.contains("translated") == true)
            #expect(try reflector.stop().status == 0)
        }
    }

    @Test func `the daemon measures again at reply_path_interval`() async throws {
        try await blocking {
            let lab = try Lab()
            let reflector = try Reflector(lab)
            let agent = try AgentProcess(
                lab,
                lab.configuration(
                    Lab.tunnel + """

                        reply_path_interval = "2s"
                        reflector = "10.60.2.2"
                        reflector_key_file = "\(reflector.key)"
                        """))
            func told() throws -> JSON {
                try agent.status().tunnel("cf-1")["reply_path"]["reflector"]
            }
            let first = try eventually("it has measured", within: 20) {
                let told = try told()
                return told["available"].value as? Bool == true ? told : nil
            }
            Self.expect(first["forward"], "open", replies: 10)
            _ = try eventually("it measures again, and again", within: 20) {
                reflector.command.errors.components(separatedBy: "run of ").count > 3 ? true : nil
            }
            Self.expect(try told()["reverse"], "open", replies: 10)
            #expect(try agent.stop().status == 0)
            #expect(try reflector.stop().status == 0)
        }
    }

    @Test func `another key, no reflector and an exposed key file each have their reason`()
        async throws
    {
        try await blocking {
            let lab = try Lab()
            let reflector = try Reflector(lab)
            let other = try Reflector.key(lab, "other", "another secret of 32 octets")
            var told = try reflector.measure(at: "10.60.2.2", key: other)
            #expect(told["available"].value as? Bool == false)
            #expect(told["reason"].string?.contains("its key is another one") == true)
            #expect(told["forward"]["verdict"].string == "inconclusive")
            #expect(told["forward"]["replies"]["received"].value == nil)
            #expect(told["forward"]["replies"]["received_reason"].string != nil)
            let exposed = try Reflector.key(lab, "exposed", "another secret", mode: 0o644)
            told = try reflector.measure(at: "10.60.2.2", key: exposed)
            #expect(told["reason"].string?.contains("chmod 600") == true)
            #expect(try reflector.stop().status == 0)
            told = try reflector.measure(at: "10.60.2.2")
            #expect(told["reason"].string?.contains("port unreachable") == true, "\(told)")
            told = try reflector.measure(at: "10.60.3.2")
            #expect(told["reason"].string?.contains("unreachable") == true, "\(told)")
        }
    }

    @Test func `the service manager hears of start, life and end`() async throws {
        try await blocking {
            let lab = try Lab()
            let notify = try NotifySocket("\(lab.directory)/notify")
            // Its queue holds ten messages, so not too many while nobody looks.
            let reflector = try Reflector(
                lab, "--listen", "10.60.2.2", "--port", "5000",
                environment: ["NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": "3000000"])
            let first = try notify.wait(for: "READY=1", within: 10)
            #expect(first.last?.contains("STATUS=listening on UDP 10.60.2.2:5000") == true)
            _ = try notify.wait(for: "WATCHDOG=1", within: 5)
            _ = try notify.wait(for: "WATCHDOG=1", within: 5)
            let told = try reflector.measure(at: "10.60.2.2:5000")
            Self.expect(told["forward"], "open", replies: 10)
            let result = try reflector.stop()
            #expect(result.status == 0, "\(result)")
            _ = try notify.wait(for: "STOPPING=1", within: 5)
        }
    }

    @Test func `what it cannot start with is told, with the status for it`() async throws {
        try await blocking {
            let lab = try Lab()
            func reflect(_ arguments: String..., prefix: [String] = []) throws -> CommandResult {
                try run(
                    ["ip", "netns", "exec", lab.far] + prefix + [ProbeBinary.path, "reflect"]
                        + arguments)
            }
            var result = try reflect()
            #expect(result.status == 64, "\(result)")
            result = try reflect("--key-file", "/nonexistent/key")
            #expect(result.status == 78, "\(result)")
            #expect(result.errors.contains("/nonexistent/key: No such file"))
            let key = try Reflector.key(lab, "key", "a secret of the tests\n")
            let short = try Reflector.key(lab, "short", "123456789012345\n")
            result = try reflect("--key-file", short)
            #expect(result.status == 78, "\(result)")
            #expect(result.errors.contains("shorter than 16 octets"))
            let exposed = try Reflector.key(lab, "exposed", "a secret of the tests", mode: 0o640)
            result = try reflect("--key-file", exposed)
            #expect(result.status == 78, "\(result)")
            #expect(result.errors.contains("chmod 600 \(exposed)"))
            result = try reflect("--key-file", key, "--listen", "192.0.2.1")
            #expect(result.status == 71, "\(result)")
            #expect(result.errors.contains("UDP port 9818 of 192.0.2.1"), "\(result)")
            result = try reflect("--key-file", key, "--listen", "example")
            #expect(result.status == 64, "\(result)")
            result = try reflect("--key-file", key, prefix: Lab.unprivileged())
            #expect(result.status == 77, "\(result)")
            #expect(result.errors.contains("CAP_NET_RAW is missing"), "\(result)")
        }
    }
}
