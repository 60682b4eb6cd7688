import Glibc
import Testing

@testable import HostFacts

@Suite struct CapabilitiesTests {
    private func status(effective: String, permitted: String) -> String {
        "Name:\tprobe\nCapInh:\t0000000000000000\nCapPrm:\t\(permitted)\nCapEff:\t\(effective)\n"
            + "CapBnd:\t000001ffffffffff\n"
    }

    @Test func `reads the sets of a process`() throws {
        let sets = try Capabilities(
            status: status(effective: "0000000000002000", permitted: "0000000000203000"), path: "x")
        #expect(sets == Capabilities(effective: 0x2000, permitted: 0x20_3000))
        #expect(sets.has(.netRaw))
        #expect(!sets.has(.netAdmin))
        #expect(!sets.has(.sysAdmin))
    }

    @Test func `knows each capability by its bit`() {
        // include/uapi/linux/capability.h: 12, 13 and 21.
        #expect(Capabilities(effective: 1 << 12, permitted: 0).has(.netAdmin))
        #expect(Capabilities(effective: 1 << 13, permitted: 0).has(.netRaw))
        #expect(Capabilities(effective: 1 << 21, permitted: 0).has(.sysAdmin))
        #expect(!Capabilities(effective: 0, permitted: .max).has(.netRaw))
    }

    @Test(arguments: [
        "", "CapEff:\t0000000000002000\n", "CapEff:\nCapPrm:\t0\n", "CapEff:\tzz\nCapPrm:\t0\n",
        "CapEff:\t10000000000000000\nCapPrm:\t0\n", "XCapEff:\t0\nCapPrm:\t0\n",
    ])
    func `a status without the sets is an error, not an empty set`(status: String) {
        #expect(throws: FileError.self) { try Capabilities(status: status, path: "x") }
    }

    @Test func `the kernel's own answer follows a change of user`() async {
        // In a process of its own, since there is no way back.
        await #expect(processExitsWith: .success) {
            let before = try Capabilities.current()
            #expect(before.effective & ~before.permitted == 0)
            guard geteuid() == 0 else { return }
            #expect(before.effective != 0)
            try #require(setuid(65_534) == 0)
            #expect(try Capabilities.current() == Capabilities(effective: 0, permitted: 0))
        }
    }
}

@Suite struct MissingPrivilegeTests {
    private let none = Capabilities(effective: 0, permitted: 0)

    @Test func `says what is missing and what to type`() throws {
        let missing = try #require(
            MissingPrivilege(
                of: [.netRaw, .netAdmin], in: none, command: "probe now cf-1",
                executable: "/usr/bin/probe", isRoot: false))
        #expect(
            missing.description == """
                CAP_NET_RAW and CAP_NET_ADMIN are missing; one of these helps:
                  sudo probe now cf-1
                  sudo setcap cap_net_raw,cap_net_admin+ep /usr/bin/probe
                  sudo usermod -aG tunnel-probe $USER  # then log in again, to use the running agent
                """)
    }

    @Test func `asks only for what is missing`() throws {
        let missing = try #require(
            MissingPrivilege(
                of: [.netRaw, .netAdmin], in: Capabilities(effective: 1 << 12, permitted: 1 << 12),
                command: "probe now", executable: "/opt/probe", isRoot: false))
        #expect(missing.capabilities == [.netRaw])
        #expect(missing.description.hasPrefix("CAP_NET_RAW is missing; one of these helps:\n"))
        #expect(missing.remedies[1] == "sudo setcap cap_net_raw+ep /opt/probe")
    }

    @Test func `another namespace takes an agent inside it, not a file capability`() throws {
        let missing = try #require(
            MissingPrivilege(of: [.sysAdmin], in: none, command: "probe now", isRoot: false))
        #expect(
            missing.remedies.contains { $0.hasPrefix("sudo systemctl start tunnel-probe@NETNS") })
        #expect(!missing.remedies.contains { $0.contains("setcap") })
    }

    @Test func `does not tell root to use sudo`() throws {
        let missing = try #require(
            MissingPrivilege(
                of: [.netRaw, .netAdmin], in: none, command: "probe now", isRoot: true))
        #expect(missing.remedies.count == 1)
        #expect(
            missing.remedies[0].hasPrefix("docker run --cap-add NET_RAW --cap-add NET_ADMIN …"))
    }

    @Test func `nothing is missing when all is there`() {
        let all = Capabilities(effective: .max, permitted: .max)
        #expect(MissingPrivilege(of: Capability.allCases, in: all, command: "x") == nil)
        #expect(MissingPrivilege(of: [], in: none, command: "x") == nil)
    }
}
