import Foundation
import KernelState
import NetworkPrimitives
import Testing

@testable import Netlink

@Suite struct NetlinkSocketTests {
    private static let route: Int32 = 0
    private static let getLink: Int32 = 18
    private static let newLink = 16

    /// `struct ifinfomsg` with an index.
    private static func linkHeader(index: UInt32) -> [UInt8] {
        var header: [UInt8] = [0, 0, 0, 0]
        header.append(host: index)
        return header + Array(repeating: 0, count: 8)
    }

    @Test func `a buffer grows to fit the answer`() throws {
        let namespace = try NamespaceFixture()
        try namespace.ip("link add long type veth peer name other")
        // 60 alternative names of 120 octets: one message of over 7 KiB, and a page holds 4.
        for number in 0..<60 {
            let name = "\(number)" + String(repeating: "x", count: 118)
            try namespace.ip("link property add dev long altname \(name)")
        }
        let descriptor = try insideNamespace(namespace.name) { () throws(NetlinkError) in
            try NetlinkSocket.openDescriptor(protocol: Self.route, object: "test")
        }
        var socket = try NetlinkSocket(
            descriptor: descriptor, protocol: Self.route, object: "test", bufferByteCount: 4096)
        let before = socket.buffer.byteCount
        #expect(before == 4096)
        let index = try #require(
            try namespace.json("link show long").first?["ifindex"] as? Int)
        let request = NetlinkRequest(
            type: Self.getLink, header: Self.linkHeader(index: UInt32(index)),
            operation: "read a device")
        let name = try socket.answer(request, answerType: Self.newLink) {
            (payload) throws(KernelMessageError) in try LinkState(parsing: payload).name
        }
        #expect(name == "long")
        let (after, isZero) = (socket.buffer.byteCount, socket.buffer.isZero)
        #expect(after > 7000)
        #expect(isZero)
        let malformed = socket.counters.malformedMessages
        #expect(malformed == 0)
    }

    @Test func `a refusal has the kernel's errno and leaves the socket usable`() throws {
        let descriptor = try NetlinkSocket.openDescriptor(protocol: Self.route, object: "test")
        var socket = try NetlinkSocket(
            descriptor: descriptor, protocol: Self.route, object: "test")
        let absent = NetlinkRequest(
            type: Self.getLink, header: Self.linkHeader(index: 0x7fff_0001),
            operation: "read a device")
        let failure: NetlinkError?
        do throws(NetlinkError) {
            _ = try socket.answer(absent, answerType: Self.newLink) { _ in 0 }
            failure = nil
        } catch {
            failure = error
        }
        #expect(failure?.errno == ENODEV)
        #expect(failure?.operation == "read a device")
        #expect(failure?.object == "test")
        let all = NetlinkRequest(
            type: Self.getLink, header: Array(repeating: 0, count: 16), operation: "list links")
        let count = try socket.dump(all, answerType: Self.newLink) {
            (_, elements: inout [Int]) in elements.append(0)
        }.count
        #expect(count > 0)
    }

    @Test func `a part of netlink that is not there is not supported`() {
        let error = #expect(throws: NetlinkError.self) {
            // No kernel has protocol 31 (MAX_LINKS is 32, the last ones are unused).
            _ = try NetlinkSocket.openDescriptor(protocol: 31, object: "this network namespace")
        }
        #expect(error?.code == .notSupported)
        let withoutXFRM = NetlinkError(
            errno: EPROTONOSUPPORT, operation: NetlinkSocket.opening(6),
            object: "this network namespace")
        #expect(
            withoutXFRM.description
                == "cannot open an XFRM socket in this network namespace: Protocol not supported; "
                + "this kernel may lack the module: `modprobe xfrm_user`")
    }

    @Test func `descriptors are closed`() throws {
        func open() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        }
        let namespace = try NamespaceFixture()
        var before = 0
        for round in 0..<20 {
            _ = try KernelReader(namespace: namespace.name)
            // The first round may load what stays open.
            if round == 0 { before = try open() }
        }
        // Tests run side by side and hold a few; a leak would be 40.
        #expect(try open() < before + 30)
    }
}

@Suite struct PrivilegeTests {
    @Test func `without privilege links are known and SAs say what is missing`() async {
        await #expect(processExitsWith: .success) {
            // Of user nobody, without any capability.
            precondition(setgid(65534) == 0 && setuid(65534) == 0, "this test needs root")
            let reader = try KernelReader(namespace: nil)
            let snapshot = reader.snapshot()
            precondition(snapshot.links.value?.contains { $0.name == "lo" } == true)
            precondition(snapshot.addresses.value != nil && snapshot.routes.value != nil)
            for reason in [snapshot.associations.reason, snapshot.policies.reason] {
                precondition(reason?.contains("CAP_NET_ADMIN") == true, "\(snapshot)")
            }
            precondition(TunnelDiscovery.tunnels(in: snapshot).isEmpty)
        }
    }

    @Test func `a namespace that may not be entered says so`() async throws {
        let namespace = try NamespaceFixture()
        let name = namespace.name
        await #expect(processExitsWith: .success) { [name = name as String] in
            precondition(setgid(65534) == 0 && setuid(65534) == 0, "this test needs root")
            do throws(NetlinkError) {
                _ = try KernelReader(namespace: name)
                preconditionFailure("entered")
            } catch {
                precondition(error.code == .permissionDenied, "\(error)")
                precondition(error.description.contains("CAP_SYS_ADMIN"), "\(error)")
                precondition(error.description.contains(name), "\(error)")
            }
        }
    }
}
