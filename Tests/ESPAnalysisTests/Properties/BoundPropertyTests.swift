import ESPAnalysis
import ESPSimulation
import Testing

/// Properties of algorithms §12 on streams that nothing was tuned on.
@Suite struct BoundPropertyTests {
    @Test func `the provable bounds never exceed the senders of 300 streams in the model`() {
        var packets = 0
        for seed in UInt64(1)...300 {
            let simulation = ESPStreamSimulation.inModel(seed: seed)
            let stream = simulation.run()
            packets += stream.packets.count
            let bounds = stream.bounds()
            let senders = stream.truth.activeSenders
            #expect(bounds.life <= senders, "seed \(seed): \(simulation)")
            #expect(bounds.multiplicity.bound <= senders, "seed \(seed): \(simulation)")
            #expect(bounds.windows.allSatisfy { $0 <= bounds.life })
        }
        print("bounds of \(packets) packets of 300 streams")
        #expect(packets > 2_000_000)
    }

    @Test func `larger windows never drop more, and the receivers drop what is predicted`() {
        let sizes = [1, 2, 3, 7, 32, 33, 64, 100, 333, 1024, 4096]
        for seed in UInt64(1000)..<1040 {
            let stream = ESPStreamSimulation.inModel(seed: seed, senders: 1...40).run()
            let forecasts = stream.predictor(windows: sizes).forecasts
            let dropped = forecasts.map(\.wouldDrop)
            #expect(zip(dropped, dropped.dropFirst()).allSatisfy { $0 >= $1 }, "seed \(seed)")
            for forecast in forecasts {
                var all = [stream.drops(SetWindow(window: forecast.window))]
                // The kernel's ring misplaces the first packet where its size is no power of two.
                if forecast.window & (forecast.window - 1) == 0 {
                    all.append(stream.drops(LinuxBitmapWindow(window: forecast.window)))
                }
                for drops in all {
                    #expect(
                        [drops.replayWindow, drops.replay, drops.total] == [
                            forecast.tooOld, forecast.alreadySeen, forecast.wouldDrop,
                        ], "seed \(seed), window \(forecast.window)")
                }
            }
        }
    }
}
