import NetworkSimulation

extension ESPStreamSimulation {
    /// A stream with everything drawn at random, which nothing was tuned on.
    ///
    /// It keeps to the model of algorithms §5: no sender repeats a number, and none of its packets is
    /// overtaken by more than 0.3 s. About 5 000 to 25 000 packets.
    public static func inModel(seed: UInt64, senders: ClosedRange<Int> = 1...500) -> Self {
        var draw = SeededGenerator(seed: mixed(seed ^ 0x6865_6c64_2d6f_7574))
        var simulation = Self()
        let least = PortableMath.logarithm(Double(senders.lowerBound))
        let most = PortableMath.logarithm(Double(senders.upperBound) + 0.999)
        simulation.senders = min(
            senders.upperBound, Int(PortableMath.exponential(draw.between(least, most)) + 1e-9))
        simulation.packetsPerSecond = draw.between(500, 2000)
        simulation.duration = draw.between(9, 13)
        simulation.zipf = draw.between(0, 1.6)
        simulation.start = Start.allCases[Int(draw.below(4))]
        simulation.stagger = draw.chance(0.5) ? draw.between(0, 8) : 0
        simulation.age = PortableMath.exponential(draw.between(3, 10))
        simulation.loss = draw.chance(0.7) ? draw.between(0, 0.08) : 0
        simulation.burst = draw.chance(0.3) ? 0.6 : 0
        if draw.chance(0.7) {
            simulation.reorder = draw.chance(0.2) ? 0.5 : draw.between(0, 0.06)
            let late = PortableMath.exponential(draw.between(1, 5.7))
            simulation.reorderMilliseconds = late * draw.unit()...late
            // Forced behind slow senders' packets would leave the model.
            simulation.isForced = simulation.senders == 1 && draw.chance(0.3)
        }
        simulation.duplication = draw.chance(0.5) ? draw.between(0.001, 0.05) : 0
        if draw.chance(0.3) { simulation.replays = 3 + Int(draw.below(300)) }
        simulation.replayAge = draw.between(1.2, 4)
        simulation.hopLimits = draw.chance(0.3) ? 1 : 1 + Int(draw.below(12))
        simulation.hopLimitFlips = draw.chance(0.2) ? draw.between(0, 0.01) : 0
        simulation.identification = IdentificationMode.allCases[Int(draw.below(3))]
        simulation.isPeriodic = draw.chance(0.2)
        simulation.seed = draw.next()
        return simulation
    }
}
