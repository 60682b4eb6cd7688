import NetworkPrimitives

extension SuccessionWatch.FormerWalk {
    /// Whether it gives way before another.
    fileprivate func isLess(than other: Self) -> Bool {
        if (gap == nil) != (other.gap == nil) { return gap == nil }
        return lastBefore < other.lastBefore
    }
}

extension SuccessionWatch.Open {
    /// Begins with the first packet on an SPI; nil when nothing carried before it.
    ///
    /// - Parameters:
    ///   - spi: The new SPI.
    ///   - order: The how-manieth it is.
    ///   - instant: Its first packet.
    ///   - carriers: All SPIs that are remembered.
    init?(
        _ spi: SPI, order: UInt32, at instant: MonotonicInstant,
        after carriers: ContiguousArray<SuccessionWatch.Carrier>
    ) {
        self.spi = spi
        self.order = order
        first = instant
        lastCarried = instant
        formers = InlineArray(
            repeating: SuccessionWatch.FormerWalk(spi: spi, order: order, lastBefore: instant))
        for carrier in carriers
        where carrier.order < order && instant - carrier.last <= SuccessionWatch.memory {
            keep(carrier)
        }
        guard formerCount > 0 else { return nil }
        packets = 1
        carried = 1
        receiveNew(at: instant)
    }

    /// Keeps a former SPI; where there is no room, instead of one that came once, or that was silent for
    /// longest.
    private mutating func keep(_ carrier: SuccessionWatch.Carrier) {
        let former = SuccessionWatch.FormerWalk(
            spi: carrier.spi, order: carrier.order, lastBefore: carrier.last, gap: carrier.gap)
        var place = formerCount
        if formerCount == SuccessionWatch.formerLimit {
            place = 0
            for other in 1..<formerCount where formers[other].isLess(than: formers[place]) {
                place = other
            }
            guard formers[place].isLess(than: former) else { return }
        } else {
            formerCount += 1
        }
        formers[place] = former
    }

    /// Receives a packet on any SPI of the tunnel.
    @inline(__always)
    mutating func receive(_ spi: SPI, order: UInt32, at instant: MonotonicInstant) {
        guard order < self.order else {
            carried += 1
            lastCarried = instant
            if order == self.order {
                packets &+= 1
            } else if overtaker == nil {
                overtaker = (spi, instant)
            }
            if isWaiting { receiveNew(at: instant) }
            return
        }
        for place in 0..<formerCount where formers[place].order == order {
            formers[place].walk.receiveFormer(at: instant, carried: carried)
            joint.receiveFormer(at: instant, carried: carried)
            isWaiting = true
            return
        }
    }

    private mutating func receiveNew(at instant: MonotonicInstant) {
        joint.receiveNew(at: instant)
        for place in 0..<formerCount { formers[place].walk.receiveNew(at: instant) }
        isWaiting = false
    }

    // MARK: - Silence

    /// Whether a former SPI has been silent for long enough to count as replaced.
    private func isSilent(
        _ former: SuccessionWatch.FormerWalk, at now: MonotonicInstant,
        _ carriers: ContiguousArray<SuccessionWatch.Carrier>
    ) -> Bool {
        let last = max(former.walk.lastTail ?? first, first)
        var silence = SuccessionWatch.leastSilence
        if carriers.first(where: { $0.spi == former.spi })?.removedAt == nil {
            // A stream of a packet a minute is not silent after half a one.
            silence = max(silence, min((former.gap ?? .zero) * 4, SuccessionWatch.patience))
        }
        return now - last >= silence && lastCarried >= last
    }

    /// Whether there is nothing more to learn.
    func isOver(
        at now: MonotonicInstant, _ carriers: ContiguousArray<SuccessionWatch.Carrier>
    ) -> Bool {
        if now - first >= SuccessionWatch.patience { return true }
        var silent = 0
        for place in 0..<formerCount where isSilent(formers[place], at: now, carriers) {
            silent += 1
        }
        return silent == formerCount
            || silent > 0 && now - first >= SuccessionWatch.companionPatience
    }

    /// What is seen so far.
    func report(
        at now: MonotonicInstant, _ carriers: ContiguousArray<SuccessionWatch.Carrier>
    ) -> Succession {
        let now = min(now, closedAt ?? now)
        var reported: [Succession.Former] = []
        for place in 0..<formerCount {
            let former = formers[place]
            reported.append(
                Succession.Former(
                    spi: former.spi, lastPacketAt: former.walk.lastTail ?? former.lastBefore,
                    isSilent: isSilent(former, at: now, carriers), arrivals: arrivals(former.walk)))
        }
        return Succession(
            spi: spi, firstPacketAt: first, formers: reported, joint: arrivals(joint),
            overtakenBy: overtaker.flatMap { overtaker in
                (joint.converged ?? .distantFuture) > overtaker.since ? overtaker.spi : nil
            }, isClosed: isClosed)
    }

    private func arrivals(_ walk: ConvergenceWalk) -> Succession.Arrivals {
        Succession.Arrivals(
            firstPacketAt: first, halfAt: walk.half, convergedAt: walk.converged,
            tailPackets: UInt64(walk.tailPackets), lastTailAt: walk.lastTail, packets: packets)
    }
}
