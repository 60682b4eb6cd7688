@testable import IKE
import NetworkPrimitives

/// A responder that answers IKE_SA_INIT by a script, and the prober in front of it, in virtual time.
struct ScriptedExamination {
    static let remote = IPAddress.v4(0xc633_6401)
    static let local = IPAddress.v4(0xcb00_710a)

    var prober: IKEProber
    var now = MonotonicInstant(nanoseconds: 1_000_000_000)
    var requests: [UInt16: [IKEMessage]] = [:]
    /// Every datagram sent without a hop limit of its own.
    var datagrams: [[UInt8]] = []
    /// Who answers a request whose hop limit runs out, from the first hop on; nil for nobody.
    var routers: [IPAddress?] = []
    /// The hop limits that were sent, by port.
    var hopLimits: [UInt16: [UInt8]] = [:]

    init(settings: IKEProber.Settings = IKEProber.Settings()) {
        prober = IKEProber(
            remote: Self.remote,
            sources: [40_000, 40_001].map {
                .success(IKEProbeSource(address: Self.local, port: $0))
            },
            random: (0..<IKEProber.randomByteCount).map { UInt8($0) }, settings: settings)
    }

    /// Runs to the end; `answer` gives the payload of each answer to a request, without marker.
    mutating func run(_ answer: (UInt16, IKEMessage) throws -> [[UInt8]]) throws {
        while !prober.isFinished {
            var outgoing = prober.advance(to: now)
            while let next = outgoing.first {
                outgoing.removeFirst()
                if let hopLimit = next.hopLimit {
                    climb(next.port, hopLimit)
                    continue
                }
                datagrams.append(next.octets)
                let marker = next.port == 4500 ? 4 : 0
                let octets = Array(next.octets.dropFirst(marker))
                let request = try octets.withRawSpan { try IKEMessage(parsing: $0) }
                requests[next.port, default: []].append(request)
                now = now + .milliseconds(10)
                for reply in try answer(next.port, request) {
                    let datagram = (marker == 0 ? [] : [0, 0, 0, 0]) + reply
                    outgoing += datagram.withRawSpan {
                        prober.receive($0, to: next.port, from: (Self.remote, next.port), at: now)
                    }
                }
            }
            guard let deadline = prober.deadline else { break }
            now = max(now, deadline)
        }
    }

    private mutating func climb(_ port: UInt16, _ hopLimit: UInt8) {
        hopLimits[port, default: []].append(hopLimit)
        now = now + .milliseconds(10)
        guard hopLimit <= routers.count, let router = routers[Int(hopLimit) - 1] else { return }
        prober.receive(
            .init(kind: "time exceeded", sender: router, isHopLimitExceeded: true), about: port,
            at: now)
    }

    /// An answer to a request.
    static func answer(
        to request: IKEMessage, spi: UInt64? = nil, notify: IKENotify? = nil,
        choosing proposal: IKEProposal? = nil
    ) -> [UInt8] {
        var writer = IKEMessageWriter(
            header: IKEHeader(
                initiatorSPI: spi ?? request.header.initiatorSPI,
                responderSPI: proposal == nil ? 0 : 7, nextPayload: .none,
                exchange: .ikeSAInit, isInitiator: false, isResponse: true))
        if let proposal {
            writer.append(proposals: [proposal])
            writer.append(publicValue: [1, 2, 3], of: IKEGroup(rawValue: 20))
            writer.append(.nonce, Array(repeating: 9, count: 32))
        }
        if let notify { writer.append(notify) }
        return writer.octets
    }

    /// AES-GCM-256, PRF-SHA2-256, ECP-384 of the first proposal.
    static let strongest = IKEProposal(
        number: 1,
        transforms: [
            IKETransform(kind: .encryption, number: 20, keyLength: 256),
            IKETransform(kind: .pseudorandomFunction, number: 5),
            IKETransform(kind: .keyExchange, number: 20),
        ])
}
