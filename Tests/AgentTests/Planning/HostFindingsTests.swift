@testable import Agent
import Configuration
import Diagnosis
import HostFacts
import KernelState
import Testing

/// What is missing on a host, and the remedy that fits it.
@Suite struct HostFindingsTests {
    private static let netRaw: UInt64 = 1 << 13
    private static let netAdmin: UInt64 = 1 << 12
    private static let sysAdmin: UInt64 = 1 << 21
    private static let all = netRaw | netAdmin | sysAdmin

    /// A host with one thing wrong, and the first words of each remedy.
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var namespace: String?
        var refusal: String?
        var associations: Reading<[SecurityAssociation]> = .known([])
        var capabilities: UInt64?
        var isRoot = false
        var remedies: [String]
    }

    private static let blind: Reading<[SecurityAssociation]> = .unknown(
        reason: "operation not permitted")

    @Test(arguments: [
        Case(
            testDescription: "SAs unreadable for lack of CAP_NET_ADMIN", associations: blind,
            capabilities: netRaw,
            remedies: [
                "sudo probe now", "sudo setcap cap_net_admin+ep /usr/bin/probe",
                "sudo usermod -aG tunnel-probe $USER",
            ]),
        Case(
            testDescription: "SAs unreadable for a root stripped of CAP_NET_ADMIN",
            associations: blind, capabilities: netRaw, isRoot: true,
            remedies: ["docker run --cap-add NET_ADMIN"]),
        Case(
            testDescription: "SAs unreadable though nothing is lacking", associations: blind,
            capabilities: all, remedies: []),
        Case(
            testDescription: "SAs unreadable, privileges unknown", associations: blind,
            capabilities: nil, remedies: []),
        Case(
            testDescription: "no CAP_NET_RAW", refusal: "CAP_NET_RAW is missing",
            capabilities: netAdmin,
            remedies: [
                "sudo probe now", "sudo setcap cap_net_raw+ep", "sudo usermod -aG tunnel-probe",
            ]),
        Case(
            testDescription: "a namespace that does not exist", namespace: "absent",
            refusal: "no such network namespace", capabilities: netRaw | netAdmin,
            remedies: ["ip netns list  # shows those there are"]),
        Case(
            testDescription: "a namespace that does not exist, with every privilege",
            namespace: "absent", refusal: "no such network namespace", capabilities: all,
            remedies: ["ip netns list  # shows those there are"]),
        Case(
            testDescription: "a namespace that may not be entered", namespace: "blue",
            refusal: "operation not permitted", capabilities: netRaw | netAdmin,
            remedies: ["systemctl enable --now tunnel-probe@blue"]),
        Case(
            testDescription: "a namespace that may be entered, but no CAP_NET_RAW",
            namespace: "blue", refusal: "CAP_NET_RAW is missing",
            capabilities: netAdmin | sysAdmin, isRoot: true,
            remedies: ["docker run --cap-add NET_RAW"]),
        Case(
            testDescription: "a namespace that gave an error of its own", namespace: "blue",
            refusal: "the kernel did not answer", capabilities: all, remedies: []),
    ])
    func `the remedy fits what is wrong`(example: Case) throws {
        let facts = NamespaceFacts(
            snapshot: KernelSnapshot(
                links: .known([]), addresses: .known([]), routes: .known([]),
                associations: example.associations, policies: .known([])),
            refusal: example.refusal)
        let findings = HostFindings.findings(
            facts: [example.namespace: facts], plans: [], notices: [],
            process: HostFindings.Privileges(
                capabilities: example.capabilities.map {
                    Capabilities(effective: $0, permitted: $0)
                },
                isRoot: example.isRoot, namespaceExists: { $0 == "blue" }))
        let finding = try #require(findings.first)
        #expect(finding.id == .agentDegraded)
        #expect(finding.evidence.count == 1)
        #expect(finding.remedy.count == example.remedies.count, "\(finding.remedy)")
        for (remedy, start) in zip(finding.remedy, example.remedies) {
            #expect(remedy.hasPrefix(start))
        }
    }

    @Test func `two namespaces with one remedy show it once`() {
        let facts = NamespaceFacts(
            snapshot: KernelSnapshot(), refusal: "no such network namespace")
        let findings = HostFindings.findings(
            facts: ["red": facts, "green": facts], plans: [], notices: [],
            process: HostFindings.Privileges(
                capabilities: Capabilities(effective: Self.all, permitted: Self.all),
                isRoot: true, namespaceExists: { _ in false }))
        #expect(findings.first?.evidence.count == 2)
        #expect(findings.first?.remedy == ["ip netns list  # shows those there are"])
    }
}
