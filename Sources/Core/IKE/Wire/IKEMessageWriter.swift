import NetworkPrimitives

/// Writes one IKEv2 message whose payloads are all in the clear, RFC 7296 §3.
struct IKEMessageWriter {
    private var header: IKEHeader
    private var payloads: [(kind: IKEPayloadKind, body: [UInt8])] = []

    /// Begins a message; the header's length and first payload are filled in at the end.
    init(header: IKEHeader) { self.header = header }

    /// Appends a payload; `body` is what follows its header of four octets.
    mutating func append(_ kind: IKEPayloadKind, _ body: [UInt8]) {
        payloads.append((kind, body))
    }

    /// Appends a Security Association payload, RFC 7296 §3.3.
    mutating func append(proposals: [IKEProposal]) {
        var body: [UInt8] = []
        for (index, proposal) in proposals.enumerated() {
            var transforms: [UInt8] = []
            for (place, transform) in proposal.transforms.enumerated() {
                let isLast = place == proposal.transforms.count - 1
                // §3.3.2: last or more (3), length, type, number; §3.3.5: the key length.
                transforms += [isLast ? 0 : 3, 0]
                transforms.append(bigEndian: UInt16(transform.keyLength == nil ? 8 : 12))
                transforms += [transform.kind.rawValue, 0]
                transforms.append(bigEndian: transform.number)
                if let keyLength = transform.keyLength {
                    transforms.append(bigEndian: UInt16(0x8000 | 14))
                    transforms.append(bigEndian: keyLength)
                }
            }
            // §3.3.1: last or more (2), length, number, protocol, SPI size, number of transforms.
            body += [index == proposals.count - 1 ? 0 : 2, 0]
            body.append(bigEndian: UInt16(8 + proposal.spi.count + transforms.count))
            body += [
                proposal.number, proposal.securityProtocol.number, UInt8(proposal.spi.count),
                UInt8(proposal.transforms.count),
            ]
            body += proposal.spi + transforms
        }
        append(.securityAssociation, body)
    }

    /// Appends a Key Exchange payload, RFC 7296 §3.4.
    mutating func append(publicValue: [UInt8], of group: IKEGroup) {
        var body: [UInt8] = []
        body.append(bigEndian: group.rawValue)
        append(.keyExchange, body + [0, 0] + publicValue)
    }

    /// Appends a Notify payload, RFC 7296 §3.10.
    mutating func append(_ notify: IKENotify) {
        var body = [notify.protocolNumber, UInt8(notify.spi.count)]
        body.append(bigEndian: notify.kind.rawValue)
        append(.notify, body + notify.spi + notify.content)
    }

    /// The message's octets, without UDP header and non-ESP marker.
    var octets: [UInt8] {
        var result: [UInt8] = []
        result.append(bigEndian: header.initiatorSPI)
        result.append(bigEndian: header.responderSPI)
        result.append((payloads.first?.kind ?? .none).rawValue)
        result.append(header.majorVersion << 4 | header.minorVersion)
        result += [header.exchange.rawValue, header.flags]
        result.append(bigEndian: UInt16(header.messageID >> 16))
        result.append(bigEndian: UInt16(truncatingIfNeeded: header.messageID))
        let length = payloads.reduce(IKEHeader.byteCount) { $0 + 4 + $1.body.count }
        result.append(bigEndian: UInt16(length >> 16))
        result.append(bigEndian: UInt16(truncatingIfNeeded: length))
        for (index, payload) in payloads.enumerated() {
            let next = index + 1 < payloads.count ? payloads[index + 1].kind : .none
            result += [next.rawValue, 0]
            result.append(bigEndian: UInt16(4 + payload.body.count))
            result += payload.body
        }
        return result
    }
}
