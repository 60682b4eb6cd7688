import Foundation
import Testing

@testable import Configuration

@Suite struct ConfigurationTextTests {
    private static func roundTrip(_ text: String) throws -> (AgentConfiguration, String) {
        let configuration = try AgentConfiguration.parse(text, file: "agent.conf")
        let written = configuration.text
        let again = try AgentConfiguration.parse(written, file: "agent.conf")
        #expect(again == configuration, "\(written)")
        return (configuration, written)
    }

    @Test func `what is written is read back, and no comment comes along`() throws {
        let (_, text) = try Self.roundTrip(
            """
            # password: hunter2hunter2
            [agent]
            listen = "[::1]:9817"
            web_config = "/etc/tunnel-probe/web.yml"  # bcrypt inside
            charon_log = "/var/log/charon.log"
            discover = false
            retention = "1d12h"
            retention_size = "1500kB"
            slo = 99.95
            [defaults]
            interval = "250ms"
            ike_probe = "10m"
            replay_windows = [64, 1024]
            [[tunnel]]
            name = "cf-1"
            remote = "198.51.100.1"
            local = "203.0.113.10"
            wan_interface = "eth0"
            tunnel_interface = "ipsec0"
            inside_source = "10.252.0.1"
            inside_target = "10.252.0.0"
            inside_beyond = "10.253.0.2"
            reflector = "192.0.2.9:4000"
            reflector_key_file = "/etc/tunnel-probe/reflector.key"
            fwmark = 42
            netns = "blue"
            vici_socket = ""
            dscp = 46
            expect.health_check_style = "reply"
            expect.health_check_target = "10.0.0.9"
            [[tunnel]]
            name = "cf-2"
            role = "observer"
            remote = "gw.example.net"
            """)
        #expect(!text.contains("hunter2") && !text.contains("#"))
        #expect(text.contains(#"reflector_key_file = "/etc/tunnel-probe/reflector.key""#))
    }

    @Test func `the defaults are written and read back`() throws {
        let (configuration, _) = try Self.roundTrip("")
        #expect(configuration.tunnels.isEmpty)
    }

    /// A key that is added to `agent.conf` and not here would be missing in what is handed on.
    @Test func `every key that a table knows is written`() throws {
        let (_, text) = try Self.roundTrip(
            """
            [[tunnel]]
            name = "cf-1"
            remote = "198.51.100.1"
            local = "203.0.113.10"
            wan_interface = "eth0"
            tunnel_interface = "ipsec0"
            inside_source = "10.252.0.1"
            inside_target = "10.252.0.0"
            inside_beyond = "10.253.0.2"
            reflector = "192.0.2.9"
            reflector_key_file = "/k"
            """)
        for schema in [TableSchema.agent, .defaults, .tunnel] {
            for key in schema.keys {
                #expect(text.contains("\n\(key)"), "\(key)")
            }
        }
    }
}
