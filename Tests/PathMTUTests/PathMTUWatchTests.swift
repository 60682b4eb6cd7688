import NetworkPrimitives
import PathMTU
import Testing

@Suite struct PathMTUWatchTests {
    private func at(_ seconds: Int) -> MonotonicInstant { .zero + .seconds(seconds) }

    private func actions(_ watch: inout PathMTUWatch, _ seconds: Int) -> [String] {
        var actions: [PathMTUWatch.Action] = []
        watch.advance(to: at(seconds), into: &actions)
        return actions.map {
            switch $0 {
            case .search(let cause): "\(cause)"
            case .confirm(let number, let byteCount): "\(number):\(byteCount)"
            }
        }
    }

    /// A watch with an interval of 600 s whose first search found 1492 octets at 10 s.
    private func watch(found bytes: Int? = 1492) -> PathMTUWatch {
        var watch = PathMTUWatch(interval: .seconds(600), start: .zero)
        #expect(watch.deadline == .zero)
        #expect(actions(&watch, 0) == ["interval"])
        #expect(watch.deadline == .distantFuture)
        watch.searched(TunnelMTUTests.measured(bytes ?? 0), at: at(10))
        return watch
    }

    @Test func `searches at every interval and confirms once a minute`() {
        var watch = watch()
        var confirmations = 0
        for second in stride(from: 70, to: 600, by: 60) {
            #expect(watch.deadline == at(second))
            #expect(actions(&watch, second - 1).isEmpty)
            #expect(actions(&watch, second) == ["\(confirmations):1492"])
            watch.confirmed(UInt64(confirmations), isAnswered: true, at: at(second))
            confirmations += 1
        }
        #expect(confirmations == 9)
        #expect(watch.deadline == at(600))
        #expect(actions(&watch, 600) == ["interval"])
    }

    @Test func `searches after three misses in a row`() {
        var watch = watch()
        #expect(actions(&watch, 70) == ["0:1492"])
        #expect(actions(&watch, 71).isEmpty, "one at a time")
        watch.confirmed(0, isAnswered: false, at: at(71))
        #expect(actions(&watch, 76) == ["1:1492"])
        watch.confirmed(1, isAnswered: false, at: at(77))
        #expect(actions(&watch, 82) == ["2:1492"])
        watch.confirmed(1, isAnswered: true, at: at(82))
        watch.confirmed(2, isAnswered: false, at: at(83))
        #expect(watch.deadline == at(83))
        #expect(actions(&watch, 83) == ["largePacketsVanish"])
        watch.searched(TunnelMTUTests.measured(1400), at: at(90))
        #expect(actions(&watch, 150) == ["3:1400"])
    }

    @Test func `an answer between misses starts the count anew, and what was not sent counts not`()
    {
        var watch = watch()
        var now = 70
        for (number, answer) in [false, false, true, false, nil, false].enumerated() {
            now = Int((watch.deadline - .zero).seconds)
            #expect(actions(&watch, now) == ["\(number):1492"])
            watch.confirmed(UInt64(number), isAnswered: answer, at: at(now))
        }
        #expect(watch.deadline > at(now), "two misses of six")
    }

    @Test func `searches at once when the path changes, but not without end`() {
        var watch = watch()
        watch.pathChanged(at: at(50))
        #expect(watch.deadline == at(50))
        #expect(actions(&watch, 50) == ["pathChanged"])
        // News while a search runs are about what it may not have seen.
        watch.pathChanged(at: at(51))
        #expect(watch.deadline == .distantFuture)
        watch.searched(TunnelMTUTests.measured(1492), at: at(55))
        #expect(watch.deadline == at(80))
        #expect(actions(&watch, 79).isEmpty)
        #expect(actions(&watch, 80) == ["pathChanged"])
        watch.searched(TunnelMTUTests.measured(1492), at: at(81))
        var searches = 0
        for second in 81..<381 {
            watch.largePacketsVanish(at: at(second))
            if !actions(&watch, second).isEmpty {
                searches += 1
                watch.searched(TunnelMTUTests.measured(1492), at: at(second))
            }
        }
        #expect(searches == 10)
    }

    @Test func `confirms nothing that the target did not answer`() {
        for report in [
            PathMTUReport(unknown: "time limit"), TunnelMTUTests.measured(1400, provenDistance: 3),
        ] {
            var watch = PathMTUWatch(interval: .seconds(600), start: .zero)
            #expect(actions(&watch, 0) == ["interval"])
            watch.searched(report, at: at(1))
            #expect(watch.deadline == at(600))
        }
    }
}
