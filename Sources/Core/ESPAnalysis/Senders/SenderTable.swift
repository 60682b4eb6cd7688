public import NetworkPrimitives

/// Exact figures of every sender of a stream whose packets name their sender (algorithms §4, §7).
///
/// Reordering is RFC 4737's, with copies left out by the caller: a packet is reordered when its
/// number is below the next one expected of its sender. A number is lost when it has not come 0.5 s
/// after it was jumped over; a jump over more than 256 is an outage and counted apart. Numbers are
/// compared modulo 2³², so a counter with extended sequence numbers may wrap.
///
/// *Bound.* 8 192 senders of 128 octets with an index of 8, and ``OpenHoles``; begins small and
/// doubles. A newcomer beyond the bound takes the place of the longest idle of sixteen
/// neighbours, of those with a single packet if there are any.
public struct SenderTable: Sendable {
    /// The most senders kept.
    public static let senderLimit = 8192
    /// How long a skipped number may take to come and not be lost, in nanoseconds: δ of §5.
    static let patience: Int64 = 500_000_000
    /// More numbers skipped at once are an outage.
    static let outageLimit: UInt32 = 256

    /// What a packet was to its sender.
    public enum Arrival: Hashable, Sendable {
        /// Its sender's first.
        case first
        /// As expected, or after `missing` skipped numbers.
        case ahead(missing: Int)
        /// Below the next number expected.
        ///
        /// `extent`, in packets of this sender, and `lateness` are RFC 4737's (§4.2.1, §4.2.2):
        /// measured from the first packet with a higher number. `nReordering` is that of its §5.4.1:
        /// how many packets right before it all have higher numbers; exact unless three or more late
        /// packets nest, then a lower bound. `depth` is how far it lies below the sender's highest.
        case late(extent: Int, lateness: Duration, nReordering: Int, depth: Int)
        /// A number that this sender has used before, or one that it cannot use any more: the key
        /// is not one sender's.
        case conflict
    }

    struct Sender: Sendable {
        // What every packet touches comes first, to lie in one cache line.
        var key: UInt64
        var packets: UInt64
        var lastArrival: Int64
        var next: UInt32
        var hopLimit: UInt8
        var hasConflict: Bool
        var identification: UInt16
        var firstArrival: Int64
        var firstSequence: UInt32
        var serial: UInt32
        var lost: UInt64
        var reordered: UInt64
        var outage: UInt64
        /// The latest jump that was an outage: the numbers, when, and after how many packets.
        var outageTime: Int64
        var outageStart: UInt32
        var outageEnd: UInt32
        var outageIndex: UInt32
        /// The latest late packet: after how many packets, its number, its n-reordering.
        var lateIndex: UInt32
        var lateSequence: UInt32
        var lateDistance: UInt32
    }

    var senders: ContiguousArray<Sender> = []
    /// Places in `senders` plus 1, by hash; 0 for none; at most half full.
    private var index: ContiguousArray<Int32>
    private var holes: OpenHoles
    private let hash: FoldedHash
    private var hand = 0
    private var nextSerial: UInt32 = 0
    private var depths: DepthTally

    /// Packets of all senders.
    public private(set) var packets: UInt64 = 0
    /// Packets below the next number expected of their sender (RFC 4737 §3.3).
    public private(set) var reordered: UInt64 = 0
    /// Skipped numbers that have not come for 0.5 s.
    public private(set) var lost: UInt64 = 0
    /// Numbers in jumps over more than 256 that have not come.
    public private(set) var outage: UInt64 = 0
    /// Packets that their sender cannot have sent.
    public private(set) var conflicts: UInt64 = 0
    /// Senders with such packets.
    public private(set) var conflictingSenders = 0
    /// Senders that had to give way to others.
    public private(set) var evictedSenders: UInt64 = 0
    /// The largest extent of a late packet, in packets (RFC 4737 §4.2.1).
    public private(set) var maximumExtent = 0
    /// The largest time by which a packet was late (RFC 4737 §4.2.2).
    public private(set) var maximumLateness: Duration = .zero
    /// The largest n-reordering (RFC 4737 §5.4.1).
    public private(set) var maximumNReordering = 0
    /// The longest run of a sender's packets without a late one (RFC 4737 §4.5), of finished runs.
    public private(set) var longestOrderedRun = 0

    /// Makes a table without senders.
    ///
    /// - Parameters:
    ///   - seed: A random number, against keys that all go to one place.
    ///   - windows: Window sizes to predict for, as if every sender had a window of its own.
    public init(seed: UInt64, windows: [Int] = []) {
        hash = FoldedHash(seed: seed)
        holes = OpenHoles(seed: seed &+ 1)
        depths = DepthTally(windows: Set(windows).sorted())
        index = ContiguousArray(repeating: 0, count: 64)
    }

    /// How many senders have been seen, those that gave way included.
    public var count: Int { senders.count + Int(evictedSenders) }

    /// Takes in the next packet of sender `key`; copies have been left out.
    @inline(__always)
    public mutating func receive(
        key: UInt64, sequence: UInt32, at arrival: MonotonicInstant, hopLimit: UInt8,
        identification: UInt16 = 0
    ) -> Arrival {
        let now = arrival.nanoseconds
        if holes.isDue(before: now &- Self.patience) { advance(to: arrival) }
        packets &+= 1
        var slot = Int(truncatingIfNeeded: hash(key)) & (index.count - 1)
        var place = Int(index[slot]) - 1
        while place >= 0, senders[place].key != key {
            slot = (slot + 1) & (index.count - 1)
            place = Int(index[slot]) - 1
        }
        guard place >= 0 else {
            admit(key, sequence, now, hopLimit, identification)
            return .first
        }
        return receive(place, sequence, now, hopLimit, identification)
    }

    @inline(__always)
    private mutating func receive(
        _ place: Int, _ sequence: UInt32, _ now: Int64, _ hopLimit: UInt8, _ identification: UInt16
    ) -> Arrival {
        let before = senders[place].packets
        let next = senders[place].next
        senders[place].packets = before &+ 1
        senders[place].lastArrival = now
        senders[place].hopLimit = hopLimit
        senders[place].identification = identification
        let step = sequence &- next
        if step == 0 {
            senders[place].next = sequence &+ 1
            return .ahead(missing: 0)
        }
        if Int32(bitPattern: step) > 0 {
            senders[place].next = sequence &+ 1
            skip(place, from: next, count: step, now, before)
            return .ahead(missing: Int(step))
        }
        return receiveLate(place, sequence, now, before)
    }

    /// Counts as lost what has been missing for 0.5 s at `time`.
    @inline(never)
    public mutating func advance(to time: MonotonicInstant) {
        while holes.isDue(before: time.nanoseconds &- Self.patience) { countDue() }
    }

    private mutating func countDue() {
        let piece = holes.takeDue()
        let count = UInt64(piece.mask.nonzeroBitCount)
        lost += count
        // A place that another sender has taken since keeps only the sum.
        if senders[Int(piece.sender)].serial == piece.serial {
            senders[Int(piece.sender)].lost += count
        }
    }

    @inline(never)
    private mutating func skip(
        _ place: Int, from start: UInt32, count: UInt32, _ now: Int64, _ before: UInt64
    ) {
        let index = UInt32(truncatingIfNeeded: before)
        guard count <= Self.outageLimit else {
            senders[place].outage += UInt64(count)
            senders[place].outageTime = now
            senders[place].outageStart = start
            senders[place].outageEnd = start &+ count
            senders[place].outageIndex = index
            outage += UInt64(count)
            return
        }
        // 256 numbers lie in five chunks of 64 at most.
        while holes.isFull(for: 5) { countDue() }
        var from = start
        var left = count
        while left > 0 {
            let offset = from & 63
            let length = min(left, 64 - offset)
            let mask = (~UInt64(0) >> UInt64(64 - length)) << UInt64(offset)
            holes.add(
                OpenHoles.Piece(
                    sender: Int32(place), serial: senders[place].serial, chunk: from >> 6,
                    index: index, mask: mask, time: now, older: 0))
            from &+= length
            left -= length
        }
    }

    @inline(never)
    private mutating func receiveLate(
        _ place: Int, _ sequence: UInt32, _ now: Int64, _ before: UInt64
    ) -> Arrival {
        let sender = senders[place]
        let jumpIndex: UInt32
        let jumpTime: Int64
        if let piece = holes.fill(
            sender: Int32(place), serial: sender.serial, sequence: sequence)
        {
            jumpIndex = piece.index
            jumpTime = piece.time
        } else if sequence &- sender.outageStart < sender.outageEnd &- sender.outageStart,
            now &- sender.outageTime <= Self.patience, sender.outage > 0
        {
            jumpIndex = sender.outageIndex
            jumpTime = sender.outageTime
            senders[place].outage -= 1
            outage -= 1
        } else if Int32(bitPattern: sequence &- sender.firstSequence) < 0,
            now &- sender.firstArrival <= Self.patience
        {
            // Sent before the first that came: the first one jumped over it.
            jumpIndex = 0
            jumpTime = sender.firstArrival
        } else {
            conflicts += 1
            if !sender.hasConflict {
                senders[place].hasConflict = true
                conflictingSenders += 1
            }
            return .conflict
        }
        let index = UInt32(truncatingIfNeeded: before)
        let distance = nReordering(sender, sequence, index: index, jumpIndex: jumpIndex)
        let extent = Int(index &- jumpIndex)
        let lateness = Duration.nanoseconds(now &- jumpTime)
        let depth = Int(sender.next &- 1 &- sequence)
        // The first run has no late packet before it to count from.
        let runStart = sender.reordered == 0 ? 0 : sender.lateIndex &+ 1
        longestOrderedRun = max(longestOrderedRun, Int(index &- runStart))
        senders[place].reordered += 1
        senders[place].lateIndex = index
        senders[place].lateSequence = sequence
        senders[place].lateDistance = distance
        reordered += 1
        maximumExtent = max(maximumExtent, extent)
        maximumLateness = max(maximumLateness, lateness)
        maximumNReordering = max(maximumNReordering, Int(distance))
        depths.note(depth: depth)
        return .late(
            extent: extent, lateness: lateness, nReordering: Int(distance), depth: depth)
    }

    /// How many packets right before this one all have higher numbers.
    private func nReordering(
        _ sender: Sender, _ sequence: UInt32, index: UInt32, jumpIndex: UInt32
    ) -> UInt32 {
        // Packets in order since the jump are higher, those before it are lower: only late packets
        // since then can end the run.
        guard sender.reordered > 0, Int32(bitPattern: sender.lateIndex &- jumpIndex) > 0 else {
            return index &- jumpIndex
        }
        let since = index &- sender.lateIndex &- 1
        guard Int32(bitPattern: sender.lateSequence &- sequence) > 0 else { return since }
        // The latest late one is higher too, and with it the run that it ended.
        return min(since &+ 1 &+ sender.lateDistance, index &- jumpIndex)
    }

    // MARK: Places

    @inline(never)
    private mutating func admit(
        _ key: UInt64, _ sequence: UInt32, _ now: Int64, _ hopLimit: UInt8, _ identification: UInt16
    ) {
        let sender = Sender(
            key: key, packets: 1, lastArrival: now, next: sequence &+ 1, hopLimit: hopLimit,
            hasConflict: false, identification: identification, firstArrival: now,
            firstSequence: sequence, serial: nextSerial, lost: 0, reordered: 0, outage: 0,
            outageTime: 0, outageStart: 0, outageEnd: 0, outageIndex: 0, lateIndex: 0,
            lateSequence: 0, lateDistance: 0)
        nextSerial &+= 1
        if senders.count == Self.senderLimit {
            let place = longestIdle(at: now)
            remove(place)
            senders[place] = sender
            enter(place)
            return
        }
        senders.append(sender)
        if senders.count * 2 > index.count { grow() } else { enter(senders.count - 1) }
    }

    /// The longest idle of sixteen neighbours, of those with a single packet if there are any.
    ///
    /// So a flood of keys takes its own places. Where all are busy, looks at up to 128.
    private mutating func longestIdle(at now: Int64) -> Int {
        var best = hand
        for looked in 1...128 {
            let isBetter =
                (senders[hand].packets > 1 ? 1 : 0, senders[hand].lastArrival)
                < (senders[best].packets > 1 ? 1 : 0, senders[best].lastArrival)
            if isBetter { best = hand }
            hand = hand + 1 == senders.count ? 0 : hand + 1
            let isBusy =
                senders[best].packets > 1 && now &- senders[best].lastArrival < 1_000_000_000
            if looked >= 16, !isBusy { break }
        }
        return best
    }

    private func home(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: hash(key)) & (index.count - 1)
    }

    private mutating func enter(_ place: Int) {
        var slot = home(senders[place].key)
        while index[slot] != 0 { slot = (slot + 1) & (index.count - 1) }
        index[slot] = Int32(place + 1)
    }

    private mutating func remove(_ place: Int) {
        if senders[place].hasConflict { conflictingSenders -= 1 }
        evictedSenders += 1
        var gap = home(senders[place].key)
        while index[gap] != Int32(place + 1) { gap = (gap + 1) & (index.count - 1) }
        // Later entries of the run move up, where that does not put them before their home.
        var slot = gap
        while true {
            slot = (slot + 1) & (index.count - 1)
            guard index[slot] != 0 else { break }
            let home = home(senders[Int(index[slot]) - 1].key)
            let distance = (slot - home) & (index.count - 1)
            guard distance >= (slot - gap) & (index.count - 1) else { continue }
            index[gap] = index[slot]
            gap = slot
        }
        index[gap] = 0
    }

    @inline(never)
    private mutating func grow() {
        index = ContiguousArray(repeating: 0, count: index.count * 2)
        for place in senders.indices { enter(place) }
    }

    // MARK: Results

    /// What each window drops if every sender has one of its own (§2.1); sorted by size.
    public var windowForecasts: [ReplayWindowForecast] { depths.forecasts(packets: packets) }
}
