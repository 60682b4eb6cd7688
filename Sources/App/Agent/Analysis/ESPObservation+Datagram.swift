import ESPAnalysis
import NetworkPrimitives
import PacketFormats

extension ESPObservation {
    /// What the analysis needs of a captured ESP packet.
    ///
    /// - Parameters:
    ///   - datagram: its headers.
    ///   - frame: the captured octets.
    ///   - arrival: when it arrived, not before its predecessor.
    ///   - hash: what makes identities.
    @inline(__always)
    init(
        _ datagram: ESPDatagram, in frame: RawSpan, arrival: MonotonicInstant,
        hash: PacketIdentityHash
    ) {
        let payload = frame.extracting(datagram.payload)
        self.init(
            arrival: arrival, source: datagram.ip.source, destination: datagram.ip.destination,
            encapsulation: datagram.encapsulation, spi: datagram.spi,
            sequence: datagram.sequence, hopLimit: datagram.ip.hopLimit,
            identification: datagram.ip.identification, length: datagram.ip.length,
            initializationVector: payload.byteCount >= 8 ? payload.bigEndianUInt64(at: 0) : nil,
            identity: hash.identity(sequence: datagram.sequence, payload: payload),
            isFragment: datagram.ip.isFragment)
    }
}
