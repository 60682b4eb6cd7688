import ESPAnalysis
import ESPSimulation
import NetworkSimulation
import Testing

/// A stream of a few senders with late packets and copies, as the reference prototype's self-test.
private func randomStream(seed: UInt64, count: Int = 3000, base: UInt64 = 0) -> [UInt64] {
    var random = SeededGenerator(seed: seed)
    let senders = [1, 2, 5, 30][Int(random.below(4))]
    let spread: [Int64] = [2, 500, 50000]
    var counters = (0..<senders).map { _ in 1 + random.below(spread[Int(random.below(3))]) }
    var stream: [UInt64] = []
    for _ in 0..<count {
        let sender = Int(random.below(Int64(senders)))
        let kind = random.unit()
        if kind < 0.05, let last = stream.indices.last {
            stream.append(stream[last - Int(random.below(Int64(min(50, stream.count))))])
            continue
        }
        if kind < 0.10 { counters[sender] += 1 + random.below(50) }
        let late = random.chance(0.1) ? random.below(81) : 0
        stream.append(base + UInt64(max(1, counters[sender] - late)))
        counters[sender] += 1
    }
    return stream
}

private func prediction(
    of stream: [UInt64], windows: [Int], reach: Int = 1 << 16, isExtended: Bool = false
) -> [Int: ReplayWindowForecast] {
    var predictor = ReplayWindowPredictor(windows: windows, reach: reach, isExtended: isExtended)
    for number in stream { _ = predictor.receive(UInt32(truncatingIfNeeded: number)) }
    return Dictionary(uniqueKeysWithValues: predictor.forecasts.map { ($0.window, $0) })
}

@Suite struct `The replay window predictor` {
    let vector: [UInt64] = [1, 2, 3, 10, 4, 11, 100, 5, 101, 10, 12, 4]

    @Test func `counts reference vector V1`() {
        let windows = [1, 2, 8, 32, 64, 96, 97, 128]
        let forecasts = prediction(of: vector, windows: windows)
        #expect(windows.map { forecasts[$0]?.wouldDrop } == [5, 5, 4, 4, 4, 2, 2, 2])
        #expect(windows.map { forecasts[$0]?.tooOld } == [5, 5, 4, 4, 4, 1, 1, 0])
        #expect(windows.map { forecasts[$0]?.alreadySeen } == [0, 0, 0, 0, 0, 1, 1, 2])
        #expect(forecasts.values.allSatisfy { $0.packets == 12 && $0.zero == 0 })
    }

    @Test func `names what each packet of V1 is`() {
        var predictor = ReplayWindowPredictor(windows: [32], reach: 1 << 10)
        let outcomes = vector.map { predictor.receive(UInt32($0)) }
        #expect(
            outcomes == [
                .advanced, .advanced, .advanced, .advanced, .late(depth: 6), .advanced, .advanced,
                .late(depth: 95), .advanced, .repeated(depth: 91), .late(depth: 89),
                .repeated(depth: 97),
            ])
        #expect(predictor.repeats == 2)
        #expect(predictor.highest == 101)
        #expect(predictor.packets == 12)
    }

    @Test(arguments: [8, 32, 64])
    func `V1 is accepted by receivers as the vector says`(window: Int) {
        let pattern = "111111101000".map { $0 == "1" }
        var reference = SetWindow(window: window)
        var bitmap = LinuxBitmapWindow(window: window)
        var blocks = RFC6479Window(window: window)
        #expect(vector.map { reference.accepts($0) } == pattern)
        #expect(vector.map { bitmap.accepts($0) } == pattern)
        #expect(vector.map { blocks.accepts($0) } == pattern)
        #expect(reference.drops.replayWindow == 4)
        #expect(reference.drops.replay == 0)
        #expect(bitmap.drops == reference.drops)
        if window <= 32 {
            var legacy = LinuxLegacyWindow(window: window)
            #expect(vector.map { legacy.accepts($0) } == pattern)
            #expect(legacy.drops == reference.drops)
        }
    }

    @Test func `V1 fails to authenticate where the SA has extended numbers`() {
        var receiver = LinuxESNWindow(window: 64)
        #expect(vector.map { receiver.accepts($0) } == "111111101000".map { $0 == "1" })
        #expect(receiver.drops.replayWindow == 0)
        #expect(receiver.drops.replay == 0)
        #expect(receiver.drops.integrityFailed == 4)
        #expect(receiver.drops.stateProtocolErrors == 4)
        #expect(receiver.drops.stateSequenceErrors == 0)
    }

    @Test func `equals every receiver in 3600 random runs`() {
        var runs = 0
        for seed in UInt64(0)..<300 {
            // A first packet that has no copy: see the next test.
            let stream = [1] + randomStream(seed: seed, base: 1)
            let small = [1, 8, 31, 32]
            let large = [32, 33, 64, 100, 128, 512, 1024, 4096]
            let forecasts = prediction(of: stream, windows: small + large)
            for window in small {
                let reference = dropped(by: SetWindow(window: window), of: stream)
                #expect(dropped(by: LinuxLegacyWindow(window: window), of: stream) == reference)
                #expect(forecasts[window]?.tooOld == reference.replayWindow)
                #expect(forecasts[window]?.alreadySeen == reference.replay)
                #expect(forecasts[window]?.wouldDrop == reference.total)
                runs += 1
            }
            for window in large {
                let reference = dropped(by: SetWindow(window: window), of: stream)
                let extended = dropped(by: LinuxESNWindow(window: window), of: stream)
                #expect(dropped(by: LinuxBitmapWindow(window: window), of: stream) == reference)
                #expect(dropped(by: RFC6479Window(window: window), of: stream) == reference)
                #expect(forecasts[window]?.tooOld == reference.replayWindow)
                #expect(forecasts[window]?.alreadySeen == reference.replay)
                #expect(extended.total == reference.total)
                #expect(extended.replay == reference.replay)
                #expect(
                    extended.replayWindow + extended.integrityFailed == reference.replayWindow)
                runs += 1
            }
        }
        #expect(runs == 3600)
    }

    @Test func `differs from Linux in copies of an SA's first packet, at odd windows`() {
        for (window, accepted) in [(64, 1), (100, 2)] {
            var receiver = LinuxBitmapWindow(window: window)
            #expect([1, 1].count { receiver.accepts($0) } == accepted)
            var reference = SetWindow(window: window)
            #expect([1, 1].count { reference.accepts($0) } == 1)
        }
    }

    @Test func `never drops more with a larger window`() {
        for seed in UInt64(1000)..<1040 {
            let forecasts = prediction(
                of: randomStream(seed: seed), windows: Array(1...200) + [999, 1000, 4096, 65536])
            let drops = forecasts.values.sorted { $0.window < $1.window }.map(\.wouldDrop)
            #expect(zip(drops, drops.dropFirst()).allSatisfy { $0 >= $1 })
        }
    }

    @Test func `keeps its ring right over jumps of any width`() {
        let jumps: [UInt64] = [1, 2, 63, 64, 65, 4031, 4032, 4095, 4096, 4097, 8191, 20000]
        for seed in UInt64(0)..<60 {
            var random = SeededGenerator(seed: seed)
            var top: UInt64 = 1
            let stream = (0..<4000).map { _ -> UInt64 in
                if random.chance(0.4) {
                    top += jumps[Int(random.below(Int64(jumps.count)))]
                    return top
                }
                return max(1, top &- UInt64(random.below(Int64(min(top, 9000)))))
            }
            let windows = [1, 64, 4000, 4095, 4096, 6000, 8191, 8192]
            for reach in [8192, 10000] {
                let forecasts = prediction(of: stream, windows: windows, reach: reach)
                for window in windows {
                    let reference = dropped(by: SetWindow(window: window), of: stream)
                    #expect(forecasts[window]?.tooOld == reference.replayWindow)
                    #expect(forecasts[window]?.alreadySeen == reference.replay)
                }
            }
        }
    }

    @Test func `counts packets beyond its reach as too old for every window`() {
        var predictor = ReplayWindowPredictor(windows: [64, 5000], reach: 5000)
        #expect(predictor.receive(10_000) == .advanced)
        #expect(predictor.receive(5001) == .late(depth: 4999))
        #expect(predictor.receive(5000) == .beyondReach(depth: 5000))
        #expect(predictor.receive(1) == .beyondReach(depth: 9999))
        #expect(predictor.beyondReach == 2)
        #expect(predictor.forecasts.map(\.tooOld) == [3, 2])
    }

    @Test func `refuses number 0 always`() {
        var predictor = ReplayWindowPredictor(windows: [32])
        #expect(predictor.receive(0) == .zero)
        #expect(predictor.receive(7) == .advanced)
        #expect(predictor.receive(0) == .zero)
        #expect(predictor.forecasts.map(\.zero) == [2])
        #expect(predictor.forecasts.map(\.wouldDrop) == [2])
    }

    @Test func `does not take a wrap of extended numbers for a million drops`() {
        let base: UInt64 = (1 << 32) - 2000
        for seed in UInt64(0)..<40 {
            let stream = randomStream(seed: seed, base: base)
            let forecasts = prediction(of: stream, windows: [64, 1024], isExtended: true)
            for window in [64, 1024] {
                let reference = dropped(by: SetWindow(window: window), of: stream)
                #expect(forecasts[window]?.wouldDrop == reference.total)
            }
        }
    }

    @Test func `begins on either side of a wrap of extended numbers`() {
        var predictor = ReplayWindowPredictor(windows: [64], isExtended: true)
        #expect(predictor.receive(5) == .advanced)
        #expect(predictor.receive(0xffff_fffe) == .late(depth: 7))
        #expect(predictor.receive(6) == .advanced)
        #expect(predictor.receive(0xffff_fffe) == .repeated(depth: 8))
        #expect(predictor.highest == 6)
    }

    @Test func `drops everything after a wrap without extended numbers`() {
        var predictor = ReplayWindowPredictor(windows: [64])
        _ = predictor.receive(.max)
        for sequence in UInt32(1)...100 { _ = predictor.receive(sequence) }
        #expect(predictor.forecasts.map(\.tooOld) == [100])
    }

    @Test func `goes on from the kernel's state in mid-SA`() {
        for seed in UInt64(0)..<60 {
            let stream = randomStream(seed: seed)
            for window in [1, 32, 33, 100, 1024] {
                var kernel = LinuxBitmapWindow(window: window)
                for number in stream.prefix(1500) { _ = kernel.accepts(number) }
                let before = kernel.drops
                var predictor = ReplayWindowPredictor(windows: [window])
                predictor.resume(
                    highest: kernel.state.highest, ring: kernel.state.ring, window: window)
                #expect(predictor.highest == kernel.state.highest)
                for number in stream.dropFirst(1500) {
                    _ = kernel.accepts(number)
                    _ = predictor.receive(UInt32(number))
                }
                let forecast = predictor.forecasts[0]
                #expect(forecast.tooOld == kernel.drops.replayWindow - before.replayWindow)
                #expect(forecast.alreadySeen == kernel.drops.replay - before.replay)
            }
        }
    }

    @Test func `goes on from the state of a kernel's shift register`() {
        for seed in UInt64(0)..<60 {
            let stream = randomStream(seed: seed)
            var kernel = LinuxLegacyWindow(window: 32)
            for number in stream.prefix(900) { _ = kernel.accepts(number) }
            let before = kernel.drops
            var predictor = ReplayWindowPredictor(windows: [32])
            predictor.resume(
                highest: kernel.state.highest, shiftRegister: kernel.state.shiftRegister)
            for number in stream.dropFirst(900) {
                _ = kernel.accepts(number)
                _ = predictor.receive(UInt32(number))
            }
            #expect(
                predictor.forecasts[0].wouldDrop
                    == kernel.drops.total - before.total)
        }
    }

    @Test func `goes on from the state of extended numbers on both sides of a wrap`() {
        let base: UInt64 = (1 << 32) - 1000
        let stream = (UInt64(1)...2000).map { index in base + (index ^ (index % 7)) }
        let cuts = Array(stride(from: 100, to: 1900, by: 50)) + [998, 999, 1000, 1001, 1002, 1064]
        for cut in cuts {
            // A receiver that has seen an epoch go by.
            var kernel = LinuxESNWindow(window: 64)
            for number in [UInt64(1 << 31)] + stream.prefix(cut) { _ = kernel.accepts(number) }
            let before = kernel.drops
            var predictor = ReplayWindowPredictor(windows: [64], isExtended: true)
            predictor.resume(
                highest: kernel.state.highest, ring: kernel.state.ring, window: 64)
            // All again that is in reach: what was received is refused, what was not is accepted.
            for number in stream.prefix(cut).suffix(60) + stream.dropFirst(cut) {
                _ = kernel.accepts(number)
                _ = predictor.receive(UInt32(truncatingIfNeeded: number))
            }
            #expect(predictor.forecasts[0].wouldDrop == kernel.drops.total - before.total)
            #expect(predictor.forecasts[0].wouldDrop > 0)
        }
    }

    private func dropped(
        by receiver: some AntiReplayReceiver, of stream: [UInt64]
    ) -> ReplayDropCounters {
        var receiver = receiver
        for number in stream { _ = receiver.accepts(number) }
        return receiver.drops
    }
}
