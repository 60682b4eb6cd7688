import Foundation
import Testing

/// `probe bundle`: what it holds, and that no secret that lies around is in it.
@Suite struct BundleCommandTests {
    private static let reflectorKey = "a-reflector-secret-that-nobody-may-see"
    private static let passwordHash =
        "$2y$10$abcdefghijklmnopqrstuvABCDEFGHIJKLMNOPQRSTU0123456789"
    private static let remark = "hunter2-is-in-a-comment"
    private static let firewallPassword = "in-a-comment-of-a-rule"

    /// A lab with secrets in every place that a configuration leads to, and in one beside it.
    private static func plant(_ lab: Lab) throws -> String {
        try lab.write("reflector.key", reflectorKey + "\n")
        try shell("chmod 600 \(lab.directory)/reflector.key")
        try lab.write("web.yml", "basic_auth_users:\n  admin: \(passwordHash)\n")
        return lab.configuration(
            Lab.tunnel
                + """

                reflector = "10.60.2.2"
                reflector_key_file = "\(lab.directory)/reflector.key"
                # \(remark)
                """, agent: "discover = false\nweb_config = \"\(lab.directory)/web.yml\"")
    }

    /// Unpacks a bundle and says where; tar and gzip are the judges.
    private static func unpack(_ file: String, _ lab: Lab) throws -> String {
        try shell("gunzip -t \(file)")
        let folder = "\(lab.directory)/unpacked-\(UUID().uuidString.prefix(8))"
        try shell("mkdir \(folder) && tar xzf \(file) -C \(folder)")
        let names = try shell("tar tzf \(file)").split(separator: "\n")
        #expect(names.allSatisfy { $0.hasPrefix("tunnel-probe-") && !$0.contains("..") })
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder).first)
        return "\(folder)/\(name)"
    }

    private static func expectNoSecret(in folder: String) throws {
        let secrets = [reflectorKey, passwordHash, remark, firewallPassword]
        let files = try shell("find \(folder) -type f").split(separator: "\n").map(String.init)
        #expect(files.count > 10)
        for path in files {
            let octets = try #require(FileManager.default.contents(atPath: path))
            for secret in secrets {
                let raw = Data(secret.utf8)
                let hex = raw.map { String(format: "%02x", $0) }.joined()
                var forms = [raw, Data(hex.utf8), Data(hex.uppercased().utf8)]
                for skipped in 0..<3 {
                    let whole = raw.dropFirst(skipped)
                    let text = Data(whole).base64EncodedString()
                    forms.append(Data(text.prefix(whole.count / 3 * 4).utf8))
                }
                for form in forms {
                    #expect(octets.range(of: form) == nil, "\(secret) in \(path)")
                }
            }
        }
    }

    /// Every file is in the manifest with its size and its digest, as sha256sum has it.
    private static func expectManifest(_ folder: String) throws -> JSON {
        let manifest = try JSON(parsing: shell("cat \(folder)/manifest.json"))
        #expect(manifest["schema"].string == "tunnelprobe.bundle/1")
        let files = manifest["files"].array
        let found = try shell("cd \(folder); find . -type f ! -name manifest.json")
        #expect(files.count == found.split(separator: "\n").count)
        for file in files {
            let path = try #require(file["path"].string)
            let sum = try shell("sha256sum \(folder)/\(path)").prefix(64)
            #expect(file["sha256"].string == String(sum), "\(path)")
            #expect(
                file["bytes"].integer
                    == (try FileManager.default.attributesOfItem(atPath: "\(folder)/\(path)"))[
                        .size]
                    as? Int)
            #expect(file["purpose"].string?.isEmpty == false)
        }
        return manifest
    }

    @Test func `with an agent and without, all is there and no secret is`() async throws {
        try await blocking {
            let lab = try Lab()
            let text = try Self.plant(lab)
            _ = try? shell(
                """
                ip netns exec \(lab.client) nft 'add table inet marks'
                ip netns exec \(lab.client) nft 'add chain inet marks c'
                ip netns exec \(lab.client) nft \
                    'add rule inet marks c accept comment "http://u:\(Self.firewallPassword)@h"'
                """)
            let agent = try AgentProcess(lab, text)
            try agent.wait(for: "healthy", within: 15)
            for arguments in [[], ["--local"]] {
                let file = "\(lab.directory)/bundle\(arguments.count).tar.gz"
                let result = try run(
                    lab.probe(
                        ["bundle", "-o", file, "--config", agent.configuration] + arguments),
                    within: 60)
                #expect(result.status == 0, "\(result)")
                #expect(try shell("stat -c %a \(file)").hasPrefix("600"))
                let folder = try Self.unpack(file, lab)
                try Self.expectNoSecret(in: folder)
                let manifest = try Self.expectManifest(folder)
                #expect(manifest["tunnels"].array.map(\.string) == ["cf-1"])
                let now = try JSON(parsing: shell("cat \(folder)/status/now.json"))
                #expect(now["schema"].string == "tunnelprobe.status/1")
                #expect(now.tunnel("cf-1")["name"].string == "cf-1")
                let conf = try shell("cat \(folder)/config/agent.conf")
                #expect(conf.contains(#"tunnel_interface = "tun0""#))
                #expect(conf.contains("reflector.key"), "the file's name is no secret")
                let check = try run([
                    ProbeBinary.path, "check-config", "\(folder)/config/agent.conf",
                ])
                #expect(check.status == 0, "\(check)")
                let own = "\(folder)/host/namespace-own"
                #expect(try shell("cat \(own)/links.txt").contains("tun0"))
                #expect(try shell("cat \(own)/routes-v4.txt").contains("10.253.0.0/24"))
                #expect(
                    try shell("cat \(own)/sysctls.txt").contains("net/ipv4/conf/tun0/rp_filter"))
                let hasAgent = FileManager.default.fileExists(atPath: "\(folder)/status/agent.json")
                #expect(hasAgent == arguments.isEmpty)
                if hasAgent {
                    #expect(
                        try shell("cat \(folder)/status/metrics.txt").contains(
                            #"tunnelprobe_flight_recordings_total{tunnel="cf-1",result="written"}"#
                        ))
                }
                if FileManager.default.isExecutableFile(atPath: "/usr/sbin/nft") {
                    let refused = manifest["left_out"].array.first {
                        $0["path"].string?.hasSuffix("nftables.txt") == true
                    }
                    #expect(
                        refused?["reason"].string?.contains("a password in a URL") == true,
                        "\(manifest["left_out"])")
                }
            }
            #expect(try agent.stop().status == 0)
        }
    }

    @Test func `a user without any privilege gets what he may see`() async throws {
        try await blocking {
            let lab = try Lab()
            let configuration = try lab.write("agent.conf", Self.plant(lab))
            try shell("chmod 777 \(lab.directory)")
            let file = "\(lab.directory)/mine.tar.gz"
            let result = try run(
                lab.probe(
                    ["bundle", "--local", "-o", file, "--config", configuration],
                    prefix: Lab.unprivileged()), within: 60)
            #expect(result.status == 0, "\(result)")
            let folder = try Self.unpack(file, lab)
            try Self.expectNoSecret(in: folder)
            let manifest = try Self.expectManifest(folder)
            let absent = manifest["left_out"].array.compactMap { $0["path"].string }
            #expect(absent.contains("status/now.json"))
            #expect(absent.contains("host/namespace-own/xfrm-state.json"))
        }
    }

    @Test func `wrong usage is told`() async throws {
        try await blocking {
            let lab = try Lab()
            let configuration = try lab.write("agent.conf", lab.configuration(Lab.tunnel))
            let unknown = try lab.runProbe("bundle", "--local", "--config", configuration, "none")
            #expect(unknown.status == 64)
            #expect(unknown.errors.contains("there is no tunnel 'none'"), "\(unknown)")
            for wrong in [["--since", "never"], ["--max-size", "1KiB"]] {
                let result = try run(lab.probe(["bundle"] + wrong))
                #expect(result.status == 64, "\(result)")
            }
            let nowhere = try lab.runProbe(
                "bundle", "--local", "--config", configuration, "-o", "/no/such/folder/x.tar.gz",
                within: 60)
            #expect(nowhere.status == 73, "\(nowhere)")
        }
    }
}
