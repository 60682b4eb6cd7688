import NetworkPrimitives
import Rekeying

extension TunnelRekeys {
    /// The value of `rekeys`: the latest 20, oldest first.
    var json: JSONValue { .array(records.map { $0.json(in: self) }) }
}

extension CapturedRekey {
    /// One entry of `rekeys` of an analysis.
    var json: JSONValue {
        var object = JSONObject()
        object.put("source", source.description)
        object.put("destination", destination.description)
        object.put("tunnel", tunnel.map(JSONValue.string), orBecause: unknownBecause ?? "not known")
        object.put(
            "direction", direction.map { .string($0.rawValue) },
            orBecause: unknownBecause ?? "not known")
        let record = record.json(
            wallTime: clock.wallTime, silence: nil,
            probeReason: "a capture does not show which echoes are this program's probes")
        if case .object(let members) = record {
            for (key, value) in members { object.put(key, value) }
        }
        return object.value
    }
}

extension RekeyRecord {
    /// One entry of `rekeys`.
    ///
    /// - Parameter rekeys: what is known of all of the tunnel's, for the wall clock and reasons.
    /// - Returns: the entry.
    fileprivate func json(in rekeys: TunnelRekeys) -> JSONValue {
        json(
            wallTime: rekeys.wallTime,
            silence: rekeys.captureReason.map { "ESP is not captured: \($0)" },
            probeReason: rekeys.probeReason)
    }

    /// One entry of `rekeys`.
    ///
    /// - Parameters:
    ///   - wallTime: an instant on the wall clock.
    ///   - silence: why packets were not seen, where they could not be; nil where they could.
    ///   - probeReason: why probes are not counted; nil when they are.
    /// - Returns: the entry.
    func json(
        wallTime: (MonotonicInstant) -> WallTime, silence: String?, probeReason: String?
    ) -> JSONValue {
        let noPacket = silence ?? "no packet came on the new SPI"
        var object = JSONObject()
        object.put(
            "former_spi", formerSPI.map { .string($0.description) },
            orBecause: "it is not certain yet which SPI was replaced")
        object.put("spi", spi.description)
        object.put("seen_by", origin.rawValue)
        object.put("installed_at", wallTime(installedAt).description)
        object.put(
            "first_packet_seconds", firstPacket.map { .number($0.rounded) }, orBecause: noPacket)
        let mixed = arrivals == nil ? noPacket : "the latest packets came on a former SPI"
        object.put("half_seconds", half.map { .number($0.rounded) }, orBecause: mixed)
        object.put("convergence_seconds", convergence.map { .number($0.rounded) }, orBecause: mixed)
        object.put("packets", arrivals?.packets, orBecause: noPacket)
        object.put("tail_packets", arrivals?.tailPackets, orBecause: noPacket)
        object.put("tail_seconds", tail.map { .number($0.rounded) }, orBecause: noPacket)
        object.put(
            "former_deleted_at", formerRemovedAt.map { .string(wallTime($0).description) },
            orBecause: deletionReason)
        object.put(
            "packets_for_deleted_spi", formerRemovedAt == nil ? nil : packetsForDeletedSPI,
            orBecause: formerRemovedAt == nil
                ? deletionReason : silence ?? "the former SPI was not seen on the wire")
        let probesUnknown =
            probeReason
            ?? (ending == .pending
                ? "the rekey is not over" : "the probes of that time are not all decided or kept")
        object.put("probes_sent", probes?.sent, orBecause: probesUnknown)
        object.put("probes_lost", probes?.lost, orBecause: probesUnknown)
        object.put(
            "overtaken_by", overtakenBy.map { .string($0.description) },
            orBecause: "no later SPI carried packets before this one had taken over")
        object.put("finished", ending == .finished)
        object.put("ending", endingText)
        return object.value
    }

    private var deletionReason: String {
        origin == .wire
            ? "no kernel at hand has this tunnel's SAs" : "the kernel still has the former SA"
    }

    /// `finished`, `pending` or why it came to neither.
    private var endingText: String {
        switch ending {
        case .finished: "finished"
        case .pending: "pending"
        case .unfinished(let reason): reason
        }
    }
}
