import KernelState
import NetworkPrimitives
import Testing

@testable import Netlink

/// Events of a real kernel.
@Suite struct KernelEventSocketTests {
    @Test func `a device that comes and goes is told`() throws {
        let namespace = try NamespaceFixture()
        let socket = try KernelEventSocket(namespace: namespace.name)
        #expect(socket.descriptors.count + socket.reasons.count == 2)
        try namespace.ip("link add probe0 type veth peer name other0")
        try namespace.ip("link set probe0 up mtu 1400")
        try namespace.ip("address add 192.0.2.1/24 dev probe0")
        try namespace.ip("link del probe0")
        var events: [KernelEvent] = []
        socket.drain { events.append($0) }
        let changed = events.compactMap { event -> LinkState? in
            if case .linkChanged(let link) = event { link } else { nil }
        }
        #expect(changed.contains { $0.name == "probe0" && $0.mtu == 1400 && $0.isUp })
        #expect(events.contains(.routingChanged))
        #expect(
            events.contains { if case .linkRemoved(_, "probe0") = $0 { true } else { false } })
        #expect(socket.counts == KernelEventSocket.Counts())
    }

    @Test func `events of another namespace are not heard`() throws {
        let namespace = try NamespaceFixture()
        let other = try NamespaceFixture()
        let socket = try KernelEventSocket(namespace: namespace.name)
        try other.ip("link add probe0 type veth peer name other0")
        var count = 0
        socket.drain { _ in count += 1 }
        #expect(count == 0)
    }

    @Test func `too many events for the socket are an overrun, and the next ones are heard`() throws
    {
        let namespace = try NamespaceFixture()
        let socket = try KernelEventSocket(namespace: namespace.name, socketByteCount: 4096)
        for number in 0..<40 {
            try namespace.ip("link add probe\(number) type veth peer name other\(number)")
        }
        var overruns = 0
        socket.drain { if case .overrun = $0 { overruns += 1 } }
        #expect(overruns >= 1)
        #expect(socket.counts.overruns == UInt64(overruns))
        try namespace.ip("link add last type veth peer name other")
        var isHeard = false
        socket.drain {
            if case .linkChanged(let link) = $0, link.name == "last" { isHeard = true }
        }
        #expect(isHeard)
    }
}

/// Events about SAs, where the kernel has ESP.
@Suite(.enabled(if: hasESP, "this kernel has no ESP; the lab's kernel has"))
struct AssociationEventTests {
    private static let selectors = "src 192.0.2.1 dst 192.0.2.2 proto esp spi"

    @Test func `an SA's life is told, its last counters too`() throws {
        let namespace = try NamespaceFixture()
        let socket = try KernelEventSocket(namespace: namespace.name)
        let key = MaskedKey()
        try namespace.ip(
            """
            xfrm state add \(Self.selectors) 0xc0de0001 reqid 5 mode tunnel mark 42 mask 0xff \
            aead rfc4106(gcm(aes)) 0x\(key.hexadecimal)aabbccdd 128
            """)
        try namespace.ip("xfrm state delete \(Self.selectors) 0xc0de0001 mark 42 mask 0xff")
        try namespace.ip(
            """
            xfrm state add \(Self.selectors) 0xc0de0002 mode tunnel limit time-hard 1 \
            aead rfc4106(gcm(aes)) 0x\(key.hexadecimal)aabbccdd 128
            """)
        try namespace.ip("xfrm state flush")
        try namespace.ip(
            """
            xfrm policy add src 0.0.0.0/0 dst 10.0.0.0/8 dir out \
            tmpl src 192.0.2.1 dst 192.0.2.2 proto esp mode tunnel
            """)
        var events: [KernelEvent] = []
        socket.drain { events.append($0) }
        guard case .associationAdded(let added) = events.first else {
            Issue.record("\(events)")
            return
        }
        #expect(added.spi.rawValue == 0xc0de_0001)
        #expect(added.cipher?.name == "rfc4106(gcm(aes))")
        guard events.count == 5, case .associationDeleted(let gone, let last) = events[1] else {
            Issue.record("\(events)")
            return
        }
        #expect(gone == added.key)
        #expect(last?.requestID == 5)
        #expect(last?.cipher == added.cipher)
        #expect(events[3] == .associationsFlushed(nil))
        if case .policyChanged(let policy) = events[4] {
            #expect(policy.direction == .out)
        } else {
            Issue.record("\(events[4])")
        }
        #expect(socket.counts == KernelEventSocket.Counts())
        let occurrences = try withExtendedLifetime(socket) { try key.occurrencesInThisProcess() }
        #expect(occurrences == 0)
    }
}
