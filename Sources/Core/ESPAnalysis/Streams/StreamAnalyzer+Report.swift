public import NetworkPrimitives
import RealModule

extension StreamAnalyzer {
    /// The most senders a report names.
    public static let reportedSenderLimit = 512

    /// What is known of the stream at an instant not before its latest packet.
    ///
    /// - Parameters:
    ///   - now: The instant.
    ///   - senderLimit: How many senders to name, 0...512; each costs a string.
    /// - Returns: The report.
    public mutating func report(
        at now: MonotonicInstant, senderLimit: Int = reportedSenderLimit
    ) -> StreamReport {
        copies.settle()
        named?.advance(to: now)
        single?.advance(to: now)
        var report = StreamReport(
            id: id, sources: sources.sorted { $0.description < $1.description }, packets: packets,
            bytes: bytes, firstArrival: firstArrival, lastArrival: lastArrival)
        report.fragments = fragments
        report.duplicates = copies.counts
        report.collisions = collisions
        report.windows = windows.forecasts
        report.lengthClasses = lengths.classes()
        report.startsAtBirth = startsAtBirth
        report.reordering.outOfOrder = outOfOrder
        report.reordering.streamRatio =
            distinct == 0 ? nil : Double(outOfOrder) / Double(distinct)

        var evidence = generalEvidence
        let limit = min(max(0, senderLimit), Self.reportedSenderLimit)
        if named != nil {
            reportNamed(into: &report, &evidence, at: now, limit)
        } else {
            reportCounters(into: &report, &evidence, at: now, limit)
        }
        report.senderReorderedTotal = metrics.reordered
        report.lostTotal = metrics.lost
        report.verdicts = StreamVerdict.verdicts(evidence)
        return report
    }

    /// Whether the first packets began the SA, whose numbers begin with 1 (RFC 4303 §3.3.3).
    ///
    /// A few may have been lost or overtaken on the way.
    private var startsAtBirth: Bool { lowestEarly <= 8 }

    private var generalEvidence: StreamEvidence {
        var evidence = StreamEvidence()
        evidence.packets = distinct
        evidence.collisions = collisions
        evidence.certainCollisions = certainCollisions
        evidence.lowerBound = max(1, bound.bound)
        evidence.multiplicity = multiplicity.bound
        evidence.hopLimits =
            hopLimits.0.nonzeroBitCount + hopLimits.1.nonzeroBitCount
            + hopLimits.2.nonzeroBitCount + hopLimits.3.nonzeroBitCount
        evidence.outOfOrder = outOfOrder
        evidence.copies = copies.counts
        evidence.youngCopies = copies.young
        evidence.oldCopiesWithOtherHopLimit = copies.oldWithOtherHopLimit
        evidence.oldAges = copies.oldAges
        return evidence
    }

    // MARK: Senders named by their IVs

    private mutating func reportNamed(
        into report: inout StreamReport, _ evidence: inout StreamEvidence,
        at now: MonotonicInstant, _ limit: Int
    ) {
        guard let table = named, case .named(let family) = fingerprint.state else { return }
        let census = table.census(at: now, since: firstArrival)
        var senders = SenderCount()
        senders.atLeast = evidence.provenSenders
        senders.estimate = max(table.count, senders.atLeast)
        senders.activeLastMinute = census.activeLastMinute
        senders.rangeHigh = max(senders.estimate ?? 0, table.count + census.unseen)
        senders.method = .iv
        senders.family = family
        senders.confidence = 1
        senders.isGrowing = census.isGrowing
        report.senders = senders
        metrics.update(.named, reordered: table.reordered, lost: table.lost)
        report.publish(table)
        report.topSenders = table.reports(limit: limit, of: distinct) { family.name(of: $0) }

        evidence.method = .iv
        evidence.estimate = senders.estimate
        evidence.namedSenders = census.withThreePackets
        evidence.confidence = 1
        evidence.fills = Double(table.reordered)
    }

    // MARK: Senders followed by their counters

    private mutating func reportCounters(
        into report: inout StreamReport, _ evidence: inout StreamEvidence,
        at now: MonotonicInstant, _ limit: Int
    ) {
        report.senders.atLeast = evidence.provenSenders
        report.senders.reason = fingerprint.reason
        tracker?.advance(to: now)
        guard let tracker else {
            // Nothing but packets with number 0, which no sender sends.
            report.senders.reason = "no packet with a sequence number that senders use"
            report.unidentifiableBecause = report.senders.reason
            return
        }
        let summary = tracker.summary(at: now)
        let estimate = estimatedCounters(tracker, at: now)
        let minuteAgo = now - .seconds(60)
        report.senders.method = .counters
        report.senders.estimate = max(estimate, report.senders.atLeast)
        report.senders.activeLastMinute = max(
            tracker.tracks(since: minuteAgo), lastArrival >= minuteAgo ? bound.windowBound : 0)
        report.senders.rangeHigh = max(estimate, summary.rangeHigh)
        report.senders.isGrowing = summary.isGrowing
        report.senders.confidence = summary.confidence
        evidence.method = .counters
        evidence.estimate = report.senders.estimate
        evidence.confidence = summary.confidence ?? 0
        evidence.fills = Double(summary.fills)
        evidence.expectedFalseFills = summary.expectedFalseFills

        if let single, evidence.isOneCounter, estimate == 1 {
            report.senders.activeLastMinute = lastArrival >= minuteAgo ? 1 : 0
            report.senders.confidence = 1
            metrics.update(.single, reordered: single.reordered, lost: single.lost)
            report.publish(single)
            report.topSenders = single.reports(limit: limit, of: distinct) { _ in "#1" }
            return
        }
        if evidence.isOneCounter {
            report.senders.activeLastMinute = min(
                report.senders.activeLastMinute ?? 0, estimate)
        }
        report.topSenders = tracker.senders(limit: limit, at: now)
        let net = UInt64(summary.netReordering.rounded())
        guard evidence.confidence >= Self.publishedConfidence else {
            metrics.standStill(.counters, reordered: net, lost: summary.lost)
            report.unidentifiableBecause =
                "not identifiable: a packet's sender is sure to "
                + "\(Figures.percent(evidence.confidence)) on average, with "
                + "\(Figures.decimal(summary.colocation, digits: 2)) other counters at its number"
            for place in report.topSenders.indices {
                report.topSenders[place].lost = nil
                report.topSenders[place].reordered = nil
            }
            return
        }
        metrics.update(.counters, reordered: net, lost: summary.lost)
        report.lostPackets = summary.lost
        report.outagePackets = summary.outage
        report.reordering.senderPackets = net
        report.reordering.senderRatio =
            summary.packets == 0 ? nil : Double(net) / Double(summary.packets)
        report.reordering.maximumExtent = summary.maximumExtent
        report.reordering.maximumLateness = summary.maximumLateness
        report.windowsPerSender = lateCounters.forecasts(packets: summary.packets)
    }

    /// The mean confidence from which figures of single senders are told (§6.2).
    static let publishedConfidence = 0.95
}

extension IVFingerprint {
    /// Why no IV names the senders; nil when one does.
    var reason: String? {
        switch state {
        case .learning: "too few packets to tell whether the IVs name the senders"
        case .named: nil
        case .refused(let refusal): refusal.rawValue
        }
    }
}

extension StreamEvidence {
    /// The proven number of senders, at least 1.
    var provenSenders: Int { max(1, lowerBound, multiplicity) }
}

extension StreamReport {
    /// Puts in what a table of exact senders says.
    mutating func publish(_ table: SenderTable) {
        lostPackets = table.lost
        outagePackets = table.outage
        unidentifiableBecause = nil
        windowsPerSender = table.windowForecasts
        reordering.senderPackets = table.reordered
        reordering.senderRatio =
            table.packets == 0 ? nil : Double(table.reordered) / Double(table.packets)
        guard table.reordered > 0 else { return }
        reordering.maximumExtent = table.maximumExtent
        reordering.maximumLateness = table.maximumLateness
    }
}
