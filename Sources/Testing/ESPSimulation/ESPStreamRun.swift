import NetworkSimulation

/// A simulated stream as it arrives, packet by packet.
///
/// Holds only packets that are on their way, so it may run for days. Ties are broken by sender, index
/// and copy.
public struct ESPStreamRun: IteratorProtocol, Sendable {
    /// What is true of the packets so far; `sent` and `lost` run ahead of the arrivals by what is on
    /// its way.
    public private(set) var truth = ESPStreamTruth()

    private let simulation: ESPStreamSimulation
    private var senders: ContiguousArray<SenderState> = []
    /// Senders that will send again, as a heap by the undelayed arrival of their next packet.
    private var schedule = ScheduleHeap()
    /// Packets that are on their way, delayed ones and copies, as a heap by arrival.
    private var pending = PacketHeap()
    /// For each sender the packets that wait for later ones to overtake them.
    private var held: [[HeldPacket]] = []
    /// When an attacker records a packet, last first.
    private var recordings: [Int64] = []
    private let gilbertOnset: Double
    private let identitySeed: UInt64

    /// The run of a simulation, before its first packet.
    public init(_ simulation: ESPStreamSimulation) {
        self.simulation = simulation
        gilbertOnset =
            simulation.loss * (1 - simulation.burst) / max(1 - simulation.loss, 0x1p-40)
        var seeds = SeededGenerator(seed: simulation.seed)
        identitySeed = seeds.next()
        let fleet = Fleet(simulation)
        senders.reserveCapacity(simulation.senders)
        truth.senders = Array(repeating: ESPStreamTruth.Sender(), count: simulation.senders)
        for sender in 0..<simulation.senders {
            var state = SenderState(
                number: sender, fleet: fleet, simulation: simulation,
                pace: SeededGenerator(seed: seeds.next()),
                fate: SeededGenerator(seed: seeds.next()))
            truth.senders[sender].rate = fleet.rates[sender]
            let sends = state.scheduleFirst(simulation)
            senders.append(state)
            if sends { schedule.insert(state.next + state.delay, Int32(sender)) }
        }
        if simulation.isForced { held = Array(repeating: [], count: simulation.senders) }
        if simulation.replays > 0 {
            var attacker = SeededGenerator(seed: seeds.next())
            let third = simulation.duration * 1e9 / 3
            recordings = (0..<simulation.replays).map { _ in
                Int64(attacker.between(third, third * 1.5))
            }
            recordings.sort(by: >)
        }
    }

    /// The next packet to arrive; nil after the last.
    public mutating func next() -> SimulatedESPPacket? {
        while true {
            if let due = schedule.first, due.key <= pending.firstArrival {
                guard let packet = send(due.sender) else { continue }
                return receive(packet)
            }
            guard let packet = pending.removeFirst() else { return nil }
            return receive(packet)
        }
    }

    private mutating func receive(_ packet: SimulatedESPPacket) -> SimulatedESPPacket {
        truth.receive(packet)
        if let recording = recordings.last, recording <= packet.arrival, !packet.isCopy {
            recordings.removeLast()
            var replay = packet
            replay.arrival += Int64(simulation.replayAge * 1e9)
            replay.hopLimit &-= 2
            replay.isReplay = true
            pending.insert(replay)
        }
        return packet
    }

    /// Lets a sender send; the packet, if it arrives before all that is on its way.
    private mutating func send(_ sender: Int32) -> SimulatedESPPacket? {
        let number = Int(sender)
        var packet = senders[number].packet(simulation, sender: sender, seed: identitySeed)
        if packet.sequence == 1, packet.index > 0, packet.epoch == 0 {
            truth.senders[number].hasRestarted = true
        }
        truth.senders[number].sent += 1
        let undelayed = packet.arrival
        let isLost = senders[number].loses(simulation, onset: gilbertOnset)
        if isLost { truth.senders[number].lost += 1 }
        let fate = senders[number].delays(simulation)
        let copyDelay = isLost ? nil : senders[number].duplicates(simulation)

        let goesOn = senders[number].scheduleNext(simulation)
        if goesOn {
            schedule.replaceFirst(senders[number].next + senders[number].delay)
        } else {
            schedule.removeFirst()
        }
        if simulation.isForced {
            release(of: number, overtakenAt: undelayed, all: !goesOn)
            if fate.overtakers > 0, goesOn {
                if !isLost {
                    held[number].append(
                        HeldPacket(
                            packet: packet, remaining: fate.overtakers, extra: fate.delay,
                            copyDelay: copyDelay))
                }
                return nil
            }
        } else {
            packet.arrival += fate.delay
        }
        guard !isLost else { return nil }
        if let copyDelay { insertCopy(of: packet, after: copyDelay) }
        guard packet.arrival == undelayed, packet.arrival < pending.firstArrival else {
            pending.insert(packet)
            return nil
        }
        return packet
    }

    /// Lets packets go that enough later ones of their sender have overtaken, or all at its end.
    private mutating func release(of sender: Int, overtakenAt arrival: Int64, all: Bool) {
        guard !held[sender].isEmpty else { return }
        for position in held[sender].indices { held[sender][position].remaining -= 1 }
        for waiting in held[sender] where all || waiting.remaining == 0 {
            var packet = waiting.packet
            packet.arrival = arrival + waiting.extra
            if let delay = waiting.copyDelay { insertCopy(of: packet, after: delay) }
            pending.insert(packet)
        }
        held[sender].removeAll { all || $0.remaining == 0 }
    }

    private mutating func insertCopy(of packet: SimulatedESPPacket, after delay: Int64) {
        var copy = packet
        copy.arrival += delay
        copy.isDuplicate = true
        pending.insert(copy)
    }
}

/// A packet that waits until `remaining` later ones of its sender have overtaken it.
private struct HeldPacket: Sendable {
    var packet: SimulatedESPPacket
    var remaining: Int
    var extra: Int64
    var copyDelay: Int64?
}

/// What stays with the senders from SA to SA.
private struct Fleet {
    var rates: [Double]
    var hopLimits: [UInt8]
    var delays: [Int64]
    /// When each learns of this SA and of the next, as a share of the stagger.
    var onset: [Double]
    var farewell: [Double]

    init(_ simulation: ESPStreamSimulation) {
        let count = simulation.senders
        let seed = simulation.fleet ?? simulation.seed
        var generator = SeededGenerator(seed: mixed(seed ^ 0x666c_6565_7421))
        var weights: [Double]
        if simulation.start == .lock || simulation.zipf == 0 {
            weights = Array(repeating: 1, count: count)
        } else {
            weights = (1...max(1, count)).map {
                PortableMath.exponential(-simulation.zipf * PortableMath.logarithm(Double($0)))
            }
            for last in stride(from: count - 1, to: 0, by: -1) {
                weights.swapAt(last, Int(generator.below(Int64(last) + 1)))
            }
        }
        let total = weights.reduce(0, +)
        rates = weights.map {
            max($0 / total * simulation.packetsPerSecond, simulation.minimumRate)
        }

        var values: [UInt8] = [57]
        if simulation.hopLimits > 1 {
            let distinct = min(simulation.hopLimits, 20)
            values = (0..<3 * distinct).map { UInt8(60 - $0) }
            for position in 0..<distinct {
                let other = position + Int(generator.below(Int64(values.count - position)))
                values.swapAt(position, other)
            }
            values.removeLast(values.count - distinct)
        }
        hopLimits = (0..<count).map { _ in values[Int(generator.below(Int64(values.count)))] }
        delays = (0..<count).map { _ in Int64(generator.between(1e6, 80e6)) }
        onset = Self.shares(count, seed: seed, generation: simulation.generation)
        farewell = Self.shares(count, seed: seed, generation: simulation.generation + 1)
    }

    private static func shares(_ count: Int, seed: UInt64, generation: UInt64) -> [Double] {
        var generator = SeededGenerator(seed: mixed(seed &+ mixed(generation &+ 0x5341)))
        return (0..<count).map { _ in generator.unit() }
    }
}

/// A sender: its counter, its clock and its luck.
private struct SenderState: Sendable {
    /// When it sends next, in nanoseconds.
    var next: Int64 = 0
    /// How long its packets travel.
    let delay: Int64
    private var pace: SeededGenerator
    private var fate: SeededGenerator
    private let gap: Double
    private let begin: Double
    private let end: Int64
    private var restart: Int64
    private var counter: UInt64
    private var index: Int32 = 0
    private let hopLimit: UInt8
    private var identification: UInt16
    private var previous: Int64 = 0
    private let salt: UInt64
    private var ivCounter: UInt64
    private var isLosing = false

    init(
        number: Int, fleet: Fleet, simulation: ESPStreamSimulation, pace: SeededGenerator,
        fate: SeededGenerator
    ) {
        self.pace = pace
        self.fate = fate
        let rate = fleet.rates[number]
        delay = fleet.delays[number]
        hopLimit = fleet.hopLimits[number]
        gap = rate > 0 ? 1e9 / rate : .infinity
        var stagger = simulation.stagger
        if simulation.start == .lock, stagger == 0 {
            stagger = Double(simulation.senders) / simulation.packetsPerSecond
        }
        let begin = stagger * fleet.onset[number] * 1e9
        let end = (simulation.duration + simulation.tail * fleet.farewell[number]) * 1e9
        self.begin = begin
        self.end = Int64(end)
        let span = max(0, end - begin)
        restart = number < simulation.restarts ? Int64(begin + span / 2) : .max
        switch simulation.start {
        case .one, .lock: counter = 1
        case .aged: counter = 1 + self.fate.poisson(rate * simulation.age)
        case .random: counter = 1 + UInt64(self.fate.below(1 << 31 - 1))
        }
        if simulation.wraps, number % 3 == 0 {
            counter = 1 << 32 - UInt64(max(1, rate * span / 2e9))
        }
        identification = UInt16(truncatingIfNeeded: self.fate.next())
        salt = self.fate.next()
        ivCounter = self.fate.next()
    }

    /// Sets when it sends first; false when it never does.
    mutating func scheduleFirst(_ simulation: ESPStreamSimulation) -> Bool {
        next = Int64(begin)
        previous = next
        guard gap.isFinite else { return false }
        if simulation.isPeriodic || simulation.start == .lock {
            next = max(0, jittered(0))
        } else {
            next += Int64(pace.exponential() * gap)
        }
        previous = next
        return next < end
    }

    /// Sets when it sends next, after `packet`; false when it does not.
    mutating func scheduleNext(_ simulation: ESPStreamSimulation) -> Bool {
        previous = next
        if simulation.isPeriodic || simulation.start == .lock {
            next = max(previous, jittered(index))
        } else {
            next += Int64(pace.exponential() * gap)
        }
        return next < end
    }

    private mutating func jittered(_ beat: Int32) -> Int64 {
        Int64(begin + Double(beat) * gap + pace.normal() * 1e6)
    }

    /// The packet it sends now, as it would arrive undelayed.
    mutating func packet(
        _ simulation: ESPStreamSimulation, sender: Int32, seed: UInt64
    ) -> SimulatedESPPacket {
        if next >= restart, index > 2 {
            restart = .max
            counter = 1
        }
        let number = counter
        counter &+= 1
        let unique = UInt64(UInt32(bitPattern: sender)) << 32 | UInt64(UInt32(bitPattern: index))
        defer { index += 1 }
        return SimulatedESPPacket(
            arrival: next + delay, sequence: UInt32(truncatingIfNeeded: number),
            hopLimit: fate.chance(simulation.hopLimitFlips) ? hopLimit &- 1 : hopLimit,
            identification: nextIdentification(simulation.identification),
            initializationVector: initializationVector(simulation.iv, number, sender),
            identity: mixed(seed ^ unique), sender: sender, index: index,
            epoch: UInt32(truncatingIfNeeded: number >> 32))
    }

    private mutating func nextIdentification(
        _ mode: ESPStreamSimulation.IdentificationMode
    ) -> UInt16 {
        switch mode {
        case .zero: return 0
        case .random: return UInt16(truncatingIfNeeded: fate.next())
        case .linux:
            // One more, and a random share of the 4 ms ticks since the last packet.
            let ticks = (next - previous) / 4_000_000
            let step = 1 + (ticks > 0 ? Int64(fate.unit() * Double(ticks)) : 0)
            identification &+= UInt16(truncatingIfNeeded: step)
            return identification
        }
    }

    private mutating func initializationVector(
        _ mode: ESPStreamSimulation.IVMode, _ number: UInt64, _ sender: Int32
    ) -> UInt64 {
        let id = UInt64(UInt32(bitPattern: sender)) + 1
        switch mode {
        case .random: return fate.next()
        case .block: return mixed(salt ^ mixed(UInt64(index)))
        case .seqiv: return salt ^ number
        case .sid16: return id << 48 | number
        case .base: return id << 48 | ((salt >> 24) &+ number)
        case .prefix32, .prefix24:
            ivCounter &+= 1 + fate.next() % 8
            let bits: UInt64 = mode == .prefix32 ? 32 : 40
            return (salt >> bits) << bits | ivCounter & (1 << bits - 1)
        }
    }

    /// Whether the packet is lost.
    mutating func loses(_ simulation: ESPStreamSimulation, onset: Double) -> Bool {
        guard simulation.burst > 0 else { return fate.chance(simulation.loss) }
        isLosing = fate.chance(isLosing ? simulation.burst : onset)
        return isLosing
    }

    /// By how much the packet is delayed, and by how many later ones overtaken if that is forced.
    mutating func delays(_ simulation: ESPStreamSimulation) -> (delay: Int64, overtakers: Int) {
        guard fate.chance(simulation.reorder) else { return (0, 0) }
        if simulation.isForced {
            let overtakers = 1 + Int(fate.below(3))
            return (Int64(fate.between(1e3, 2e3)), overtakers)
        }
        let range = simulation.reorderMilliseconds
        return (Int64(fate.between(range.lowerBound, range.upperBound) * 1e6), 0)
    }

    /// How long after the packet its copy arrives, if the network makes one.
    mutating func duplicates(_ simulation: ESPStreamSimulation) -> Int64? {
        guard fate.chance(simulation.duplication) else { return nil }
        return Int64(fate.between(1e4, 3e6))
    }
}
