import Foundation
import Testing

/// What `probe agent` lets in by its sockets, and what it turns away.
@Suite struct AgentDoorsTests {
    @Test func `two commands diagnose at a time, and a killed one gives its place back`()
        async throws
    {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            func start() throws -> RunningCommand {
                try RunningCommand(
                    lab.probe(["now", "--timeout", "6", "--config", agent.configuration]))
            }
            let (first, second) = (try start(), try start())
            // Each of them takes its six seconds: they share the rate at which a hop may be asked.
            _ = try eventually("both are connected", within: 2) {
                let sockets = try shell("ip netns exec \(lab.client) ss -xaH")
                let ends = sockets.split(separator: "\n").count {
                    $0.contains("ESTAB") && $0.contains(lab.socket)
                }
                return ends >= 2 ? true : nil
            }
            Thread.sleep(forTimeInterval: 0.2)
            let third = try lab.runProbe("now", "--config", agent.configuration)
            #expect(third.status == 69, "\(third)")
            #expect(
                third.errors.contains("2 diagnoses are running; try again in a few seconds"))
            #expect(!third.errors.contains("503"), "a number says nothing to an operator")
            #expect(third.output.isEmpty)

            second.send(SIGKILL)
            let fourth = try eventually("the place of the one that is gone", within: 2) {
                let command = try start()
                Thread.sleep(forTimeInterval: 0.3)
                return command.isRunning ? command : nil
            }
            for command in [first, fourth] {
                let result = try command.wait(seconds: 12)
                #expect(result.status == 0, "\(result)")
            }
            #expect(try agent.stop().status == 0)
        }
    }

    @Test func `a page of another site cannot reload the agent`() async throws {
        try await blocking {
            let lab = try Lab()
            let agent = try AgentProcess(lab, lab.configuration(Lab.tunnel))
            func reload(_ headers: String...) throws -> String {
                try run(
                    ["ip", "netns", "exec", lab.client, "curl", "-sS", "-m5", "-X", "POST"]
                        + headers.flatMap { ["-H", $0] }
                        + ["-w", "%{http_code}", "http://127.0.0.1:9817/-/reload"]
                ).output
            }
            #expect(
                try reload("Origin: http://evil.example") == "cross-origin request refused\n403")
            #expect(try reload("Origin: null").hasSuffix("403"))
            #expect(try reload("Origin: http://127.0.0.1:9817").hasSuffix("200"))
            #expect(try reload().hasSuffix("200"))
            #expect(try agent.stop().status == 0)
        }
    }

    @Test func `a broken web configuration refuses the whole reload, a bad certificate is told`()
        async throws
    {
        try await blocking {
            let lab = try Lab()
            try shell(
                """
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
                    -subj /CN=test -addext subjectAltName=IP:127.0.0.1 \
                    -keyout \(lab.directory)/key.pem -out \(lab.directory)/cert.pem 2>&1
                cp \(lab.directory)/cert.pem \(lab.directory)/trusted.pem
                """)
            let tls = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"
            let web = try lab.write("web.yml", tls)
            func configuration(_ tunnel: String) -> String {
                lab.configuration(
                    Lab.tunnel + tunnel, agent: "discover = false\nweb_config = \"\(web)\"")
            }
            let agent = try AgentProcess(lab, configuration(""))
            func isServedOverTLS() throws -> Bool {
                try run([
                    "ip", "netns", "exec", lab.client, "curl", "-sS", "-m5", "--cacert",
                    "\(lab.directory)/trusted.pem", "https://127.0.0.1:9817/-/healthy",
                ]).status == 0
            }
            #expect(try isServedOverTLS())

            try lab.write(
                "agent.conf",
                configuration("\n[[tunnel]]\nname = \"new\"\nremote = \"10.60.2.2\"\n"))
            try lab.write("web.yml", tls + "basic_auth_users:\n  bob: plain\n")
            let refused = try agent.get("/-/reload", post: true)
            #expect(refused.status == "500")
            #expect(refused.body.contains("web.yml:5:"), "\(refused.body)")
            let good = "tunnelprobe_config_last_reload_successful"
            #expect(try agent.metric(good) == 0)
            #expect(try isServedOverTLS())
            #expect(try agent.status().tunnel("new")["name"].string == nil)

            try lab.write("web.yml", tls)
            #expect(try agent.get("/-/reload", post: true).status == "200")
            #expect(try agent.metric(good) == 1)
            _ = try eventually("the new tunnel", within: 5) {
                try agent.status().tunnel("new")["name"].string
            }

            try lab.write("cert.pem", "no certificate")
            #expect(try isServedOverTLS(), "with the certificate in use")
            _ = try eventually("the log tells of it", within: 10) {
                agent.command.errors.contains("holds no certificate in PEM form") ? true : nil
            }
            #expect(agent.command.errors.contains("the certificate in use stays"))
            #expect(try agent.stop().status == 0)
        }
    }
}
