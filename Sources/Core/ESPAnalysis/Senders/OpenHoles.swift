/// Sequence numbers that senders skipped a moment ago, to know a late packet when it comes.
///
/// A gap is kept in pieces of up to 64 numbers: a mask over one aligned chunk, with the time and the
/// place of the packet that jumped over them, which is what RFC 4737 §4.2 measures lateness from.
/// Pieces lie in a ring in order of time. They are counted as lost when they are `patience` old, and
/// kept for as long as there is room, so that even later packets are recognised.
///
/// *Bound.* `pieceLimit` pieces of 48 octets and 8 octets of index each, 896 KiB; begins with
/// 1/64 of it and doubles. Beyond it the oldest pieces are counted as lost before their time.
struct OpenHoles: Sendable {
    /// The most pieces kept.
    static let pieceLimit = 16_384
    private static let firstCapacity = 256
    /// The most pieces of a bucket that are looked at, newest first.
    ///
    /// There is one for each bucket on average. More than a few are of a counter that was made to run
    /// round, again and again over the same numbers, to make look-ups slow.
    private static let longestSearch = 64

    /// Up to 64 skipped numbers.
    struct Piece: Sendable {
        /// The place in the table of the sender that skipped them.
        var sender: Int32
        /// The number of that sender, as places are used again.
        var serial: UInt32
        /// The numbers' upper 26 bits.
        var chunk: UInt32
        /// How many packets the sender had sent before the one that jumped.
        var index: UInt32
        /// Numbers not arrived yet.
        var mask: UInt64
        /// When the jump was seen, in nanoseconds.
        var time: Int64
        /// The next older piece of the same bucket; below `first` for none.
        var older: UInt64
    }

    /// Pieces by number modulo capacity.
    ///
    /// `first` ..< `end` are alive, of them `first` ..< `due` are already counted. Numbers begin at 1.
    private var ring: ContiguousArray<Piece>
    private var heads: ContiguousArray<UInt64>
    private var first: UInt64 = 1
    private var due: UInt64 = 1
    private var end: UInt64 = 1
    private let hash: FoldedHash

    private static let nothing = Piece(
        sender: -1, serial: 0, chunk: 0, index: 0, mask: 0, time: 0, older: 0)

    /// Makes a set with no holes.
    init(seed: UInt64) {
        hash = FoldedHash(seed: seed)
        ring = ContiguousArray(repeating: Self.nothing, count: Self.firstCapacity)
        heads = ContiguousArray(repeating: 0, count: Self.firstCapacity)
    }

    @inline(__always)
    private func bucket(_ sender: Int32, _ chunk: UInt32) -> Int {
        let mixed = hash(UInt64(UInt32(bitPattern: sender)) << 32 | UInt64(chunk))
        return Int(truncatingIfNeeded: mixed & UInt64(heads.count - 1))
    }

    /// Whether the oldest uncounted piece was opened before `time`.
    @inline(__always)
    func isDue(before time: Int64) -> Bool {
        due < end && ring[Int(truncatingIfNeeded: due) & (ring.count - 1)].time < time
    }

    /// Takes the oldest uncounted piece; it stays findable.
    mutating func takeDue() -> Piece {
        let piece = ring[Int(truncatingIfNeeded: due) & (ring.count - 1)]
        due += 1
        return piece
    }

    /// Whether there is no room for `count` pieces more, and the oldest have to be counted first.
    @inline(__always)
    func isFull(for count: Int) -> Bool {
        end - due + UInt64(count) > UInt64(Self.pieceLimit)
    }

    /// Adds a piece; `isFull` has been asked.
    mutating func add(_ piece: Piece) {
        if end - first == UInt64(ring.count) {
            if first < due { first += 1 } else { grow() }
        }
        var piece = piece
        let bucket = bucket(piece.sender, piece.chunk)
        piece.older = heads[bucket]
        ring[Int(truncatingIfNeeded: end) & (ring.count - 1)] = piece
        heads[bucket] = end
        end += 1
    }

    /// Fills the hole that number `sequence` of a sender left, and returns its piece as it was;
    /// nil where there is none.
    mutating func fill(sender: Int32, serial: UInt32, sequence: UInt32) -> Piece? {
        let chunk = sequence >> 6
        let bit: UInt64 = 1 << UInt64(sequence & 63)
        var number = heads[bucket(sender, chunk)]
        var steps = 0
        while number >= first, steps < Self.longestSearch {
            steps += 1
            let place = Int(truncatingIfNeeded: number) & (ring.count - 1)
            let piece = ring[place]
            if piece.chunk == chunk, piece.sender == sender, piece.serial == serial,
                piece.mask & bit != 0
            {
                ring[place].mask &= ~bit
                return piece
            }
            number = piece.older
        }
        return nil
    }

    @inline(never)
    private mutating func grow() {
        let old = ring
        ring = ContiguousArray(repeating: Self.nothing, count: old.count * 2)
        heads = ContiguousArray(repeating: 0, count: ring.count)
        for number in first..<end {
            var piece = old[Int(truncatingIfNeeded: number) & (old.count - 1)]
            let bucket = bucket(piece.sender, piece.chunk)
            piece.older = heads[bucket]
            heads[bucket] = number
            ring[Int(truncatingIfNeeded: number) & (ring.count - 1)] = piece
        }
    }
}
