extension StreamVerdict {
    /// Packets below which nothing is said about a single sender.
    static let leastPackets: UInt64 = 16

    /// All that can be said about a stream, by the rules of algorithms §8; never empty.
    static func verdicts(_ evidence: StreamEvidence) -> [StreamVerdict] {
        let found = [
            multiSender(evidence), reordering(evidence), duplication(evidence), replay(evidence),
            singleSender(evidence),
        ].compactMap { $0 }
        return found.isEmpty ? [clean(evidence)] : found
    }

    // MARK: Senders

    static func multiSender(_ evidence: StreamEvidence) -> StreamVerdict? {
        let least = max(evidence.lowerBound, evidence.multiplicity)
        let grade: Grade
        if evidence.certainCollisions >= 3 || evidence.lowerBound >= 3 {
            grade = .proven
        } else if !evidence.isOneCounter || evidence.namedSenders >= 2 {
            grade = .likely
        } else {
            return nil
        }
        var clauses: [String] = []
        if evidence.collisions > 0 {
            let doubt =
                evidence.certainCollisions == 0 ? ", or a packet that was forgotten since" : ""
            clauses.append(
                "\(Figures.count(evidence.collisions, "packet")) carried a sequence number that "
                    + "another packet had used, with different bytes\(doubt)")
        }
        if least >= 2 {
            clauses.append(
                "at least \(least) independent sequence counters, assuming no packet overtook "
                    + "another of the same sender by more than 0.5 s")
        }
        if evidence.method == .iv, evidence.namedSenders >= 2 {
            clauses.append("the IVs name \(evidence.namedSenders) senders")
        } else if let estimate = evidence.estimate, estimate > least {
            clauses.append("about \(estimate) counters can be followed")
        }
        if evidence.hopLimits > 1 {
            clauses.append("\(evidence.hopLimits) different hop limits arrive")
        }
        return StreamVerdict(
            kind: .multiSender, grade: grade, evidence: clauses.joined(separator: "; "))
    }

    static func singleSender(_ evidence: StreamEvidence) -> StreamVerdict? {
        guard evidence.packets >= leastPackets, evidence.isOneCounter, evidence.estimate == 1 else {
            return nil
        }
        return StreamVerdict(
            kind: .singleSender, grade: .likely,
            evidence: "\(evidence.packets) packets fit one sequence counter, and no two different "
                + "ones share a number")
    }

    // MARK: Order

    static func reordering(_ evidence: StreamEvidence) -> StreamVerdict? {
        guard evidence.packets > 0 else { return nil }
        let packets = Double(evidence.packets)
        // With one counter RFC 4737's ratio of the raw stream is exact, whatever the tracker thinks.
        if evidence.isOneCounter, evidence.estimate == 1 {
            let ratio = Double(evidence.outOfOrder) / packets
            guard evidence.outOfOrder >= 10, ratio >= 1e-3 else { return nil }
            return StreamVerdict(
                kind: .pathReordering, grade: .proven,
                evidence: "\(evidence.outOfOrder) of \(evidence.packets) packets "
                    + "(\(Figures.percent(ratio))) of the only sender arrived after a later one")
        }
        let net = evidence.fills - evidence.expectedFalseFills
        let noise = evidence.expectedFalseFills.squareRoot()
        guard evidence.fills >= 10, net / packets >= 1e-3 else { return nil }
        guard evidence.confidence >= 0.95 else {
            return StreamVerdict(
                kind: .reorderingNotIdentifiable, grade: .likely,
                evidence: "\(Figures.decimal(evidence.fills, digits: 0)) packets look late, but "
                    + "senders meet at the same numbers: a packet's sender is sure to "
                    + Figures.percent(evidence.confidence) + " only")
        }
        guard net > evidence.expectedFalseFills + 3 * noise else { return nil }
        let subtracted =
            evidence.expectedFalseFills >= 0.5
            ? ", \(Figures.decimal(evidence.expectedFalseFills, digits: 0)) coincidences subtracted"
            : ""
        return StreamVerdict(
            kind: .pathReordering, grade: evidence.method == .iv ? .proven : .likely,
            evidence: "\(Figures.decimal(net, digits: 0)) of \(evidence.packets) packets "
                + "(\(Figures.percent(net / packets))) arrived after a later one of the same sender"
                + subtracted)
    }

    // MARK: Copies

    static func duplication(_ evidence: StreamEvidence) -> StreamVerdict? {
        guard evidence.packets > 0 else { return nil }
        let share = Double(evidence.youngCopies) / Double(evidence.packets)
        let copies =
            "\(Figures.count(evidence.youngCopies, "byte-identical copy", plural: "byte-identical copies"))"
            + " younger than 100 ms (\(Figures.percent(share)) of the packets)"
        guard evidence.youngCopies >= 5 else { return nil }
        if share > CopyTally.captureShare {
            return StreamVerdict(
                kind: .captureDuplication, grade: .likely,
                evidence: copies + ": the capture sees packets twice, at a mirror port or a bridge "
                    + "and its member")
        }
        guard share > 1e-4 else { return nil }
        return StreamVerdict(kind: .networkDuplication, grade: .likely, evidence: copies)
    }

    static func replay(_ evidence: StreamEvidence) -> StreamVerdict? {
        guard evidence.copies.replay >= 3, let ages = evidence.oldAges else { return nil }
        let (least, most) = (Figures.time(ages.lowerBound), Figures.time(ages.upperBound))
        var text =
            "\(evidence.copies.replay) byte-identical copies came "
            + (least == most ? most : "\(least) to \(most)") + " after the first"
        var signs: [String] = []
        if evidence.oldCopiesWithOtherHopLimit * 2 > evidence.copies.replay {
            signs.append("most with another hop limit")
        }
        if ages.upperBound - ages.lowerBound > .seconds(10) { signs.append("of very unlike ages") }
        if !signs.isEmpty { text += ", \(signs.joined(separator: " and ")), like an attack" }
        return StreamVerdict(kind: .replaySuspected, grade: .likely, evidence: text)
    }

    static func clean(_ evidence: StreamEvidence) -> StreamVerdict {
        // One packet, perhaps a forged one, is counted as a second sender and proves none.
        let sign = (evidence.estimate ?? 1) > 1 ? "proof" : "a sign"
        return StreamVerdict(
            kind: .clean, grade: .likely,
            evidence: "\(Figures.count(evidence.packets, "packet")) without \(sign) of a second "
                + "sender, reordering, copies or replay")
    }
}
