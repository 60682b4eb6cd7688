import Testing

@testable import Diagnosis

private func finding(_ id: FindingID, _ severity: Finding.Severity? = nil) -> Finding {
    Finding(
        id: id, severity: severity ?? id.severities[0], confidence: 1, summary: id.rawValue,
        evidence: ["seen"], remedy: ["do"])
}

private let facts = TunnelFacts(TunnelIdentity(name: "cf-1"))

@Suite struct `Causes and what they explain` {
    @Test func `a cause hides its symptoms and keeps their evidence`() {
        let arranged = ExplanationGraph.arrange(
            [
                finding(.tunnelFlapping), finding(.insidePathDown), finding(.antiReplayDrops),
                finding(.antiReplayEnabled),
            ], facts)
        #expect(arranged.map(\.id) == [.antiReplayDrops])
        #expect(
            Set(arranged[0].explained.map(\.id))
                == [.insidePathDown, .tunnelFlapping, .antiReplayEnabled])
        #expect(arranged[0].explained.allSatisfy { $0.evidence == ["seen"] })
    }

    @Test func `a symptom of a symptom stands once, under the first cause`() {
        let arranged = ExplanationGraph.arrange(
            [
                finding(.insidePathDown), finding(.noSecurityAssociation),
                finding(.ikeAuthenticationFailed), finding(.tunnelFlapping),
            ], facts)
        #expect(arranged.map(\.id) == [.ikeAuthenticationFailed])
        #expect(arranged.withExplained.count == 4)
    }

    @Test func `two faults that have nothing to do with each other stay two`() {
        let arranged = ExplanationGraph.arrange(
            [finding(.mssNotClamped), finding(.antiReplayDrops)], facts)
        #expect(arranged.map(\.id) == [.antiReplayDrops, .mssNotClamped])
    }

    @Test func `nothing is lost, whatever stands together`() {
        for seed in 0..<500 {
            var state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 | 1
            let chosen = FindingID.allCases.filter { _ in
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                return state & 3 == 0
            }
            let arranged = ExplanationGraph.arrange(chosen.map { finding($0) }, facts)
            #expect(Set(arranged.withExplained.map(\.id)) == Set(chosen))
            #expect(arranged.withExplained.count == chosen.count)
        }
    }

    @Test func `explanations have no circles`() {
        for cause in FindingID.allCases {
            for symptom in ExplanationGraph.symptoms[cause] ?? [] {
                #expect(ExplanationGraph.symptoms[symptom]?.contains(cause) != true)
                #expect(symptom != cause)
            }
        }
    }
}

@Suite struct `The table of rules` {
    @Test func `each id has one rule, in the catalogue's order`() {
        #expect(RuleTable.rules.map { $0.entry.id } == FindingID.allCases)
    }

    @Test func `of a tunnel of which nothing is known, nothing is found`() {
        for rule in RuleTable.rules {
            #expect(rule.judge(facts).finding == nil, "\(rule.entry.id)")
        }
    }

    @Test func `every judgement says what it rests on`() {
        for rule in RuleTable.rules {
            let judgement = rule.judge(facts)
            #expect(!judgement.reasons.isEmpty, "\(rule.entry.id)")
            #expect(judgement.reasons.allSatisfy { !$0.isEmpty }, "\(rule.entry.id)")
        }
    }
}
