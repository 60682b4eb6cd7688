import ESPSimulation
import NetworkPrimitives
import NetworkSimulation
import Testing

@testable import ESPAnalysis

@Suite
struct IVFingerprintTests {
    private static func decision(
        on packets: some Sequence<ESPObservation>
    ) -> (state: IVFingerprint.State, after: Int, keys: Int) {
        var fingerprint = IVFingerprint(seed: 11)
        var count = 0
        for packet in packets {
            count += 1
            if fingerprint.learn(packet) { break }
        }
        return (fingerprint.state, count, fingerprint.distinctKeys)
    }

    private static func stream(
        _ mode: ESPStreamSimulation.IVMode, senders: Int, seed: UInt64 = 5,
        duration: Double = 8, adjust: (inout ESPStreamSimulation) -> Void = { _ in }
    ) -> [SimulatedESPPacket] {
        ESPStreamSimulation(
            senders: senders, packetsPerSecond: 5000, duration: duration, seed: seed
        ) {
            $0.iv = mode
            $0.loss = 0.01
            $0.reorder = 0.01
            $0.zipf = 0.8
            adjust(&$0)
        }.run().packets.filter { !$0.isCopy }
    }

    private static func expected(_ mode: ESPStreamSimulation.IVMode) -> IVFamily? {
        switch mode {
        case .seqiv: .xor
        case .sid16, .base: .difference
        case .prefix32: .prefix32
        case .prefix24: .prefix24
        case .random, .block: nil
        }
    }

    @Test(arguments: ESPStreamSimulation.IVMode.allCases, [1, 2, 5, 50, 300, 2000])
    func `finds the family that names the senders, and none in random IVs`(
        mode: ESPStreamSimulation.IVMode, senders: Int
    ) {
        let packets = Self.stream(mode, senders: senders)
        let (state, after, keys) = Self.decision(on: packets.map { $0.observation() })
        guard let family = Self.expected(mode) else {
            #expect(state == .refused(.unrelated))
            return
        }
        // Of prefixes that name the same senders so far the longest is taken.
        #expect(state == .named(mode == .prefix24 ? .prefix32 : family))
        #expect(after <= (senders < 300 ? 256 : 4096))
        let truth = Set(packets.prefix(after).map(\.sender)).count
        #expect(keys == truth)
        var owners: [UInt64: Int32] = [:]
        for packet in packets {
            let key = family.key(
                initializationVector: packet.initializationVector, sequence: packet.sequence)
            #expect(
                owners.updateValue(packet.sender, forKey: key) ?? packet.sender == packet.sender)
        }
        #expect(owners.count == Set(packets.map(\.sender)).count)
    }

    @Test func `never takes random IVs for names`() {
        for seed: UInt64 in 1...40 {
            var random = SeededGenerator(seed: seed)
            let packets = (1...UInt32(20_000)).lazy.map { number in
                Observed.packet(number, at: Double(number), iv: random.next())
            }
            let (state, after, _) = Self.decision(on: packets)
            #expect(state == .refused(.unrelated))
            #expect(after <= IVFingerprint.hopelessPackets)
        }
    }

    @Test func `does not take an IV that all senders share for one sender`() {
        // Every family names one sender only, and two counters speak against it.
        let packets = (1...UInt32(20_000)).map { number in
            let sequence = number % 2 == 0 ? number : number + 1_000_000
            return Observed.packet(sequence, at: Double(number) * 5, iv: UInt64(sequence))
        }
        #expect(Self.decision(on: packets).state == .refused(.unrelated))
    }

    @Test func `rejects inner IP headers where the IV would be`() {
        let packets = (1...UInt32(2000)).map { number in
            let length = 100 + Int(number % 5) * 40
            // 45 00, total length, an identification that counts, flags.
            let header: UInt64 =
                0x4500 << 48 | UInt64(length - 54) << 32 | UInt64(number & 0xffff) << 16 | 0x4000
            return Observed.packet(number, at: Double(number), length: length, iv: header)
        }
        #expect(Self.decision(on: packets).state == .refused(.notEncrypted))
        let six = (1...UInt32(2000)).map { number in
            Observed.packet(number, at: Double(number), length: 194, iv: 0x6000_0000_0064_3a40)
        }
        #expect(Self.decision(on: six).state == .refused(.notEncrypted))
    }

    @Test func `gives up when the capture is too short for IVs`() {
        let packets = (1...UInt32(20_000)).lazy.map { Observed.packet($0, at: Double($0)) }
        let (state, after, _) = Self.decision(on: packets)
        #expect(state == .refused(.truncated))
        #expect(after == IVFingerprint.leastPackets)
    }

    @Test func `waits while a few packets lack their IV`() {
        var packets = Self.stream(.seqiv, senders: 5).map { $0.observation() }
        packets[10].initializationVector = nil
        #expect(Self.decision(on: packets).state == .named(.xor))
        for place in stride(from: 0, to: packets.count, by: 20) {
            packets[place].initializationVector = nil
        }
        #expect(Self.decision(on: packets).state == .refused(.truncated))
    }

    @Test func `keys of vector V6 are its salt`() {
        let salt: UInt64 = 0x9f3a_61c2_d4e5_b708
        for (sequence, low) in [(1, 0xb709), (2, 0xb70a), (3, 0xb70b)] as [(UInt32, UInt64)] {
            let vector = salt & ~0xffff | low
            #expect(IVFamily.xor.key(initializationVector: vector, sequence: sequence) == salt)
        }
        #expect(IVFamily.xor.name(of: 0x1f) == "000000000000001f")
        #expect(IVFamily.prefix24.name(of: 0x1f) == "00001f")
    }
}
