import NetworkPrimitives
import PacketFormats
import PacketSizes
import ProviderChecks

/// Frames of tunnels' insides in, checks and packet sizes out: the engine of the inside's thread.
///
/// *Bound.* For each tunnel one `ProviderCheckWatch` and one `PacketSizeWatch`, and one
/// `EchoExchanges` for all. A packet costs no allocation here, and the same however many tunnels there
/// are.
struct InsideRecorder {
    /// Where a frame was captured.
    struct Place: Sendable {
        /// The device's place in `routes`.
        fileprivate var number: Int
    }

    /// Which tunnels are concerned by what passes a device, as places in `tunnels`.
    private struct Routes {
        /// What the device is to echo messages that leave.
        var exit: EchoExchanges.Exit
        /// Those whose device it is.
        var inside: [Int] = []
        /// Those whose WAN it is.
        var wan: [Int] = []
        /// The policy-based tunnel whose packets show at this WAN decrypted; nil for none, and for
        /// several, which cannot be told apart there.
        var soleDecrypter: Int?
    }

    /// A tunnel with what watches it.
    private struct Watched {
        var plan: InsidePlan.Tunnel
        var exchange: EchoExchanges.Tunnel
        var facts = InsideFacts()
        /// SPIs of SAs that are gone may be quoted for a while.
        var formerSPIs: Set<SPI> = []
        var checks: ProviderCheckWatch
        var sizes = PacketSizeWatch()
        var captured: Set<CheckObservation.Place> = []
        var limits = SegmentSizeLimits()
        var areOwnAddressesKnown = false

        init(
            _ plan: InsidePlan.Tunnel, _ exchange: EchoExchanges.Tunnel, _ now: MonotonicInstant
        ) {
            self.plan = plan
            self.exchange = exchange
            checks = ProviderCheckWatch(settings: .init(watched: []), start: now)
            settle()
        }

        /// Hands on what is known now.
        mutating func settle() {
            var settings = ProviderCheckWatch.Settings(
                ownAddresses: facts.ownAddresses, localEndpoint: plan.local,
                farAddress: plan.farAddress, linkPrefixes: facts.linkPrefixes,
                sidePrefixes: facts.sidePrefixes, expectedTarget: plan.expectedTarget,
                watched: captured)
            settings.tunnel = exchange
            settings.isPolicyBased = plan.isPolicyBased
            settings.encrypted = facts.encrypted
            checks.update(settings)
            sizes.adopt(
                .init(
                    ownAddresses: areOwnAddressesKnown ? facts.ownAddresses : nil,
                    local: plan.local, remote: plan.remote,
                    outboundSPIs: facts.outboundSPIs.union(formerSPIs), limits: limits))
        }
    }

    /// The most SPIs of former SAs that are remembered.
    private static let formerLimit = 32

    /// What frames are.
    private(set) var frames = FrameCounts()

    private let decoder = FrameDecoder()
    private let seed: UInt64
    private var exchanges = EchoExchanges()
    private var numbering = EchoNumbering()
    private var tunnels: [Watched] = []
    /// The place in `tunnels` of each tunnel's number in `exchanges`.
    private var indices: [Int: Int] = [:]
    private var routes: [Routes] = []
    private var numbers: [CapturePlace: Int] = [:]

    /// Records nothing yet.
    ///
    /// - Parameter seed: a secret random number, against hash flooding.
    init(seed: UInt64) { self.seed = seed }

    // MARK: - Which tunnels

    /// Follows these tunnels; those of the same name go on with their counters.
    mutating func adopt(_ plan: InsidePlan, at now: MonotonicInstant) {
        let former = Dictionary(
            tunnels.map { ($0.plan.name, $0) }, uniquingKeysWith: { first, _ in first })
        numbering.adopt(plan)
        tunnels = plan.tunnels.map { tunnel in
            let exchange = numbering.tunnel(tunnel)
            guard var watched = former[tunnel.name] else { return Watched(tunnel, exchange, now) }
            if watched.plan != tunnel || watched.exchange != exchange {
                watched.plan = tunnel
                watched.exchange = exchange
                watched.settle()
            }
            return watched
        }
        indices = Dictionary(
            tunnels.enumerated().map { ($1.exchange.number, $0) },
            uniquingKeysWith: { first, _ in first })
        numbers = [:]
        routes = []
        for (place, roles) in plan.places {
            numbers[place] = routes.count
            routes.append(Routes(exit: numbering.exit(place, isTunnel: roles.isTunnel)))
        }
        for (index, tunnel) in tunnels.enumerated() {
            if let number = tunnel.plan.device.flatMap({ numbers[$0] }) {
                routes[number].inside.append(index)
            }
            if let number = tunnel.plan.wan.flatMap({ numbers[$0] }) {
                routes[number].wan.append(index)
            }
        }
        for number in routes.indices {
            let based = routes[number].wan.filter { tunnels[$0].plan.isPolicyBased }
            routes[number].soleDecrypter = based.count == 1 ? based[0] : nil
        }
    }

    /// A device of the plan; nil for another.
    func place(_ place: CapturePlace) -> Place? { numbers[place].map { Place(number: $0) } }

    /// Takes what the kernel says of tunnels, by name.
    ///
    /// - Parameters:
    ///   - facts: what it says; a tunnel that is not among them keeps what was known.
    ///   - now: when it was read.
    mutating func note(_ facts: [String: InsideFacts], at now: MonotonicInstant) {
        for index in tunnels.indices {
            guard let next = facts[tunnels[index].plan.name] else { continue }
            tunnels[index].checks.note(decrypted: next.decryptedPackets, at: now)
            let gone = tunnels[index].facts.outboundSPIs.subtracting(next.outboundSPIs)
            guard next != tunnels[index].facts || !tunnels[index].areOwnAddressesKnown else {
                continue
            }
            if !gone.isEmpty {
                tunnels[index].formerSPIs = Set(
                    gone.union(tunnels[index].formerSPIs).prefix(Self.formerLimit))
            }
            tunnels[index].facts = next
            tunnels[index].areOwnAddressesKnown = !next.ownAddresses.isEmpty
            tunnels[index].settle()
        }
    }

    /// Counts SYNs of a tunnel over other limits from now on.
    mutating func note(_ limits: [String: SegmentSizeLimits]) {
        for index in tunnels.indices {
            guard let next = limits[tunnels[index].plan.name], next != tunnels[index].limits else {
                continue
            }
            tunnels[index].limits = next
            tunnels[index].settle()
        }
    }

    /// Says which devices are captured on now.
    mutating func note(capturing: Set<CapturePlace>) {
        for index in tunnels.indices {
            let plan = tunnels[index].plan
            var captured: Set<CheckObservation.Place> = []
            if let device = plan.device, capturing.contains(device) { captured.insert(.tunnel) }
            if let wan = plan.wan, capturing.contains(wan) { captured.insert(.wan) }
            guard captured != tunnels[index].captured else { continue }
            tunnels[index].captured = captured
            tunnels[index].settle()
        }
    }

    // MARK: - Packets

    /// Takes in a frame.
    ///
    /// - Parameters:
    ///   - frame: the captured octets.
    ///   - link: how they begin.
    ///   - wireLength: the frame's length on the wire.
    ///   - arrival: when it passed.
    ///   - place: the device.
    ///   - direction: which way it passed it.
    /// - Returns: what the frame carries.
    @discardableResult
    mutating func receive(
        _ frame: RawSpan, link: LinkKind, wireLength: Int, arrival: MonotonicInstant,
        at place: Place, _ direction: TrafficDirection
    ) -> DecodedFrame {
        let decoded = decoder.decode(frame, linkType: link, wireLength: wireLength)
        frames.count(decoded)
        switch decoded {
        case .icmp(let header, let payload):
            let message = frame.extracting(payload)
            let isWhole = frame.byteCount == wireLength
            if let echo = observation(header, message, arrival) {
                note(echo, at: place, direction)
            } else if direction == .inbound {
                noteTooBig(header, message, isTruncated: !isWhole, arrival, place)
            }
        case .tcp(let header, let payload, let length):
            let segment = frame.extracting(payload)
            for index in routes[place.number].inside {
                tunnels[index].sizes.receiveSegment(
                    header, segment, length: length, direction, at: arrival)
            }
            guard direction == .inbound else { break }
            for index in routes[place.number].wan where isDecrypted(header, by: index) {
                tunnels[index].sizes.receiveSegment(
                    header, segment, length: length, .inbound, at: arrival)
            }
        case .esp, .ike, .natKeepalive, .laterFragment, .other, .unreadable: break
        }
        return decoded
    }

    /// Whether a packet that is seen at the WAN came out of a policy-based tunnel.
    private func isDecrypted(_ header: IPHeader, by index: Int) -> Bool {
        guard tunnels[index].plan.isPolicyBased else { return false }
        return tunnels[index].facts.selectors.contains {
            $0.source.contains(header.source) && $0.destination.contains(header.destination)
        }
    }

    private mutating func note(
        _ echo: CheckObservation, at place: Place, _ direction: TrafficDirection
    ) {
        guard direction == .inbound else {
            exchanges.leave(echo, by: routes[place.number].exit)
            return
        }
        for index in routes[place.number].inside where !tunnels[index].plan.isPolicyBased {
            tunnels[index].checks.receive(echo, &exchanges)
        }
        if let index = routes[place.number].soleDecrypter {
            tunnels[index].checks.receive(echo, &exchanges)
        }
    }

    private mutating func noteTooBig(
        _ header: IPHeader, _ message: RawSpan, isTruncated: Bool, _ arrival: MonotonicInstant,
        _ place: Place
    ) {
        guard !routes[place.number].wan.isEmpty else { return }
        do throws(PacketError) {
            let tooBig = try PacketTooBig(
                parsing: message, family: header.source.family, isTruncated: isTruncated)
            for index in routes[place.number].wan {
                tunnels[index].sizes.receive(tooBig, from: header.source, at: arrival)
            }
        } catch {
            // It is about another flow, or no message at all: nothing is known of its sender.
        }
    }

    /// An Echo Request or Echo Reply; nil for other messages and for less than their header.
    private func observation(
        _ header: IPHeader, _ message: RawSpan, _ arrival: MonotonicInstant
    ) -> CheckObservation? {
        let start = EchoMessage.headerByteCount
        guard message.byteCount >= start, !Self.isReflected(message, from: start) else {
            return nil
        }
        let type = message.uint8(at: 0)
        let kind: CheckObservation.Kind
        switch type {
        case EchoMessage.Kind.request.type(in: header.source.family): kind = .request
        case EchoMessage.Kind.reply.type(in: header.source.family): kind = .reply
        default: return nil
        }
        return CheckObservation(
            at: arrival, kind: kind, source: header.source, destination: header.destination,
            identifier: message.bigEndianUInt16(at: 4), sequence: message.bigEndianUInt16(at: 6),
            payloadHash: hash(message, from: start),
            payloadByteCount: max(0, header.length - header.source.family.headerByteCount - start),
            hopLimit: header.hopLimit)
    }

    /// Whether a message is a probe of an agent or a reflector (`Reflecting`): no provider's.
    private static func isReflected(_ message: RawSpan, from start: Int) -> Bool {
        message.byteCount >= start + 5 && message.bigEndianUInt32(at: start) == 0x5450_5250
            && message.uint8(at: start + 4) == 1
    }

    /// The octets that are hashed, fewer than any handle keeps.
    private static let hashedCount = 64

    /// A keyed hash of the first octets after the ICMP header (FNV-1a by words).
    private func hash(_ message: RawSpan, from start: Int) -> UInt64 {
        var hash = seed ^ 0xcbf2_9ce4_8422_2325
        for offset in start..<min(message.byteCount, start + Self.hashedCount) {
            hash = (hash ^ UInt64(message.uint8(at: offset))) &* 0x0000_0100_0000_01b3
        }
        return hash
    }

    // MARK: - Time

    /// The capture on a device lost packets about `instant`.
    mutating func lose(at place: CapturePlace, _ instant: MonotonicInstant) {
        guard let number = numbers[place] else { return }
        let route = routes[number]
        // An answer may leave by the device of another tunnel.
        for index in tunnels.indices
        where tunnels[index].plan.device == place || tunnels[index].plan.wan == place
            || route.exit.isTunnel && tunnels[index].plan.device?.namespace == place.namespace
        {
            tunnels[index].checks.lose(at: instant)
        }
    }

    /// Judges what is old enough; to be called about once a second.
    ///
    /// - Returns: the tunnels of which a router has said something new.
    mutating func advance(to now: MonotonicInstant) -> [String] {
        while let due = exchanges.nextDue(at: now) {
            guard let index = indices[due.tunnel] else { continue }
            tunnels[index].checks.judge(due, exchanges)
        }
        var changed: [String] = []
        for index in tunnels.indices {
            tunnels[index].checks.advance(to: now)
            if tunnels[index].sizes.takePathChange() { changed.append(tunnels[index].plan.name) }
        }
        return changed
    }

    /// What is known of each tunnel, by name.
    func reports(
        at now: MonotonicInstant, wall: WallTime, reason: (CapturePlace) -> String?
    ) -> [String: InsideReport] {
        Dictionary(
            tunnels.map { tunnel in
                let plan = tunnel.plan
                func obstacle(_ place: CapturePlace?, _ name: String) -> String? {
                    guard let place else { return plan.obstacle ?? "the \(name) is not known" }
                    return reason(place)
                }
                var report = InsideReport(unknown: plan.obstacle ?? "")
                report.deviceReason = obstacle(plan.device, "tunnel's device")
                report.wanReason = obstacle(plan.wan, "WAN interface")
                report.isPolicyBased = plan.isPolicyBased && plan.device == nil
                (report.takenAt, report.wall) = (now, wall)
                report.sizes = tunnel.sizes.report
                let checks = tunnel.checks.report(at: now)
                if plan.device != nil {
                    report.checks = checks
                } else if plan.isPolicyBased, let wan = plan.wan, let number = numbers[wan] {
                    report.checks =
                        routes[number].soleDecrypter == nil
                        ? ProviderChecksReport(
                            unknown: "several policy-based tunnels share the WAN interface: whose "
                                + "checks arrive there cannot be told")
                        : checks
                }
                // What was counted stays counted.
                report.checks.totals = checks.totals
                return (tunnel.plan.name, report)
            }, uniquingKeysWith: { first, _ in first })
    }
}
