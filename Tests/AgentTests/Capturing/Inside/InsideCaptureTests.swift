import Foundation
import Logging
import NetworkPrimitives
import Testing

@testable import Agent

/// The inside of a tunnel whose device is a real one: a TUN device, raw IP as XFRM's are.
@Suite struct InsideCaptureTests {
    /// A namespace with a TUN device `cf0`, which has 10.99.0.1/30, and `wan0`.
    ///
    /// Whoever is behind the device sends an Echo Request and a SYN ten times a second; this side connects to it as often.
    private final class Host: Sendable {
        let namespace = "inside-\(getpid())-\(UInt32.random(in: .min ... .max))"

        init() {
            run("ip netns add \(namespace) && ip -n \(namespace) link set lo up")
            run("ip -n \(namespace) link add wan0 type veth peer name far0")
            run("ip -n \(namespace) link set far0 up && ip -n \(namespace) link set wan0 up")
        }

        deinit { run("ip netns del \(namespace)") }

        /// Has the device be there for so many seconds.
        func plug(seconds: Int) -> Process {
            let script = """
                import fcntl, os, socket, struct, subprocess, time
                tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
                fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH", b"cf0", 0x1001))
                subprocess.run("ip addr add 10.99.0.1/30 dev cf0; ip link set cf0 up", shell=True)
                def words(octets): return sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
                def sum16(octets):
                    total = words(octets)
                    while total >> 16: total = (total & 0xffff) + (total >> 16)
                    return ~total & 0xffff
                def packet(number, payload):
                    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, number,
                        0, bytes([10, 99, 0, 2]), bytes([10, 99, 0, 1]))
                    return head[:10] + struct.pack("!H", sum16(head)) + head[12:] + payload
                end = time.monotonic() + \(seconds)
                turn = 0
                while time.monotonic() < end:
                    turn += 1
                    echo = struct.pack("!BBHHH", 8, 0, 0, 4000 + turn, 0) + b"inside"
                    echo = echo[:2] + struct.pack("!H", sum16(echo)) + echo[4:]
                    os.write(tun, packet(1, echo))
                    syn = struct.pack("!HHIIBBHHHBBH", 40000, 443, 1, 0, 0x60, 2, 1000, 0, 0, 2, 4, 1360)
                    os.write(tun, packet(6, syn))
                    client = socket.socket()
                    client.setblocking(False)
                    client.connect_ex(("10.99.0.2", 80))
                    time.sleep(0.1)
                    client.close()
                """
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["ip", "netns", "exec", namespace, "python3", "-c", script]
            do { try process.run() } catch { Issue.record("python3 does not run: \(error)") }
            return process
        }

        private func run(_ script: String) {
            let (status, output) = runTool(["sh", "-c", script])
            if status != 0 { Issue.record("`\(script)`: \(output)") }
        }
    }

    private static func plan(_ host: Host) -> TunnelPlan {
        var plan = TunnelPlan.inside(device: "cf0")
        plan.configuration.netns = host.namespace
        return plan
    }

    /// The tunnel's report as soon as it is as wanted, or the last one after 30 s.
    private static func report(
        of service: CaptureService, _ isWanted: (InsideReport) -> Bool
    ) async throws -> InsideReport {
        for _ in 0..<300 {
            let report = await service.report()["cf-1"].inside
            if isWanted(report) { return report }
            try await Task.sleep(for: .milliseconds(100))
        }
        return await service.report()["cf-1"].inside
    }

    @Test(.timeLimit(.minutes(3)))
    func `a device that comes, goes and comes again is captured on whenever it is there`()
        async throws
    {
        let host = Host()
        let service = CaptureService(logger: .init(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let guest = service.observe([Self.plan(host)])
        let waiting = try await Self.report(of: service) {
            $0.wanReason == nil && $0.deviceReason?.contains("cf0") == true
        }
        #expect(waiting.wanReason == nil)
        #expect(waiting.deviceReason?.contains("cf0") == true)
        #expect(waiting.sizes.inbound.seen == 0)

        var process = host.plug(seconds: 40)
        let first = try await Self.report(of: service) {
            $0.sizes.inbound.seen > 2 && $0.sizes.outbound.seen > 2 && $0.checks.perSecond != nil
        }
        #expect(first.deviceReason == nil)
        // By the options of the kernel's own SYN, and of ours.
        #expect(first.sizes.outbound.largest == 1460)
        #expect(first.sizes.outbound.overLimit == first.sizes.outbound.seen)
        #expect(first.sizes.inbound.largest == 1360 && first.sizes.inbound.overLimit == 0)
        #expect(first.sizes.outbound.example?.destination == ip("10.99.0.2"))
        #expect(first.sizes.outbound.example?.segment.destinationPort == 80)
        #expect(first.sizes.outbound.malformed == 0 && first.sizes.outbound.truncated == 0)

        process.terminate()
        process.waitUntilExit()
        let gone = try await Self.report(of: service) { $0.deviceReason != nil }
        #expect(gone.deviceReason?.contains("cf0") == true)
        let before = gone.sizes.outbound.seen

        process = host.plug(seconds: 40)
        let again = try await Self.report(of: service) { $0.sizes.outbound.seen > before }
        #expect(again.deviceReason == nil && again.sizes.outbound.seen > before)
        process.terminate()
        process.waitUntilExit()
        service.forget(guest)
        #expect(await service.report().tunnels.isEmpty)
    }
}
