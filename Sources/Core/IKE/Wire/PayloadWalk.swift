import NetworkPrimitives

/// Follows the chain of payloads of one message, RFC 7296 §3.2.
///
/// Where octets are missing, the end of the capture and the end of the message are told apart: the
/// one is `truncated`, the other `malformed`.
struct PayloadWalk {
    /// Captured octets of the message end here; never after `end`.
    private let captured: Int
    /// The message ends here on the wire.
    private let end: Int
    private var transformCount = 0

    init(captured: Int, end: Int) {
        self.captured = captured
        self.end = end
    }

    private enum Stop: Error {
        case truncated
        case malformed(IKEMessageField)
        case excessive
    }

    mutating func read(_ bytes: RawSpan, into message: inout IKEMessage) -> IKEMessage.Extent {
        do throws(Stop) {
            try chain(bytes, into: &message)
            return .complete
        } catch {
            return switch error {
            case .truncated: .truncated
            case .malformed(let field): .malformed(field)
            case .excessive: .excessive
            }
        }
    }

    private mutating func chain(
        _ bytes: RawSpan, into message: inout IKEMessage
    ) throws(Stop) {
        var kind = message.header.nextPayload
        var offset = IKEHeader.byteCount
        while kind != .none {
            guard message.payloads.count < IKEMessage.maximumPayloads else { throw .excessive }
            try require(4, at: offset, before: end, .payload)
            let next = IKEPayloadKind(rawValue: bytes.uint8(at: offset))
            let length = Int(bytes.bigEndianUInt16(at: offset + 2))
            guard length >= 4, offset + length <= end else { throw .malformed(.payload) }
            message.payloads.append(
                IKEMessage.Payload(
                    kind: kind, length: length, isCritical: bytes.uint8(at: offset + 1) & 0x80 != 0)
            )
            let body = offset + 4..<offset + length
            switch kind {
            case .securityAssociation: try proposals(bytes, in: body, &message)
            case .keyExchange:
                try require(4, at: body.lowerBound, before: body.upperBound, .keyExchange)
                message.keyExchange = IKEMessage.KeyExchange(
                    group: IKEGroup(rawValue: bytes.bigEndianUInt16(at: body.lowerBound)),
                    length: body.count - 4)
            case .nonce: message.nonceLength = body.count
            case .notify: message.notifies.append(try notify(bytes, in: body))
            case .vendorID:
                let kept = try octets(bytes, in: body.prefix(64))
                message.vendorIDs.append(kept)
            case .encrypted:
                // Always the last: what its "next payload" names is inside.
                message.encrypted = IKEMessage.Encrypted(
                    firstInside: next, length: body.count, fragment: nil)
                return
            case .encryptedFragment:
                try require(4, at: body.lowerBound, before: body.upperBound, .fragment)
                let number = bytes.bigEndianUInt16(at: body.lowerBound)
                let total = bytes.bigEndianUInt16(at: body.lowerBound + 2)
                guard number >= 1, number <= total else { throw .malformed(.fragment) }
                message.encrypted = IKEMessage.Encrypted(
                    firstInside: next, length: body.count - 4,
                    fragment: IKEMessage.Fragment(number: number, total: total))
                return
            default: break
            }
            offset += length
            kind = next
        }
    }

    /// RFC 7296 §3.3: last or more (2), length, number, protocol, SPI size, number of transforms.
    private mutating func proposals(
        _ bytes: RawSpan, in body: Range<Int>, _ message: inout IKEMessage
    ) throws(Stop) {
        var offset = body.lowerBound
        while offset < body.upperBound {
            try require(8, at: offset, before: body.upperBound, .proposal)
            let length = Int(bytes.bigEndianUInt16(at: offset + 2))
            let spiLength = Int(bytes.uint8(at: offset + 6))
            guard length >= 8 + spiLength, offset + length <= body.upperBound else {
                throw .malformed(.proposal)
            }
            let spi = try octets(bytes, in: offset + 8..<offset + 8 + spiLength)
            let proposalEnd = offset + length
            var proposal = IKEProposal(
                number: bytes.uint8(at: offset + 4),
                securityProtocol: IKEProposal.SecurityProtocol(number: bytes.uint8(at: offset + 5)),
                spi: spi, transforms: [])
            var transform = offset + 8 + spiLength
            // A proposal that is cut keeps the transforms before the cut.
            defer { message.proposals.append(proposal) }
            for _ in 0..<Int(bytes.uint8(at: offset + 7)) {
                guard transformCount < IKEMessage.maximumTransforms else { throw .excessive }
                transformCount += 1
                transform = try self.transform(
                    bytes, at: transform, before: proposalEnd, &proposal)
            }
            guard transform == proposalEnd else { throw .malformed(.proposal) }
            offset = proposalEnd
        }
    }

    /// RFC 7296 §3.3.2: last or more (3), length, type, number, attributes; returns where it ends.
    private func transform(
        _ bytes: RawSpan, at start: Int, before end: Int, _ proposal: inout IKEProposal
    ) throws(Stop) -> Int {
        try require(8, at: start, before: end, .proposal)
        let length = Int(bytes.bigEndianUInt16(at: start + 2))
        guard length >= 8, start + length <= end else { throw .malformed(.proposal) }
        var transform = IKETransform(
            kind: IKETransform.Kind(rawValue: bytes.uint8(at: start + 4)),
            number: bytes.bigEndianUInt16(at: start + 6))
        // §3.3.5: with the upper bit a type and a value of two octets, else type, length, value.
        var offset = start + 8
        while offset < start + length {
            try require(4, at: offset, before: start + length, .proposal)
            let type = bytes.bigEndianUInt16(at: offset)
            let value = bytes.bigEndianUInt16(at: offset + 2)
            offset += 4
            if type == 0x8000 | 14 {
                transform.keyLength = value
            } else if type & 0x8000 == 0 {
                offset += Int(value)
                guard offset <= start + length else { throw .malformed(.proposal) }
            }
        }
        proposal.transforms.append(transform)
        return start + length
    }

    /// RFC 7296 §3.10: protocol, SPI size, kind, SPI, data.
    private func notify(_ bytes: RawSpan, in body: Range<Int>) throws(Stop) -> IKENotify {
        try require(4, at: body.lowerBound, before: body.upperBound, .notify)
        let content = body.lowerBound + 4 + Int(bytes.uint8(at: body.lowerBound + 1))
        guard content <= body.upperBound else { throw .malformed(.notify) }
        return IKENotify(
            kind: IKENotifyKind(rawValue: bytes.bigEndianUInt16(at: body.lowerBound + 2)),
            protocolNumber: bytes.uint8(at: body.lowerBound),
            spi: try octets(bytes, in: body.lowerBound + 4..<content),
            content: try octets(
                bytes, in: (content..<body.upperBound).prefix(IKENotify.maximumContent)))
    }

    /// Octets of a range that ends inside the message.
    private func octets(_ bytes: RawSpan, in range: Range<Int>) throws(Stop) -> [UInt8] {
        guard range.upperBound <= captured else { throw .truncated }
        return range.map { bytes.uint8(at: $0) }
    }

    /// Checks that a fixed part stands before the end of what holds it, and was captured.
    private func require(
        _ count: Int, at offset: Int, before limit: Int, _ field: IKEMessageField
    ) throws(Stop) {
        guard offset + count <= limit else { throw .malformed(field) }
        guard offset + count <= captured else { throw .truncated }
    }
}
