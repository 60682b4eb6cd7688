import CaptureFormats
import Glibc
import NetworkPrimitives
import PacketCapture
import RawSockets
import Testing

/// Capturing on the ends of a virtual cable.
@Suite struct LiveCaptureTests {
    @Test func `hands on what comes and what goes, octet for octet`() throws {
        let cable = VirtualCable()
        let capture = try cable.open()
        expect(capture.linkType, is: LinkType(rawValue: 1))
        expect(capture.precision, is: .endpoints)
        let inbound = (1...5).map { espFrame($0) }
        let outbound = (101...103).map { espFrame($0, inbound: false) }
        cable.sendIn(inbound)
        cable.sendOut(outbound)
        let packets = try read(capture, 8)
        #expect(packets.map(\.octets) == inbound + outbound)
        #expect(packets.allSatisfy { $0.wireLength == $0.octets.count })
        let counted = capture.statistics
        let statistics = try #require(counted)
        #expect(statistics.received == 8)
        #expect(statistics.dropped == 0)
    }

    @Test func `one direction is told from the other by the kernel, from the first packet on`()
        throws
    {
        let cable = VirtualCable()
        func echo(_ number: UInt8) -> [UInt8] {
            ethernet(
                0x0800,
                packet(
                    from: "10.1.0.1", to: "10.1.0.2", protocolNumber: 1,
                    [8, 0, 0, 0, 0, 1, 0, number]))
        }
        let inbound = try cable.open(CaptureFilter(everybodys: [.echo], .inbound))
        let outbound = try cable.open(CaptureFilter(everybodys: [.echo], .outbound))
        expect(inbound.precision, is: .endpoints)
        cable.sendIn([echo(1), espFrame(1), echo(2)])
        cable.sendOut([echo(3), espFrame(1)])
        #expect(try read(inbound, 3, within: .seconds(2)).map(\.octets) == [echo(1), echo(2)])
        #expect(try read(outbound, 2, within: .seconds(2)).map(\.octets) == [echo(3)])
    }

    @Test func `stamps are the kernel's, in nanoseconds, and in order`() throws {
        let cable = VirtualCable()
        let capture = try cable.open()
        let before = WallClock.now()
        cable.sendIn((1...50).map { espFrame($0) })
        let packets = try read(capture, 50)
        try #require(packets.count == 50)
        #expect(packets[0].stamp > before)
        #expect(packets.allSatisfy { $0.stamp < $0.handedOn })
        #expect(zip(packets, packets.dropFirst()).allSatisfy { $0.stamp <= $1.stamp })
        #expect(packets.contains { $0.stamp.nanoseconds % 1000 != 0 })
    }

    @Test func `cuts long packets and says how long they were`() throws {
        let cable = VirtualCable()
        let short = try cable.open()
        let long = try cable.open(settings: .init(snapshotLength: 2048))
        let frame = espFrame(1, length: 1400)
        cable.sendIn([frame])
        let cut = try one(of: short)
        #expect(cut.octets == Array(frame.prefix(128)))
        #expect(cut.wireLength == frame.count)
        let whole = try one(of: long)
        #expect(whole.octets == frame)
    }

    @Test func `a single packet on a quiet link is handed on within 100 ms`() throws {
        let cable = VirtualCable()
        let capture = try cable.open()
        var delays: [Duration] = []
        for number in 1...10 {
            cable.sendIn([espFrame(UInt32(number))], isAwaited: false)
            let packet = try one(of: capture)
            delays.append(
                .nanoseconds(packet.handedOn.nanoseconds - packet.stamp.nanoseconds))
        }
        // A busy machine adds its own delay to most of them; the kernel's, were it longer, would be
        // in all of them.
        let least = try #require(delays.min())
        #expect(least < .milliseconds(100), "\(delays)")
    }

    @Test func `the filter is the kernel's, and can be changed`() throws {
        let cable = VirtualCable()
        var capture = try cable.open()
        let stranger = ethernet(
            0x0800,
            packet(from: "192.0.2.1", to: "203.0.113.10", protocolNumber: 50, esp(1)))
        cable.sendIn([stranger, espFrame(1), stranger])
        // Longer than any machine holds back the one that is wanted; another does not come.
        expect(try read(capture, 2, within: .seconds(1)).map(\.octets), is: [espFrame(1)])
        expect(capture.statistics?.received, is: 1)
        try capture.setFilter(CaptureFilter(endpoints: [.v4(0xc000_0201)]))
        cable.sendIn([stranger, espFrame(2), stranger])
        expect(
            try read(capture, 3, within: .seconds(1)).map(\.octets),
            is: [stranger, stranger])
    }

    @Test func `a thousand endpoints are either in the kernel's filter or left out of it`() throws {
        let cable = VirtualCable()
        let hundreds = (0..<300).map { IPAddress.v4(0xc612_0000 + UInt32($0) * 7) }
        var filter = CaptureFilter(endpoints: Set(hundreds + [CaptureFilter.provider]))
        var capture = try cable.open(filter)
        expect(capture.precision, is: .endpoints)
        cable.sendIn([espFrame(1)])
        expect(try read(capture, 1).count, is: 1)
        // More than 4 096 instructions: then everybody's ESP comes, and this process sorts.
        for count in [1300, 3000] {
            let many = (0..<count).map { IPAddress.v4(UInt32($0) &* 0x9e37_79b9) }
            filter.endpoints = Set(many)
            try capture.setFilter(filter)
            expect(capture.precision, is: .anyone)
        }
        cable.sendIn([espFrame(2)])
        expect(try read(capture, 1).count, is: 1)
    }

    @Test func `VLAN tags are there again, also the one that the kernel took off`() throws {
        let cable = VirtualCable()
        var filter = CaptureFilter.anything
        filter.looksBehindTags = true
        let capture = try cable.open(filter, settings: .init(isPromiscuous: true))
        let bare = packet(
            from: "198.51.100.1", to: "203.0.113.10", protocolNumber: 50, esp(1))
        let session: [UInt8] = [0x11, 0, 0, 1, 0, UInt8(2 + bare.count), 0, 0x21]
        let frames = [
            ethernet(0x8100, tag(100, 0x0800, bare)),
            ethernet(0x88a8, tag(7, 0x8100, tag(100, 0x0800, bare))),
            ethernet(0x8864, session + bare),
            ethernet(0x0800, bare),
        ]
        cable.sendIn(frames)
        let packets = try read(capture, 4)
        #expect(packets.map(\.octets) == frames.map { Array($0.prefix(128)) })
        #expect(packets.map(\.wireLength) == frames.map(\.count))
    }

    @Test func `counts what it loses when nobody reads`() throws {
        let cable = VirtualCable()
        let capture = try cable.open(settings: .init(bufferSize: 64 << 10))
        cable.sendIn([espFrame(1)], times: 20_000)
        var read = 0
        while try capture.dispatch(limit: 1000, { _, _, _ in read += 1 }) > 0 {}
        // The last block is handed over by the kernel's timer.
        usleep(200_000)
        while try capture.dispatch(limit: 1000, { _, _, _ in read += 1 }) > 0 {}
        let counted = capture.statistics
        let statistics = try #require(counted)
        #expect(statistics.received == 20_000)
        #expect(statistics.dropped > 0)
        #expect(read + Int(statistics.dropped) == 20_000, "\(read) read, \(statistics)")
    }

    @Test func `goes on when the device was down and is up again`() throws {
        let cable = VirtualCable()
        let capture = try cable.open()
        expect(capture.condition, is: .up)
        command("ip -n \(cable.near) link set wan down")
        expect(capture.condition, is: .down)
        expect(try read(capture, 1, within: .milliseconds(100)).count, is: 0)
        command("ip -n \(cable.near) link set wan up")
        expect(capture.condition, is: .up)
        usleep(50_000)
        cable.sendIn([espFrame(1)])
        expect(try read(capture, 1).count, is: 1)
        command("ip -n \(cable.near) link set wan down")
        let error = #expect(throws: CaptureError.self) { _ = try cable.open() }
        #expect(error?.code == .deviceDown)
        #expect(error?.isPassing == true)
    }

    @Test func `a deleted device ends the capture, a new one of its name takes another`() throws {
        let cable = VirtualCable()
        let capture = try cable.open()
        command("ip -n \(cable.near) link del wan")
        expect(capture.condition, is: .gone)
        let missing = #expect(throws: CaptureError.self) { _ = try cable.open() }
        #expect(missing?.code == .noSuchDevice)
        #expect(missing?.isPassing == true)
        cable.plug()
        expect(capture.condition, is: .gone)
        let error = failure { () throws in _ = try read(capture, 1) }
        #expect(error?.code == .deviceGone)
        let other = try cable.open()
        cable.sendIn([espFrame(1)])
        expect(try read(other, 1).count, is: 1)
    }

    @Test func `a renamed device is told, with its name`() throws {
        let cable = VirtualCable()
        let capture = try cable.open()
        command(
            """
            ip -n \(cable.near) link set wan down
            ip -n \(cable.near) link set wan name uplink
            ip -n \(cable.near) link set uplink up
            """)
        expect(capture.condition, is: .renamed("uplink"))
    }

    @Test func `says what is missing`() throws {
        let cable = VirtualCable()
        func failure(_ device: String, _ namespace: String?) -> CaptureError? {
            #expect(throws: CaptureError.self) {
                _ = try LiveCapture(device, in: namespace, filter: .anything)
            }
        }
        let missing = failure("none0", cable.near)
        #expect(missing?.code == .noSuchDevice)
        #expect(missing?.description.contains("none0 in namespace \(cable.near)") == true)
        #expect(failure("wan", "none-\(getpid())")?.code == .noSuchNamespace)
        // Linux cuts device names to 15 octets; that must not lead to another device.
        #expect(failure("lo-and-more-than-fits", nil)?.isPassing != nil)
        let denied = try withoutCapabilities { () -> CaptureError? in
            do throws(CaptureError) {
                _ = try LiveCapture("lo", filter: .anything)
                return nil
            } catch {
                return error
            }
        }
        #expect(denied?.code == .notPermitted(capability: "CAP_NET_RAW"))
        #expect(denied?.isPassing == false)
        #expect(denied?.description.contains("CAP_NET_RAW") == true)
    }

    /// The next packet.
    private func one(of capture: borrowing LiveCapture) throws -> Captured {
        let packets = try read(capture, 1)
        return try #require(packets.first)
    }

    /// Compares; the testing library's own macros cannot look into what is not copied.
    private func expect<Value: Equatable>(
        _ value: Value, is expected: Value, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(value == expected, sourceLocation: sourceLocation)
    }

    /// What `body` fails with.
    private func failure(_ body: () throws -> Void) -> CaptureError? {
        do { try body() } catch { return error as? CaptureError }
        return nil
    }

    /// The result of `body` on a thread that gave up every capability.
    private func withoutCapabilities<Value: Sendable>(
        _ body: @escaping @Sendable () -> Value
    ) throws -> Value {
        let box = Written<Value>()
        try PinnedThread.start(name: "unprivileged") {
            // The C library exports capset(2) and declares it nowhere.
            typealias Capset = @convention(c) (UnsafePointer<UInt32>, UnsafePointer<UInt32>) -> CInt
            guard let symbol = dlsym(nil, "capset") else { preconditionFailure("no capset") }
            let capset = unsafeBitCast(symbol, to: Capset.self)
            // _LINUX_CAPABILITY_VERSION_3 and this thread.
            precondition(capset([0x2008_0522, 0], [0, 0, 0, 0, 0, 0]) == 0)
            box.value = body()
        }.join()
        return try #require(box.value)
    }
}

/// Written by one thread, read after it was joined.
private final class Written<Value>: @unchecked Sendable {
    var value: Value?
}
