import NetworkPrimitives
import PacketFormats
import PacketSizes
import ProviderChecks

/// Frames of tunnels' insides in, checks and packet sizes out: the engine of the inside's thread.
///
/// *Bound.* For each tunnel one `ProviderCheckWatch` and one `PacketSizeWatch`. A packet costs no
/// allocation here.
struct InsideRecorder {
    /// Where a frame was captured.
    struct Place: Sendable {
        /// The device's place in `routes`.
        fileprivate var number: Int
    }

    /// Which tunnels are concerned by what passes a device, as places in `tunnels`.
    private struct Routes {
        /// Those whose device it is.
        var inside: [Int] = []
        /// Those that have another device in the namespace, where this is a tunnel's.
        var besides: [Int] = []
        /// Those whose WAN it is.
        var wan: [Int] = []
    }

    /// A tunnel with what watches it.
    private struct Watched {
        var plan: InsidePlan.Tunnel
        var facts = InsideFacts()
        /// SPIs of SAs that are gone may be quoted for a while.
        var formerSPIs: Set<SPI> = []
        var checks: ProviderCheckWatch
        var sizes = PacketSizeWatch()
        var captured: Set<CheckObservation.Place> = []
        var limits = SegmentSizeLimits()
        var areOwnAddressesKnown = false

        init(_ plan: InsidePlan.Tunnel, _ now: MonotonicInstant) {
            self.plan = plan
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
    private var tunnels: [Watched] = []
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
        tunnels = plan.tunnels.map { tunnel in
            guard var watched = former[tunnel.name] else { return Watched(tunnel, now) }
            if watched.plan != tunnel {
                watched.plan = tunnel
                watched.settle()
            }
            return watched
        }
        numbers = [:]
        routes = []
        for place in plan.places.keys {
            numbers[place] = routes.count
            var route = Routes()
            let isTunnel = tunnels.contains { $0.plan.device == place }
            for (index, tunnel) in tunnels.enumerated() {
                if tunnel.plan.device == place {
                    route.inside.append(index)
                } else if isTunnel, let device = tunnel.plan.device,
                    device.namespace == place.namespace
                {
                    route.besides.append(index)
                }
                if tunnel.plan.wan == place { route.wan.append(index) }
            }
            routes.append(route)
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
            let others = tunnels.compactMap(\.plan.device).filter {
                $0 != plan.device && $0.namespace == plan.device?.namespace
            }
            if capturing.isSuperset(of: others) { captured.insert(.otherTunnel) }
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
            if let echo = observation(header, message, arrival, direction) {
                note(echo, at: place)
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

    private mutating func note(_ echo: CheckObservation, at place: Place) {
        let route = routes[place.number]
        for index in route.inside { tunnels[index].checks.receive(echo) }
        var elsewhere = echo
        elsewhere.place = .wan
        guard echo.direction == .outbound else {
            if let index = soleDecrypter(route) { tunnels[index].checks.receive(elsewhere) }
            return
        }
        for index in route.wan { tunnels[index].checks.receive(elsewhere) }
        elsewhere.place = .otherTunnel
        for index in route.besides { tunnels[index].checks.receive(elsewhere) }
    }

    /// The policy-based tunnel whose packets show at a WAN decrypted; nil for none, and for several,
    /// which cannot be told apart there.
    private func soleDecrypter(_ route: Routes) -> Int? {
        let based = route.wan.filter { tunnels[$0].plan.isPolicyBased }
        return based.count == 1 ? based[0] : nil
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
        _ header: IPHeader, _ message: RawSpan, _ arrival: MonotonicInstant,
        _ direction: TrafficDirection
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
            at: arrival, place: .tunnel, direction: direction == .inbound ? .inbound : .outbound,
            kind: kind, source: header.source, destination: header.destination,
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
        for index in route.inside { tunnels[index].checks.lose(at: .tunnel, instant) }
        for index in route.wan { tunnels[index].checks.lose(at: .wan, instant) }
        for index in route.besides { tunnels[index].checks.lose(at: .otherTunnel, instant) }
    }

    /// Judges what is old enough; to be called about once a second.
    ///
    /// - Returns: the tunnels of which a router has said something new.
    mutating func advance(to now: MonotonicInstant) -> [String] {
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
                        soleDecrypter(routes[number]) == nil
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
