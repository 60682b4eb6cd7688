import ESPAnalysis
import Testing

@Suite struct `The multiplicity of low numbers` {
    @Test func `counts different packets with one number, and copies once`() {
        var multiplicity = SequenceMultiplicity(seed: 1)
        #expect(multiplicity.bound == 0)
        for sender in UInt64(0)..<5 {
            for _ in 0..<3 { multiplicity.receive(sequence: 3, identity: sender) }
        }
        multiplicity.receive(sequence: 4, identity: 0)
        #expect(multiplicity.packets(with: 3) == 5)
        #expect(multiplicity.packets(with: 4) == 1)
        #expect(multiplicity.packets(with: 5) == 0)
        #expect(multiplicity.bound == 5)
    }

    @Test func `looks at numbers 1 to 64 only`() {
        var multiplicity = SequenceMultiplicity(seed: 1)
        for identity in UInt64(0)..<100 {
            multiplicity.receive(sequence: 0, identity: identity)
            multiplicity.receive(sequence: 65, identity: identity)
            multiplicity.receive(sequence: .max, identity: identity)
        }
        #expect(multiplicity.bound == 0)
        multiplicity.receive(sequence: 64, identity: 1)
        #expect(multiplicity.bound == 1)
    }

    @Test func `stops at 8192 packets of a number`() {
        var multiplicity = SequenceMultiplicity(seed: 1)
        for sequence in UInt32(1)...64 {
            for identity in UInt64(0)..<9000 {
                multiplicity.receive(sequence: sequence, identity: identity << 8 | UInt64(sequence))
            }
        }
        #expect(multiplicity.bound == 8192)
        #expect((1...64).allSatisfy { multiplicity.packets(with: $0) > 8100 })
    }
}
