import Glibc
import Testing

@testable import HostFacts

@Suite struct ProcessStatisticsTests {
    @Test func `the numbers are those that other calls give`() throws {
        func usedSeconds() -> Double {
            var usage = rusage()
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            let times = [usage.ru_utime, usage.ru_stime]
            return times.reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
        }
        let before = usedSeconds()
        let statistics = ProcessStatistics.current()
        let after = usedSeconds()
        // The kernel counts in ticks of 10 ms, for user and system each.
        let cpu = try statistics.cpuSeconds.get()
        #expect(cpu >= before - 0.05 && cpu <= after + 0.05)

        let resident = try statistics.residentBytes.get()
        let virtual = try statistics.virtualBytes.get()
        #expect(resident > 1 << 20)
        #expect(virtual > resident)

        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #expect(try statistics.maximumDescriptors.get() == limit.rlim_cur)
    }

    @Test func `processor time grows with work`() throws {
        let before = try ProcessStatistics.current().cpuSeconds.get()
        let clock = ContinuousClock()
        let start = clock.now
        var sum: UInt64 = 0
        while clock.now - start < .milliseconds(300) { sum &+= UInt64.random(in: 0...9) }
        let after = try ProcessStatistics.current().cpuSeconds.get()
        #expect(after - before >= 0.05, "\(sum)")
    }

    @Test func `memory grows by what is touched`() async {
        // In a process of its own, where nobody else gives memory back.
        await #expect(processExitsWith: .success) {
            let size = 64 << 20
            let before = ProcessStatistics.current()
            let memory = mmap(
                nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | Int32(MAP_ANONYMOUS), -1, 0)
            try #require(memory != MAP_FAILED)
            let mapped = ProcessStatistics.current()
            memset(try #require(memory), 1, size)
            let touched = ProcessStatistics.current()
            let virtual = try mapped.virtualBytes.get() - before.virtualBytes.get()
            #expect(virtual >= size)
            // The kernel adds a thread's pages up in batches: some are not counted yet.
            let resident = try touched.residentBytes.get() - mapped.residentBytes.get()
            #expect(resident > size * 9 / 10)
        }
    }

    @Test func `the start is before now, and the same each time`() throws {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let start = try ProcessStatistics.current().startTimeSeconds.get()
        // Boot time is in whole seconds.
        #expect(start <= Double(now.tv_sec) + 2)
        #expect(start > Double(now.tv_sec) - 3600)
        #expect(try ProcessStatistics.current().startTimeSeconds.get() == start)
    }

    @Test func `counts open descriptors, by either way`() async {
        // In a process of its own, where nobody opens any but the testing library, as it starts: a
        // wrong count is wrong each time.
        await #expect(processExitsWith: .success) {
            var counts: [[Int]] = []
            for _ in 0..<50 {
                let before = try OpenDescriptors.count()
                var opened: [Int32] = []
                for _ in 0..<25 { opened.append(open("/dev/null", O_RDONLY)) }
                let during = [try OpenDescriptors.count(), try OpenDescriptors.listed()]
                for descriptor in opened { close(descriptor) }
                let after = [try OpenDescriptors.count(), try OpenDescriptors.listed()]
                counts.append([before] + during + after)
                if during == [before + 25, before + 25], after == [before, before] { return }
                usleep(10_000)
            }
            Issue.record("before, with 25 more by either way, without them: \(counts)")
        }
    }

    @Test func `a command's name may hold anything`() throws {
        let tail = " S 1 2 3 0 -1 4194560 100 0 0 0 17 4 0 0 20 0 9 0 5555 7000000 300 184467 1\n"
        for name in ["probe", "a b", "x) R 1 (", "(", "\n"] {
            let stat = try #require(ProcessStat("42 (\(name))" + tail), "\(name)")
            #expect(stat.userTicks == 17)
            #expect(stat.systemTicks == 4)
            #expect(stat.startTicks == 5555)
            #expect(stat.virtualBytes == 7_000_000)
            #expect(stat.residentPages == 300)
        }
    }

    @Test(arguments: [
        "", "42", "42 (probe)",
        "42 (probe) S 1 2 3 0 -1 4194560 100 0 0 0 17 4 0 0 20 0 9 0 5555 7",
        "42 (probe) S 1 2 3 0 -1 4194560 100 0 0 0 x 4 0 0 20 0 9 0 5555 7 3",
    ])
    func `a line that is cut or no numbers is unknown, not zero`(text: String) {
        #expect(ProcessStat(text) == nil)
    }
}
