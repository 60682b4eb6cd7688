import Configuration
import Foundation
import KernelState
import Metrics
import NetworkPrimitives
import Testing

@testable import Agent

@Suite struct TunnelKernelTests {
    /// Two VTIs to one provider, each with its SAs and policies by mark, and a stranger's SA.
    private static var snapshot: KernelSnapshot {
        var snapshot = KernelSnapshot()
        var first = LinkState(index: 5, name: "vti1", kind: .vti)
        (first.inKey, first.outKey) = (42, 42)
        (first.local, first.remote) = (ip("203.0.113.10"), ip("198.51.100.1"))
        first.mtu = 1400
        var second = first
        (second.index, second.name, second.inKey, second.outKey) = (6, "vti2", 43, 43)
        snapshot.links = .known([
            LinkState(index: 2, name: "eth0", kind: .other("")), first, second,
        ])
        snapshot.addresses = .known([
            AddressState(
                interfaceIndex: 2, address: ip("203.0.113.10"), prefix: prefix("203.0.113.0/24"))
        ])
        snapshot.associations = .known(
            [42, 43].flatMap { mark in
                [
                    association(0x100 + mark, "203.0.113.10", "198.51.100.1", mark),
                    association(0x200 + mark, "198.51.100.1", "203.0.113.10", mark),
                ]
            } + [association(0x999, "203.0.113.10", "198.51.100.77", 0)])
        snapshot.policies = .known(
            [42, 43].flatMap { mark in
                [SecurityPolicy.Direction.out, .in, .forward].map { policy($0, mark) }
            })
        return snapshot
    }

    private static func prefix(_ text: String) -> IPPrefix {
        guard let prefix = IPPrefix(text) else { preconditionFailure(text) }
        return prefix
    }

    private static func association(
        _ spi: UInt32, _ source: String, _ destination: String, _ mark: UInt32
    ) -> SecurityAssociation {
        var sa = SecurityAssociation(
            spi: SPI(rawValue: spi), source: ip(source), destination: ip(destination))
        (sa.mark, sa.markMask) = (mark, mark == 0 ? 0 : .max)
        sa.cipher = Algorithm(name: "rfc4106(gcm(aes))", keyBits: 256, integrityCheckBits: 128)
        sa.replayWindow = 32
        sa.packets = 7
        sa.statistics.replayWindow = 3
        sa.addedAt = WallTime(nanoseconds: 1_795_348_800_000_000_000)
        sa.hardExpiresAt = WallTime(nanoseconds: 1_795_352_400_000_000_000)
        return sa
    }

    private static func policy(
        _ direction: SecurityPolicy.Direction, _ mark: UInt32
    ) -> SecurityPolicy {
        let (here, there) = (ip("203.0.113.10"), ip("198.51.100.1"))
        var policy = SecurityPolicy(
            direction: direction, source: prefix("0.0.0.0/0"), destination: prefix("0.0.0.0/0"),
            templates: [
                direction == .out
                    ? .init(source: here, destination: there)
                    : .init(source: there, destination: here)
            ])
        (policy.mark, policy.markMask) = (mark, .max)
        return policy
    }

    private static func plan(_ device: String?) -> TunnelPlan {
        var plan = TunnelPlan.made(
            "cf", outside: ip("198.51.100.1"), inside: ip("10.252.0.0"), device: device)
        plan.kind = device == nil ? .policy : .vti
        plan.local = ip("203.0.113.10")
        plan.wanInterface = "eth0"
        plan.configuration.insideSource = ip("10.252.0.1")
        plan.configuration.insideTarget = ip("10.252.0.0")
        return plan
    }

    private func document(_ kernel: TunnelKernel) throws -> JSONDocument {
        let document = try #require(kernel.json).parsed()
        expectReasons(document)
        return document
    }

    @Test func `a configured tunnel gets the SAs and policies of its own device`() throws {
        let kernel = TunnelKernel(
            of: Self.plan("vti2"), in: Self.snapshot, NamespaceReadings())
        let document = try document(kernel)
        let sas = try #require(document["sas"] as? [JSONDocument])
        #expect(Set(sas.compactMap { $0["spi"] as? String }) == ["0x0000012b", "0x0000022b"])
        let policies = try #require(document["policies"] as? [JSONDocument])
        #expect(policies.count == 3)
        #expect(policies.allSatisfy { $0["mark"] as? Int == 43 })
        #expect(document["route_based"] as? Bool == true)
        #expect((document["device"] as? JSONDocument)?["mtu_bytes"] as? Int == 1400)
    }

    @Test func `the keys of the interface page`() throws {
        let document = try document(
            TunnelKernel(of: Self.plan("vti1"), in: Self.snapshot, NamespaceReadings()))
        expectKeys(
            ["available", "route_based", "sas", "policies", "xfrm_errors", "rekeys"],
            in: document)
        let inbound = try #require(
            (document["sas"] as? [JSONDocument])?.first { $0["direction"] as? String == "inbound" })
        expectKeys(
            [
                "spi", "direction", "replay_window", "esn", "encapsulation", "cipher", "key_bits",
                "packets", "bytes", "installed_at", "soft_expires_at", "hard_expires_at", "drops",
            ], in: inbound)
        #expect(inbound["key_bits"] as? Int == 256)
        #expect(inbound["installed_at"] as? String == "2026-11-22T12:00:00.000Z")
        #expect((inbound["drops"] as? JSONDocument)?["replay_window"] as? Int == 3)
        #expect(inbound["soft_expires_at_reason"] != nil)
    }

    @Test func `a VTI covers what its key selects, self-addressed replies included`() throws {
        let kernel = TunnelKernel(of: Self.plan("vti1"), in: Self.snapshot, NamespaceReadings())
        let rows = try #require(kernel.coverage.value)
        #expect(rows.map(\.probe) == [.request, .replySelfAddressed, .replyFromEndpoint])
        #expect(rows.map(\.isCovered) == [true, true, true])
        // Without the device's key no policy matches.
        var snapshot = Self.snapshot
        snapshot.links = .known(
            (snapshot.links.value ?? []).map { link in
                var link = link
                if link.name == "vti1" { link.inKey = 77 }
                return link
            })
        let broken = TunnelKernel(of: Self.plan("vti1"), in: snapshot, NamespaceReadings())
        #expect(broken.coverage.value?.map(\.isCovered) == [false, false, false])
    }

    @Test func `selectors of two networks cover requests and no self-addressed reply`() throws {
        var snapshot = Self.snapshot
        snapshot.links = .known([LinkState(index: 2, name: "eth0", kind: .other(""))])
        snapshot.policies = .known(
            [SecurityPolicy.Direction.out, .in, .forward].map { direction in
                var policy = Self.policy(direction, 0)
                policy.markMask = 0
                let (near, far) = (Self.prefix("10.252.0.1/32"), Self.prefix("10.252.0.0/32"))
                (policy.source, policy.destination) = direction == .out ? (near, far) : (far, near)
                return policy
            })
        let kernel = TunnelKernel(of: Self.plan(nil), in: snapshot, NamespaceReadings())
        #expect(kernel.coverage.value?.map(\.isCovered) == [true, false, false])
        #expect(kernel.isRouteBased.value == false)
        #expect(KernelText(kernel: kernel).summary.contains("do not cover self-addressed"))
        #expect(!KernelText(kernel: kernel).details.isEmpty)
        _ = try document(kernel)
    }

    @Test func `without the privilege SAs are unknown and the rest is there`() throws {
        var snapshot = Self.snapshot
        snapshot.associations = .unknown(reason: "no CAP_NET_ADMIN")
        snapshot.policies = .unknown(reason: "no CAP_NET_ADMIN")
        var readings = NamespaceReadings()
        var errors = NamedCounters()
        errors.set("XfrmOfTomorrow", 4)
        readings.transformErrors = .known(errors)
        let kernel = TunnelKernel(of: Self.plan("vti1"), in: snapshot, readings)
        let document = try document(kernel)
        #expect(document["available"] as? Bool == false)
        #expect(document["sas"] is NSNull)
        #expect(document["sas_reason"] as? String == "no CAP_NET_ADMIN")
        #expect((document["xfrm_errors"] as? JSONDocument)?["XfrmOfTomorrow"] as? Int == 4)
    }

    @Test func `totals of all rekeys, a lower bound told with its reason`() throws {
        var kernel = TunnelKernel(of: Self.plan("vti1"), in: Self.snapshot, NamespaceReadings())
        #expect(try document(kernel)["totals"] is NSNull)
        var totals = TunnelTotals()
        totals.outbound.packets = 9
        totals.inbound.replayWindow = 4
        totals.rekeys = 2
        let fresh = Self.association(0x777, "198.51.100.1", "203.0.113.10", 42)
        kernel.adopt(
            KernelReading(
                associations: .known([.init(direction: .inbound, association: fresh)]),
                eventsReason: nil, totals: totals,
                changes: [
                    AssociationChange(
                        kind: .mappingChanged, spi: SPI(rawValue: 1), direction: .inbound, at: .zero
                    )
                ], readAt: .zero))
        #expect(kernel.newest(.inbound)?.spi == fresh.spi)
        var document = try document(kernel)
        #expect(document["rekeys"] as? Int == 2)
        #expect(document["mapping_changes"] as? Int == 1)
        var outbound = (document["totals"] as? JSONDocument)?["outbound"] as? JSONDocument
        #expect(outbound?["packets"] as? Int == 9)
        #expect(outbound?["lower_bound"] as? Bool == false)
        kernel.reading?.totals.lowerBoundReason = "all SAs were flushed"
        document = try self.document(kernel)
        outbound = (document["totals"] as? JSONDocument)?["outbound"] as? JSONDocument
        #expect(outbound?["lower_bound"] as? Bool == true)
        #expect(outbound?["lower_bound_because"] as? String == "all SAs were flushed")
        #expect(KernelText(kernel: kernel).summary.contains("2 rekeys"))
    }

    @Test func `an observer expects no SA here, and shows one that is there`() {
        var plan = Self.plan(nil)
        plan.configuration.role = .observer
        plan.kind = .unknown
        let bare = TunnelKernel(of: plan, in: KernelSnapshot(), NamespaceReadings())
        #expect(bare.json == nil)
        #expect(bare.reason?.contains("appliance") == true)
        #expect(TunnelKernel(of: plan, in: Self.snapshot, NamespaceReadings()).json != nil)
    }

    @Test func `a tunnel whose name has no address yet says so`() throws {
        var plan = Self.plan(nil)
        plan.remote = nil
        plan.kind = .unknown
        let document = try document(
            TunnelKernel(of: plan, in: Self.snapshot, NamespaceReadings()))
        #expect(document["sas"] is NSNull)
        #expect(document["route_based"] is NSNull)
    }
}
