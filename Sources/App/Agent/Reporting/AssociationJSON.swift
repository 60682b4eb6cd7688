import KernelState
import NetworkPrimitives

extension DirectedAssociation {
    /// One entry of `sas`.
    var json: JSONValue {
        let sa = association
        var object = JSONObject()
        object.put("spi", sa.spi.description)
        object.put("direction", direction.rawValue)
        object.put("source", sa.source.description)
        object.put("destination", sa.destination.description)
        object.put("protocol", sa.protocol.name)
        object.put("mode", sa.mode.name)
        object.put("reqid", sa.requestID)
        object.put("mark", sa.mark)
        object.put("mark_mask", sa.markMask)
        object.put(
            "if_id", sa.interfaceID.map { .integer(Int64($0)) }, orBecause: "it has none")
        object.put(
            "output_mark", sa.outputMark.map { .integer(Int64($0)) },
            orBecause: "packets keep their mark")
        object.put("replay_window", sa.replayWindow)
        object.put("esn", sa.extendedSequenceNumbers)
        putEncapsulation(into: &object)
        put(sa.cipher, as: "cipher", "key_bits", "icv_bits", into: &object)
        put(sa.integrity, as: "integrity", "integrity_key_bits", "integrity_bits", into: &object)
        object.put("packets", sa.packets)
        object.put("bytes", sa.bytes)
        put(sa.addedAt, as: "installed_at", "the kernel does not say", into: &object)
        put(
            sa.lastUsed, as: "last_used",
            "it carried nothing yet, or this kernel does not say", into: &object)
        put(sa.softExpiresAt, as: "soft_expires_at", "it has no soft time limit", into: &object)
        put(sa.hardExpiresAt, as: "hard_expires_at", "it has no hard time limit", into: &object)
        put(sa.volumeLimits.softBytes, as: "soft_limit_bytes", into: &object)
        put(sa.volumeLimits.hardBytes, as: "hard_limit_bytes", into: &object)
        put(sa.volumeLimits.softPackets, as: "soft_limit_packets", into: &object)
        put(sa.volumeLimits.hardPackets, as: "hard_limit_packets", into: &object)
        object.put(
            "sent_sequence", sa.sentSequence.map { .integer(Int64(clamping: $0)) },
            orBecause: "the kernel does not say")
        object.put(
            "received_sequence", sa.receivedSequence.map { .integer(Int64(clamping: $0)) },
            orBecause: "the kernel does not say")
        object.put(
            "offload",
            sa.offload.map { offload in
                .object([
                    (key: "interface_index", value: .integer(Int64(offload.interfaceIndex))),
                    (key: "mode", value: .string(offload.isWhole ? "packet" : "crypto")),
                ])
            }, orBecause: "this host's processors do its cryptography")
        object.put("drops", drops)
        return object.value
    }

    private var drops: JSONValue {
        let statistics = association.statistics
        return .object([
            (key: "replay_window", value: .integer(Int64(statistics.replayWindow))),
            (key: "replay", value: .integer(Int64(statistics.replay))),
            (key: "integrity", value: .integer(Int64(statistics.integrityFailed))),
        ])
    }

    private func putEncapsulation(into object: inout JSONObject) {
        var ports: (UInt16, UInt16)?
        switch association.encapsulation {
        case .esp: object.put("encapsulation", "esp")
        case .udp(let source, let destination):
            object.put("encapsulation", "udp")
            ports = (source, destination)
        case .other(let kind): object.put("encapsulation", "type \(kind)")
        }
        object.put(
            "source_port", ports.map { .integer(Int64($0.0)) }, orBecause: "it is not in UDP")
        object.put(
            "destination_port", ports.map { .integer(Int64($0.1)) },
            orBecause: "it is not in UDP")
    }

    private func put(
        _ algorithm: Algorithm?, as key: String, _ bits: String, _ checkBits: String,
        into object: inout JSONObject
    ) {
        let reason = "it has none"
        object.put(key, (algorithm?.name).map(JSONValue.string), orBecause: reason)
        object.put(bits, (algorithm?.keyBits).map { .integer(Int64($0)) }, orBecause: reason)
        object.put(
            checkBits, (algorithm?.integrityCheckBits).map { .integer(Int64($0)) },
            orBecause: reason)
    }

    private func put(
        _ time: WallTime?, as key: String, _ reason: String, into object: inout JSONObject
    ) {
        object.put(key, (time?.description).map(JSONValue.string), orBecause: reason)
    }

    private func put(_ limit: UInt64?, as key: String, into object: inout JSONObject) {
        object.put(
            key, limit.map { .integer(Int64(clamping: $0)) }, orBecause: "it has no such limit")
    }
}

extension IPsecProtocol {
    /// `esp`, `ah`, or the IP protocol number.
    var name: String {
        switch self {
        case .esp: "esp"
        case .ah: "ah"
        case .other(let number): "\(number)"
        }
    }
}

extension IPsecMode {
    /// The name as ip-xfrm(8) has it, or the kernel's number.
    var name: String {
        switch self {
        case .transport: "transport"
        case .tunnel: "tunnel"
        case .beet: "beet"
        case .other(let number): "\(number)"
        }
    }
}
