import Glibc
import NetworkPrimitives
import RawSockets
import Testing

@Suite struct ProbeRateTests {
    /// Twenty seconds of a thousand targets at one probe a second, as fast as it goes: every message
    /// is stamped, every answer arrives, and a core would carry at least ten times the rate.
    @Test(arguments: bothFamilies)
    func `20 000 probes through one socket lose nothing and cost little`(
        family: IPAddress.Family
    ) throws {
        let namespace = TestNamespace()
        let socket = try EchoSocket(EchoSocketOptions(family: family, namespace: namespace.name))
        var correlation = ClockCorrelation()
        var tickets: Set<UInt32> = []
        var unstamped = 0
        var answers = 0
        var worst = Duration.zero
        var lastTransmit = MonotonicInstant.zero
        let messages = (UInt16(0)..<1000).map { echo(family, sequence: $0) }
        func drain() {
            socket.drain(correlation: &correlation) { event, octets in
                switch event {
                case .transmitted(let ticket, let at):
                    tickets.insert(ticket)
                    if let at { lastTransmit = max(at, lastTransmit) } else { unstamped += 1 }
                case .received(let received):
                    answers += 1
                    if !received.stampedByKernel { unstamped += 1 }
                    worst = max(worst, lastTransmit.duration(to: received.at))
                case .queuedError(let error): Issue.record("\(error)")
                }
            }
        }
        // The kernel turns receive stamps on with a delay; one probe starts that.
        #expect(socket.send(messages[0], to: loopback(family)).sent != nil)
        usleep(50_000)
        drain()
        unstamped = 0
        let cpuBefore = threadCPU()
        let start = MonotonicClock.now()
        for probe in 1...20_000 {
            let target: IPAddress =
                family == .v4 ? .v4(0x7f00_0001 + UInt32(probe % 1000)) : loopback(family)
            if socket.send(messages[probe % 1000], to: target).sent == nil {
                Issue.record("send \(probe)")
            }
            if probe % 10 == 0 { drain() }
        }
        drain()
        let wall = MonotonicClock.now() - start
        let cpu = threadCPU() - cpuBefore
        #expect(tickets.count == 20_001)
        #expect(answers == 20_001)
        #expect(unstamped == 0)
        #expect(socket.receiveDrops == 0)
        #expect(cpu < .microseconds(100) * 20_000)
        func microseconds(_ duration: Duration) -> Double {
            (duration.seconds * 1e9 / 20_000).rounded() / 1000
        }
        print(
            "\(family): \(microseconds(wall)) µs wall, \(microseconds(cpu)) µs CPU per probe;",
            "answer at most \(worst) after the last transmit stamp")
    }

    private func threadCPU() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
