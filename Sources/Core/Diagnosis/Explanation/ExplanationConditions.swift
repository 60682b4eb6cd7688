/// When an explanation holds that does not hold always.
enum ExplanationConditions {
    /// Whether the facts let one finding be the reason of another, which the graph allows in principle.
    static func holds(_ cause: FindingID, _ symptom: FindingID, _ facts: TunnelFacts) -> Bool {
        switch (cause, symptom) {
        case (.underlayLoss, .insidePathDown):
            // Loss outside explains silence inside only where hardly anything passes outside.
            return facts.outside.recent.value?.lossRatio.map { $0 >= 0.5 } ?? false
        case (.antiReplayDrops, .insidePathDown):
            // A window that refuses one packet in a hundred silences nobody.
            guard let drops = facts.kernel.recentDrops.value, drops.arrived > 0 else { return true }
            return Double(drops.refused) / Double(drops.arrived) >= 0.3
        case (.rekeyDisruption, .insidePathDown):
            return false
        default: return true
        }
    }
}
