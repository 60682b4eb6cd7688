import EchoProbing
import KernelState
import NetworkPrimitives
import PacketCapture
import PacketFormats
import PathMTU
import RawSockets
import ReplyPath

/// Measures one path once, on the thread that runs it: a search for the largest packet and a ladder of
/// hop-limited packets beside each other.
struct PathRound {
    /// The most captured frames between two looks at the clock: a flood of errors costs time, and no
    /// deadline.
    private static let framesPerTurn = 2048
    /// Between two looks at the engines when they are in a hurry.
    private static let shortestWait = Duration.milliseconds(1)
    private static let captureKey: UInt64 = 0

    private let order: PathRoundOrder
    private let control: PathRoundControl
    private let pacer: SharedHopPacer
    private let poll: EventPoll
    private var sockets: [PathSockets] = []
    /// Of which of `sockets` each poll key above `captureKey` is.
    private var readers: [EchoSocket] = []
    private var capture: PathCapture?
    private var table = PathProbeTable()
    private var correlation = ClockCorrelation()
    private let startedAt = MonotonicClock.now()

    private var search: PathMTUSearch?
    private var searchSockets: PathSockets?
    private var ladder: ReplyLadder?
    private var ladderSockets: PathSockets?
    private let searchIdentifier = UInt16.random(in: 1 ... .max)
    private let searchChecksum = UInt16.random(in: 1...0xfffe)
    private var notedHops: Set<UInt8> = []
    private var outcome = PathRoundOutcome()

    /// Runs a round to its end.
    static func run(
        _ order: PathRoundOrder, pacer: SharedHopPacer, control: PathRoundControl
    ) -> PathRoundOutcome {
        do throws(SocketError) {
            let poll = try EventPoll()
            var round = PathRound(order: order, control: control, pacer: pacer, poll: poll)
            control.attach(poll.waker)
            round.open()
            round.run()
            return round.outcome
        } catch {
            return .impossible(order, because: error.description)
        }
    }

    private init(
        order: PathRoundOrder, control: PathRoundControl, pacer: SharedHopPacer, poll: EventPoll
    ) {
        self.order = order
        self.control = control
        self.pacer = pacer
        self.poll = poll
    }

    // MARK: - Opening

    private mutating func open() {
        if let wanted = order.search {
            do throws(SocketError) {
                searchSockets = try openSockets(to: wanted.target)
                search = PathMTUSearch(settings: wanted.settings, start: startedAt)
            } catch {
                outcome.mtu = PathMTUReport(unknown: error.description)
            }
        }
        if let wanted = order.ladder {
            do throws(SocketError) {
                ladderSockets =
                    wanted.target == order.search?.target && searchSockets != nil
                    ? searchSockets : try openSockets(to: wanted.target)
            } catch {
                outcome.replies = ReplyPathReport(inconclusive: error.description)
            }
        }
        openCapture()
        if let wanted = order.ladder, let ladderSockets {
            let settings = wanted.settings(
                ladderSockets.source, capture != nil && order.leavesByCaptureDevice)
            ladder = ReplyLadder(settings: settings, start: startedAt)
        }
    }

    private mutating func openSockets(to target: IPAddress) throws(SocketError) -> PathSockets {
        let opened = try PathSockets(order.route, to: target, path: order.path)
        for socket in opened.echoSockets {
            readers.append(socket)
            try poll.add(socket.descriptor, key: UInt64(readers.count))
        }
        sockets.append(opened)
        return opened
    }

    private mutating func openCapture() {
        guard let device = order.captureDevice.value else {
            outcome.captureReason = order.captureDevice.reason
            return
        }
        guard !sockets.isEmpty else { return }
        do throws(CaptureError) {
            let opened = try PathCapture(
                device, in: order.route.namespace, endpoints: Set(sockets.map(\.source)),
                targets: Set(sockets.map(\.target)))
            try add(opened, device)
            capture = opened
        } catch {
            outcome.captureReason = error.description
        }
    }

    private func add(_ capture: PathCapture, _ device: String) throws(CaptureError) {
        do throws(SocketError) {
            try poll.add(capture.descriptor, key: Self.captureKey)
        } catch {
            throw CaptureError(
                .failed, device: device, namespace: order.route.namespace, operation: "epoll_ctl",
                text: error.description)
        }
    }

    // MARK: - Running

    private mutating func run() {
        var ready: [UInt64] = []
        while true {
            var now = MonotonicClock.now()
            if control.isCancelled || now >= order.end {
                outcome.isCancelled = control.isCancelled
                search?.stop(because: "time limit", at: now)
                ladder?.conclude(at: now, reason: "time limit")
                break
            }
            notePairs(at: now)
            sendSizes(at: now)
            sendRungs(at: now)
            guard search?.isFinished == false || ladder?.isFinished == false else { break }
            now = MonotonicClock.now()
            let due = [search?.deadline, ladder?.deadline, order.end].compactMap { $0 }.min()
            ready.removeAll(keepingCapacity: true)
            poll.wait(until: max(due ?? order.end, now + Self.shortestWait)) { ready.append($0) }
            for key in ready { drain(key) }
        }
        if let search { outcome.mtu = search.report }
        if let ladder { outcome.replies = ladder.report }
        outcome.refused = table.refused
    }

    /// Hands the ladder what reply pairs found.
    ///
    /// They hear by sockets alone: behind a firewall of this host that hides answers, their silence says
    /// nothing, and what was noted of it before is taken back.
    private mutating func notePairs(at now: MonotonicInstant) {
        let pairs = control.takePairs()
        guard table.isDeaf else {
            notedHops.formUnion(pairs.keys)
            for (hop, pairs) in pairs { ladder?.note(pairsAt: hop, pairs, at: now) }
            return
        }
        let nothing = PairObservations(
            controlsSent: 0, controlsAnswered: 0, testsSent: 0, testsAnswered: 0, router: nil)
        for hop in notedHops { ladder?.note(pairsAt: hop, nothing, at: now) }
        notedHops = []
    }

    private func admit(_ distance: UInt8, at now: MonotonicInstant) -> MonotonicInstant? {
        pacer.admit(
            HopPacer.Hop(
                tunnel: order.pacedTunnel, namespace: order.route.namespace ?? "",
                distance: distance), at: now)
    }

    private mutating func sendSizes(at now: MonotonicInstant) {
        guard var search, !search.isFinished, let sockets = searchSockets, let wanted = order.search
        else { return }
        var actions: [SizeProbe] = []
        search.advance(to: now, pace: admit, into: &actions)
        for probe in actions {
            let echo = EchoMessage(
                ofPacket: probe.byteCount, family: wanted.target.family,
                identifier: searchIdentifier,
                sequence: UInt16(truncatingIfNeeded: probe.number), checksum: searchChecksum)
            table.add(echo, to: wanted.target, lane: .search, number: probe.number)
            switch sockets.send(echo, checksum: searchChecksum, hopLimit: probe.hopLimit) {
            case .sent(let instant): search.sent(probe.number, at: instant)
            case .failed(let failure):
                search.failedToSend(
                    probe.number,
                    tooLargeFor: failure.kind == .tooBig ? failure.limit ?? 0 : nil, at: now)
            }
        }
        self.search = search
    }

    private mutating func sendRungs(at now: MonotonicInstant) {
        guard var ladder, !ladder.isFinished, let sockets = ladderSockets, let wanted = order.ladder
        else { return }
        var actions: [LadderProbe] = []
        ladder.advance(to: now, pace: admit, into: &actions)
        for probe in actions {
            let result: PathSockets.Outcome
            if let echo = probe.echoMessage(family: wanted.target.family) {
                table.add(echo, to: wanted.target, lane: .ladder, number: probe.number)
                result = sockets.send(echo, checksum: probe.checksum, hopLimit: probe.hopLimit)
            } else {
                if let port = sockets.sourcePort(for: probe.identifier) {
                    table.addDatagram(
                        from: port, to: wanted.target, port: probe.sequence,
                        checksum: probe.checksum, lane: .ladder, number: probe.number)
                }
                result = sockets.sendDatagram(probe)
            }
            switch result {
            case .sent(let instant): ladder.sent(probe.number, at: instant)
            case .failed(let failure):
                ladder.failedToSend(
                    probe.number, isRefusedHere: failure.kind == .denied, at: now)
            }
        }
        self.ladder = ladder
    }

    // MARK: - What comes

    private mutating func drain(_ key: UInt64) {
        var found: [(PathProbeTable.Finding, MonotonicInstant)] = []
        if key == Self.captureKey {
            drainCapture(into: &found)
        } else {
            readers[Int(key) - 1].drain(correlation: &correlation) { event, bytes in
                guard case .received(let message) = event,
                    let finding = table.receive(
                        bytes, from: message.source, to: message.destination,
                        isTruncated: message.truncated, isCaptured: false)
                else { return }
                found.append((finding, message.at))
            }
        }
        for (finding, instant) in found { take(finding, at: instant) }
    }

    private mutating func drainCapture(
        into found: inout [(PathProbeTable.Finding, MonotonicInstant)]
    ) {
        guard let capture else { return }
        correlation.sample()
        let now = correlation.sampledAt
        let stamps = correlation.conversion(
            notBefore: startedAt, notAfter: now + Self.shortestWait)
        do throws(CaptureError) {
            try capture.drain(limit: Self.framesPerTurn) { frame, link, stamp, length in
                guard let finding = table.receive(frame: frame, link: link, wireLength: length)
                else { return }
                found.append((finding, stamps.convert(stamp) ?? now))
            }
        } catch {
            // Sockets still hear what no firewall of this host drops.
            outcome.captureReason = error.description
            do throws(SocketError) {
                try poll.remove(capture.descriptor)
            } catch {
                // It is closed below, which takes it out as well.
            }
            self.capture = nil
        }
    }

    private mutating func take(_ finding: PathProbeTable.Finding, at instant: MonotonicInstant) {
        switch finding.lane {
        case .search:
            guard let answer = SizeAnswer(finding.event) else { return }
            search?.receive(answer, to: finding.number, at: instant)
        case .ladder:
            if finding.event == .left {
                ladder?.seenLeaving(finding.number, at: instant)
            } else if let answer = LadderAnswer(finding.event) {
                ladder?.receive(answer, to: finding.number, at: instant)
            }
        }
    }
}

extension SizeAnswer {
    /// What an event says to a search; nil for nothing.
    init?(_ event: PathProbeTable.Finding.Event) {
        switch event {
        case .left: return nil
        case .echo: self = .echo
        case .error(.timeExceeded, let sender, _): self = .timeExceeded(router: sender)
        case .error(.packetTooBig(let mtu), let sender, _):
            self = .packetTooBig(router: sender, mtu: mtu)
        case .error(.filtered, let sender, _):
            self = .unreachable(router: sender, isFiltered: true)
        case .error(.unreachable, let sender, _):
            self = .unreachable(router: sender, isFiltered: false)
        case .error(.other, _, _): return nil
        }
    }
}

extension LadderAnswer {
    /// What an event says to a ladder; nil for nothing.
    init?(_ event: PathProbeTable.Finding.Event) {
        switch event {
        case .left, .error(.packetTooBig, _, _), .error(.other, _, _): return nil
        case .echo: self = .echo
        case .error(.timeExceeded, let sender, let source):
            self = .timeExceeded(router: sender, quotedSource: source)
        case .error(.filtered, let sender, let source):
            self = .filtered(router: sender, quotedSource: source)
        case .error(.unreachable, let sender, let source):
            self = .unreachable(router: sender, quotedSource: source)
        }
    }
}
