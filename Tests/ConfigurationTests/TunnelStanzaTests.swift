import NetworkPrimitives
import Testing

@testable import Configuration

@Suite struct TunnelStanzaTests {
    private func full() throws -> TunnelConfiguration {
        var tunnel = TunnelConfiguration(
            name: "ipsec0", remote: .address(try #require(IPAddress("198.51.100.1"))))
        tunnel.local = IPAddress("203.0.113.10")
        tunnel.wanInterface = "eth0"
        tunnel.tunnelInterface = "ipsec0"
        tunnel.insideSource = IPAddress("10.252.0.1")
        tunnel.insideTarget = IPAddress("10.252.0.0")
        tunnel.insideBeyond = IPAddress("10.253.0.2")
        tunnel.fwmark = 42
        tunnel.netns = "blue"
        return tunnel
    }

    @Test func `writes all that is known of a tunnel`() throws {
        #expect(
            TunnelStanza.text(for: try full()) == """
                [[tunnel]]
                name = "ipsec0"
                role = "endpoint"
                remote = "198.51.100.1"
                local = "203.0.113.10"
                wan_interface = "eth0"
                tunnel_interface = "ipsec0"
                inside_source = "10.252.0.1"
                inside_target = "10.252.0.0"
                inside_beyond = "10.253.0.2"
                fwmark = 0x2a
                netns = "blue"

                """)
    }

    @Test func `writes what is not known as a comment with its reason`() throws {
        var tunnel = TunnelConfiguration(
            name: "policy-2001:db8::1", remote: .name("gw.example.net"))
        tunnel.role = .observer
        let text = TunnelStanza.text(
            for: tunnel,
            reasons: [
                .tunnelInterface: "policy-based: there is no device",
                .insideTarget: "two lines\nand \u{7} a [[tunnel]]",
            ])
        #expect(
            text == """
                [[tunnel]]
                name = "policy-2001:db8::1"
                role = "observer"
                remote = "gw.example.net"
                # local = ""  # not known
                # wan_interface = ""  # not known
                # tunnel_interface = ""  # policy-based: there is no device
                # inside_source = ""  # not known
                # inside_target = ""  # two lines\\nand \\u0007 a [[tunnel]]
                # inside_beyond = ""  # not known

                """)
        #expect(try AgentConfiguration.parse(text, file: "f").tunnels == [tunnel])
    }

    @Test func `several stanzas make a file`() throws {
        var second = try full()
        second.name = "other"
        second.fwmark = .max
        let text = try TunnelStanza.text(for: full()) + TunnelStanza.text(for: second)
        #expect(try AgentConfiguration.parse(text, file: "f").tunnels == [full(), second])
    }

    @Test func `parse reads back every tunnel that can be found`() throws {
        var random = SeededGenerator(seed: 7)
        /// Octets that devices and namespaces may be named with, the ugly ones above all.
        let letters = Array("ab0-_.@\"\\'#[]{}=,!$%&éß😀\u{85}\u{2028}")
        for _ in 0..<2000 {
            func name(_ limit: Int) -> String {
                var name = "x"
                while true {
                    let longer = name + String(letters.randomElement(using: &random) ?? "x")
                    guard longer.utf8.count <= limit, Int.random(in: 0..<20, using: &random) > 0
                    else { return name }
                    name = longer
                }
            }
            func perhaps<Value>(_ value: Value) -> Value? {
                Bool.random(using: &random) ? value : nil
            }
            func address(_ family: IPAddress.Family) -> IPAddress {
                // Neither unspecified nor multicast.
                family == .v4
                    ? .v4(UInt32.random(in: 1..<0xe000_0000, using: &random))
                    : .v6(UInt128.random(in: 1..<(0xff << 120), using: &random))
            }
            let outer: IPAddress.Family = Bool.random(using: &random) ? .v4 : .v6
            let inside: IPAddress.Family = Bool.random(using: &random) ? .v4 : .v6
            var tunnel = TunnelConfiguration(
                name: TunnelName.sanitized(name(80)), remote: .address(address(outer)))
            tunnel.role = Bool.random(using: &random) ? .endpoint : .observer
            tunnel.local = perhaps(address(outer))
            tunnel.wanInterface = perhaps(name(15))
            tunnel.tunnelInterface = perhaps(name(15))
            tunnel.insideSource = perhaps(address(inside))
            tunnel.insideTarget = perhaps(address(inside))
            tunnel.insideBeyond = perhaps(address(inside))
            tunnel.fwmark =
                Bool.random(using: &random) ? 0 : .random(in: 0 ... .max, using: &random)
            tunnel.netns = perhaps(name(255))
            let text = TunnelStanza.text(for: tunnel, reasons: [.local: name(200) + "\n\r\0\u{7f}"])
            do {
                #expect(try AgentConfiguration.parse(text, file: "f").tunnels == [tunnel])
            } catch {
                Issue.record("\(error)\n\(text)")
            }
        }
    }
}
