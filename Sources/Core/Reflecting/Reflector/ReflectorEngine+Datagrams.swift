public import NetworkPrimitives
import PacketFormats

extension ReflectorEngine {
    /// Takes a datagram that came to the reflector's port.
    ///
    /// - Parameters:
    ///   - datagram: its payload; any octets are safe.
    ///   - agent: where it came from.
    ///   - local: the address of this host that it came to; nil where the kernel did not say.
    ///   - hopLimit: the hop limit it came with; nil where the kernel did not say.
    ///   - now: when it came.
    ///   - actions: gets at most one more packet to send.
    public mutating func receive(
        _ datagram: RawSpan, from agent: Endpoint, to local: IPAddress?, hopLimit: UInt8?,
        at now: MonotonicInstant, into actions: inout [Action]
    ) {
        advance(to: now, into: &actions)
        counts.datagrams += 1
        counts.datagramOctets += UInt64(datagram.byteCount)
        let message: ControlMessage
        do throws(ControlMessageError) {
            message = try ControlMessage(parsing: datagram)
        } catch {
            switch error {
            case .foreign: counts.foreign += 1
            case .truncated: counts.truncated += 1
            case .malformed: counts.malformed += 1
            case .unknownVersion: counts.unknownVersions += 1
            }
            return
        }
        switch message.body {
        case .hello:
            guard admits(agent.address, at: now), verify(message, datagram) else { return }
            let cookie = cookies.cookie(for: agent, nonce: message.nonce, at: now)
            answer(.challenge(cookie: cookie), to: message, agent, local, &actions)
        case .begin(let cookie, let identifiers):
            guard admits(agent.address, at: now), verify(message, datagram) else { return }
            guard cookies.accepts(cookie, from: agent, nonce: message.nonce, at: now) else {
                counts.staleCookies += 1
                return
            }
            begin(message, identifiers, agent, local, hopLimit, now, &actions)
        case .send(let kind, let index):
            guard let place = place(of: message, datagram, agent, now) else { return }
            send(kind, Int(index), place, &actions)
        case .ask(let isLast):
            guard let place = place(of: message, datagram, agent, now) else { return }
            if isLast { end(place, now, &actions) }
            answer(.receipt(runs[place].receipt), to: message, agent, runs[place].local, &actions)
        case .challenge, .begun, .receipt:
            // What a reflector says: sent back to it, or by another one.
            counts.malformed += 1
        }
    }

    private mutating func admits(_ source: IPAddress, at now: MonotonicInstant) -> Bool {
        // The source's own bucket first: a source that is over its limit costs the others nothing.
        guard sources.take(of: source, at: now), strangers.take(at: now) else {
            counts.limited += 1
            return false
        }
        return true
    }

    private mutating func verify(_ message: ControlMessage, _ datagram: RawSpan) -> Bool {
        guard message.isAuthentic(datagram, keys) else {
            counts.unauthenticated += 1
            return false
        }
        return true
    }

    /// The place of the run that a genuine, new datagram of its agent belongs to.
    private mutating func place(
        of message: ControlMessage, _ datagram: RawSpan, _ agent: Endpoint, _ now: MonotonicInstant
    ) -> Int? {
        guard
            let place = runs.firstIndex(where: {
                $0.number == message.run && $0.nonce == message.nonce && $0.agent == agent
            })
        else {
            counts.unknownRuns += 1
            return nil
        }
        guard guests.take(at: now) else {
            counts.limited += 1
            return nil
        }
        guard verify(message, datagram) else { return nil }
        guard runs[place].accept(message.counter) else {
            counts.replayed += 1
            return nil
        }
        return place
    }

    private mutating func begin(
        _ message: ControlMessage, _ identifiers: UInt16, _ agent: Endpoint, _ local: IPAddress?,
        _ hopLimit: UInt8?, _ now: MonotonicInstant, _ actions: inout [Action]
    ) {
        var admission = ControlMessage.Admission(
            observed: agent, hopLimit: hopLimit,
            lifetimeSeconds: UInt16(clamping: settings.lifetime.components.seconds),
            indexLimit: UInt16(IndexSet.limit))
        var reply = message
        if let place = runs.firstIndex(where: { $0.nonce == message.nonce }) {
            // The agent did not hear that it has begun; or somebody repeats what it said.
            guard runs[place].agent == agent, !runs[place].isEnded,
                runs[place].accept(message.counter)
            else {
                counts.replayed += 1
                return
            }
            reply.run = runs[place].number
        } else if runs.count >= settings.runs
            || runs.count(where: { $0.agent.address == agent.address }) >= settings.runsPerAgent
        {
            counts.refusedRuns += 1
            admission.isBusy = true
        } else {
            reply.run = name()
            counts.runs += 1
            runs.append(
                ReflectorRun(
                    nonce: message.nonce, number: reply.run, agent: agent, local: local,
                    identifiers: identifiers, counter: message.counter,
                    begunAt: now, expiresAt: now + settings.lifetime))
        }
        answer(.begun(admission), to: reply, agent, local, &actions)
    }

    /// The next name of a run: no two alike, and none to be guessed.
    private mutating func name() -> UInt64 {
        while true {
            nextName += 1
            var octets: [UInt8] = []
            octets.append(bigEndian: nextName)
            let number = names.tag(of: octets)[..<8].reduce(0) { $0 << 8 | UInt64($1) }
            // 0 stands for "no run yet" on the wire.
            if number != 0, !runs.contains(where: { $0.number == number }) { return number }
        }
    }

    private mutating func send(
        _ kind: EchoMessage.Kind, _ index: Int, _ place: Int, _ actions: inout [Action]
    ) {
        guard !runs[place].isEnded, runs[place].order(kind, index) else {
            counts.replayed += 1
            return
        }
        let run = runs[place]
        let mark = ProbeMark(
            origin: ProbeMark.Origin(kind, isFromAgent: false), index: UInt16(index),
            run: run.number)
        actions.append(
            .probe(
                ProbeOrder(
                    run: run.number, kind: kind,
                    message: mark.message(
                        identifiers: run.identifiers, family: run.agent.address.family, keys),
                    destination: run.agent.address, source: run.local)))
    }

    private mutating func end(
        _ place: Int, _ now: MonotonicInstant, _ actions: inout [Action]
    ) {
        guard !runs[place].isEnded else { return }
        runs[place].isEnded = true
        // Kept as long as the cookie that began it is good, so that it does not begin anew.
        runs[place].expiresAt = min(
            runs[place].expiresAt,
            max(runs[place].begunAt + CookieJar.slot * 2, now + .seconds(5)))
        actions.append(
            .ended(
                Summary(
                    agent: runs[place].agent, receipt: runs[place].receipt, wasEnded: true)))
    }

    private mutating func answer(
        _ body: ControlMessage.Body, to message: ControlMessage, _ agent: Endpoint,
        _ local: IPAddress?, _ actions: inout [Action]
    ) {
        var reply = message
        reply.body = body
        let octets = reply.sealed(keys)
        counts.sent += 1
        counts.sentOctets += UInt64(octets.count)
        actions.append(.answer(octets, to: agent, from: local))
    }
}
