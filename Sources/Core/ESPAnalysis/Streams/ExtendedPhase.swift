/// How the low halves of extended sequence numbers are turned, so that those of one stream do not wrap
/// where single senders are told apart.
///
/// Whoever tells senders apart compares numbers of 32 bits. Where a stream begins in the upper part of
/// them, they are turned by half of all, which puts the wrap into the middle; long before they would
/// wrap there, the stream gets a new analyzer. Turning by half flips one bit, so numbers keep their
/// differences, and IVs that are the number combined with a salt still name their sender.
struct ExtendedPhase: Sendable {
    /// From here on a stream is to begin anew: at a million packets a second four minutes are left.
    static let limit: UInt32 = 0xf000_0000
    private static let half: UInt32 = 0x8000_0000

    private let offset: UInt32

    /// Turns nothing.
    init() { offset = 0 }

    /// For a stream whose first number is known: one in the upper quarter will wrap.
    init(beginningWith sequence: UInt32) {
        offset = sequence >= 0xc000_0000 ? Self.half : 0
    }

    /// Whether numbers are turned at all.
    var isTurned: Bool { offset != 0 }

    /// A number as it is compared.
    @inline(__always)
    func turned(_ sequence: UInt32) -> UInt32 { sequence ^ offset }

    /// An IV as it was before the number wrapped, where the high half is combined with the salt by
    /// exclusive or: Linux' seqiv and echainiv put all 64 bits there.
    ///
    /// Exact in the first wrap of an SA and every second; in the others senders get a new name.
    @inline(__always)
    func vector(_ vector: UInt64, _ family: IVFamily, at turned: UInt32) -> UInt64 {
        isTurned && turned >= Self.half && family == .xor ? vector ^ 1 << 32 : vector
    }
}
