import Foundation
import Testing

/// Path MTU and reply ladder over three real routers.
@Suite struct PathCommandTests {
    @Test(arguments: [RouterChain.target4, RouterChain.target6])
    func `the narrow link is found to the byte and named, and replies come through`(
        address: String
    ) async throws {
        try await blocking {
            let chain = try RouterChain(narrowMTU: 1400)
            let result = try chain.runProbe(
                "now", address, "--local", "--json", "--timeout", "40")
            #expect(result.status == 0, "\(result)")
            let tunnel = try result.json()["tunnels"][0]
            let mtu = tunnel["path_mtu"]["outside"]
            #expect(mtu["bytes"].integer == 1400, "\(mtu)")
            #expect(mtu["black_hole"].bool == false)
            let router = address == RouterChain.target4 ? "10.70.2.2" : "fd70:2::2"
            #expect(mtu["limiting_address"].string == router)
            let replies = tunnel["reply_path"]["outside"]
            #expect(replies["verdict"].string == "open", "\(replies)")
            #expect(replies["last_hop_request"].integer == 3)
            #expect(replies["last_hop_reply"].integer == 3)
            #expect(tunnel["path_mtu"]["inside"]["bytes_reason"].string != nil)
        }
    }

    @Test func `a black hole is found without a word from the router`() async throws {
        try await blocking {
            let chain = try RouterChain(narrowMTU: 1400)
            // The device's own MTU is 1400: its router would say so.
            try chain.filter(
                chain.routers[1], "OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP")
            let result = try chain.runProbe(
                "now", RouterChain.target4, "--local", "--json", "--timeout", "40")
            let mtu = try result.json()["tunnels"][0]["path_mtu"]["outside"]
            #expect(mtu["bytes"].integer == 1400, "\(mtu)")
            #expect(mtu["black_hole"].bool == true)
            #expect(mtu["limiting_hop"].integer == 2)
        }
    }

    @Test func `a firewall of this host hides no answers`() async throws {
        try await blocking {
            let chain = try RouterChain(narrowMTU: 1400)
            for type in ["time-exceeded", "destination-unreachable"] {
                try chain.filter(chain.client, "INPUT -p icmp --icmp-type \(type) -j DROP")
            }
            let result = try chain.runProbe(
                "now", RouterChain.target4, "--local", "--json", "--timeout", "40")
            let tunnel = try result.json()["tunnels"][0]
            #expect(tunnel["path_mtu"]["outside"]["bytes"].integer == 1400)
            #expect(tunnel["path_mtu"]["outside"]["limiting_address"].string == "10.70.2.2")
            #expect(tunnel["reply_path"]["outside"]["verdict"].string == "open")
        }
    }

    @Test func `replies that this host's own firewall drops are not blamed on others`()
        async throws
    {
        try await blocking {
            let chain = try RouterChain()
            try chain.filter(chain.client, "OUTPUT -p icmp --icmp-type echo-reply -j DROP")
            let result = try chain.runProbe(
                "now", RouterChain.target4, "--local", "--json", "--timeout", "40")
            let replies = try result.json()["tunnels"][0]["reply_path"]["outside"]
            #expect(replies["verdict"].string == "blocked", "\(replies)")
            #expect(replies["blocked_after_hop"].integer == 0)
            #expect(replies["place"].string == "this_host")
        }
    }

    @Test func `without the capture, sockets hear the answers`() async throws {
        try await blocking {
            let chain = try RouterChain(narrowMTU: 1400)
            let path = try chain.write(
                "agent.conf", "[agent]\ndiscover = false\n[defaults]\ncapture = false\n")
            let result = try chain.runProbe(
                "now", RouterChain.target4, "--config", path, "--local", "--json", "--timeout",
                "40")
            let tunnel = try result.json()["tunnels"][0]
            #expect(tunnel["path_mtu"]["outside"]["bytes"].integer == 1400)
            #expect(tunnel["reply_path"]["outside"]["verdict"].string == "open")
        }
    }
}
