import HostFacts
import NetworkPrimitives
import Testing

@testable import Configuration

/// The sample of the repository, which is also the packaged conffile.
enum Sample {
    static func text() throws -> String {
        // Tests/ConfigurationTests/<this file>, two directories below the root.
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return String(
            decoding: try SmallFile.read("/\(root)/agent.conf", limit: 1 << 20), as: UTF8.self)
    }

    /// The sample with its example tunnel switched on.
    static func withTunnel() throws -> String {
        let lines = try text().split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0 == "#[[tunnel]]" })
        let tunnel = lines[start...].map { $0.dropFirst($0.hasPrefix("#") ? 1 : 0) }
        return (lines[..<start] + tunnel).joined(separator: "\n")
    }
}

@Suite struct AgentConfigurationTests {
    /// The defaults as the interface page has them, written out and not taken from the code.
    private func documented() -> AgentConfiguration {
        var expected = AgentConfiguration()
        expected.listen = ListenAddress(host: "127.0.0.1", port: 9817)
        expected.webConfig = nil
        expected.stateDirectory = "/var/lib/tunnel-probe"
        expected.controlSocket = "/run/tunnel-probe/control.sock"
        expected.logLevel = .info
        expected.discover = true
        expected.charonLog = nil
        expected.retention = .seconds(30 * 24 * 60 * 60)
        expected.retentionSize = ByteCount(bytes: 200 * 1024 * 1024)
        expected.slo = 98
        expected.probing.interval = .seconds(1)
        expected.probing.replyInterval = .seconds(10)
        expected.probing.timeout = .seconds(1)
        expected.probing.dscp = 0
        expected.probing.degradedMinimum = .seconds(5 * 60)
        expected.probing.ikeProbe = .onDemand
        expected.probing.ikeInitiate = false
        expected.probing.payloadBytes = 56
        expected.probing.pmtuInterval = .seconds(10 * 60)
        expected.probing.replyPathInterval = .seconds(10 * 60)
        expected.probing.capture = true
        expected.probing.captureBuffer = ByteCount(bytes: 4 * 1024 * 1024)
        expected.probing.replayWindows = [32, 64, 128, 256, 512, 1024, 2048, 4096]
        expected.tunnels = []
        expected.source = "agent.conf"
        return expected
    }

    @Test func `an empty file, the sample and the built-in defaults mean what is documented`()
        throws
    {
        #expect(try AgentConfiguration.parse("", file: "agent.conf") == documented())
        #expect(try AgentConfiguration.parse(Sample.text(), file: "agent.conf") == documented())
        var builtIn = AgentConfiguration.defaults
        #expect(builtIn.source == nil)
        builtIn.source = "agent.conf"
        #expect(builtIn == documented())
    }

    @Test func `the sample shows every key there is`() throws {
        let text = try Sample.withTunnel()
        guard case .table(let root) = try TOMLNode.document(text) else { return }
        func keys(_ name: String) -> [String] {
            switch root.first(where: { $0.key == name })?.value {
            case .table(let entries): return entries.map(\.key)
            case .array(let elements):
                guard case .table(let entries) = elements.first else { return [] }
                return entries.map(\.key)
            default: return []
            }
        }
        #expect(Set(keys("agent")) == Set(TableSchema.agent.keys))
        #expect(Set(keys("defaults")) == Set(TableSchema.defaults.keys))
        #expect(
            Set(keys("tunnel"))
                == Set(TableSchema.tunnel.keys).subtracting(TableSchema.defaults.keys))
    }

    @Test func `the example tunnel of the sample is one that works`() throws {
        let configuration = try AgentConfiguration.parse(Sample.withTunnel(), file: "agent.conf")
        var expected = TunnelConfiguration(
            name: "cf-1", remote: .address(try #require(IPAddress("198.51.100.1"))))
        expected.role = .endpoint
        expected.local = IPAddress("203.0.113.10")
        expected.wanInterface = "eth0"
        expected.tunnelInterface = "ipsec0"
        expected.insideSource = IPAddress("10.252.0.1")
        expected.insideTarget = IPAddress("10.252.0.0")
        expected.insideBeyond = IPAddress("10.253.0.2")
        expected.reflector = nil
        expected.fwmark = 0
        expected.netns = nil
        expected.viciSocket = "/var/run/charon.vici"
        expected.expect = HealthCheckExpectation(style: .auto, direction: .auto, target: nil)
        expected.probing = documented().probing
        #expect(configuration.tunnels == [expected])
    }

    @Test func `a tunnel takes over defaults and may repeat each of them`() throws {
        let configuration = try AgentConfiguration.parse(
            """
            [[tunnel]]
            name = "first"
            remote = "2001:db8::1"

            [[tunnel]]
            name = "second"
            remote = "gw.example.net"
            role = "observer"
            interval = "250ms"
            reply_interval = "1m30s"
            timeout = "1.5s"
            dscp = 0x2e
            degraded_minimum = "0s"
            ike_probe = "5m"
            ike_initiate = true
            payload_bytes = 1_200
            pmtu_interval = "1h"
            reply_path_interval = "2h"
            capture = false
            capture_buffer = "512KiB"
            replay_windows = []
            fwmark = 0xffff_ffff
            netns = "blue"
            vici_socket = ""
            reflector = "[2001:db8::5]:9000"
            reflector_key_file = "/etc/tunnel-probe/reflector.key"
            expect.health_check_style = "reply"

            # [defaults] counts wherever it stands.
            [defaults]
            interval = "2s"
            dscp = 10
            ike_probe = "never"
            """, file: "f")
        #expect(configuration.probing.interval == .seconds(2))
        let first = try #require(configuration.tunnels.first)
        #expect(first.probing == configuration.probing)
        #expect(first.probing.dscp == 10)
        #expect(first.probing.ikeProbe == .never)
        #expect(first.remote == .address(.v6(0x2001_0db8_0000_0000_0000_0000_0000_0001)))

        let second = try #require(configuration.tunnels.last)
        #expect(second.remote == .name("gw.example.net"))
        #expect(second.role == .observer)
        #expect(second.probing.interval == .milliseconds(250))
        #expect(second.probing.replyInterval == .seconds(90))
        #expect(second.probing.timeout == .milliseconds(1500))
        #expect(second.probing.dscp == 46)
        #expect(second.probing.degradedMinimum == .zero)
        #expect(second.probing.ikeProbe == .every(.seconds(300)))
        #expect(second.probing.ikeInitiate)
        #expect(second.probing.payloadBytes == 1200)
        #expect(second.probing.pmtuInterval == .seconds(3600))
        #expect(second.probing.replyPathInterval == .seconds(7200))
        #expect(!second.probing.capture)
        #expect(second.probing.captureBuffer == ByteCount(bytes: 512 << 10))
        #expect(second.probing.replayWindows.isEmpty)
        #expect(second.fwmark == .max)
        #expect(second.netns == "blue")
        #expect(second.viciSocket == nil)
        #expect(second.reflector?.host.description == "2001:db8::5")
        #expect(second.reflector?.port == 9000)
        #expect(second.reflector?.keyFile == "/etc/tunnel-probe/reflector.key")
        #expect(second.expect.style == .reply)
    }

    @Test func `expectations may be dotted keys, a table of their own or an inline table`() throws {
        let head = "[[tunnel]]\nname = \"a\"\nremote = \"192.0.2.1\"\n"
        let forms = [
            """
            expect.health_check_style = "request"
            expect.health_check_direction = "unidirectional"
            expect.health_check_target = "192.0.2.9"
            """,
            """
            [tunnel.expect]
            health_check_style = "request"
            health_check_direction = "unidirectional"
            health_check_target = "192.0.2.9"
            """,
            """
            expect = { health_check_style = "request", health_check_direction = "unidirectional", \
            health_check_target = "192.0.2.9" }
            """,
        ]
        for form in forms {
            let configuration = try AgentConfiguration.parse(head + form, file: "f")
            #expect(
                configuration.tunnels.map(\.expect) == [
                    HealthCheckExpectation(
                        style: .request, direction: .unidirectional, target: .v4(0xc000_0209))
                ])
        }
    }

    @Test(arguments: [
        ("127.0.0.1:9817", "127.0.0.1", 9817), ("0.0.0.0:80", "0.0.0.0", 80),
        ("[::1]:9817", "::1", 9817), ("[::]:1", "::", 1), ("localhost:65535", "localhost", 65535),
    ])
    func `reads an address to listen on and prints it the same`(
        text: String, host: String, port: Int
    )
        throws
    {
        let listen = try AgentConfiguration.parse("agent.listen = \"\(text)\"", file: "f").listen
        #expect(listen == ListenAddress(host: host, port: UInt16(port)))
        #expect(listen?.description == text)
    }

    @Test func `settings of the agent may be turned off or pointed elsewhere`() throws {
        let configuration = try AgentConfiguration.parse(
            """
            [agent]
            listen = ""
            web_config = "/etc/tunnel-probe/web.yml"
            charon_log = "journal"
            log_level = "critical"
            discover = false
            retention = "1h"
            retention_size = "1GiB"
            slo = 99
            """, file: "f")
        #expect(configuration.listen == nil)
        #expect(configuration.webConfig == "/etc/tunnel-probe/web.yml")
        #expect(configuration.charonLog == .journal)
        #expect(configuration.logLevel == .critical)
        #expect(!configuration.discover)
        #expect(configuration.retention == .seconds(3600))
        #expect(configuration.retentionSize == .mebibytes(1024))
        #expect(configuration.slo == 99)
        let file = try AgentConfiguration.parse("agent.charon_log = '/var/log/charon'", file: "f")
        #expect(file.charonLog == .file("/var/log/charon"))
    }

    @Test func `as many tunnels as there may be are read in seconds`() throws {
        let text = (0..<2048).map {
            "[[tunnel]]\nname = \"t\($0)\"\nremote = \"192.0.2.1\"\ninterval = \"2s\"\n"
        }.joined()
        let clock = ContinuousClock()
        let start = clock.now
        let configuration = try AgentConfiguration.parse(text, file: "f")
        #expect(configuration.tunnels.count == 2048)
        #expect(clock.now - start < .seconds(5))
    }
}
