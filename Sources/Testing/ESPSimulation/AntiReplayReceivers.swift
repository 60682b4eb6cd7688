/// What a receiver does with a packet before and after it is authenticated.
public protocol AntiReplayReceiver {
    /// The drops so far, by the kernel's counters.
    var drops: ReplayDropCounters { get }

    /// Takes in a packet that would authenticate under its true number, and says if it is accepted.
    ///
    /// `number` is the sender's whole number, of which the packet carries the low 32 bits.
    mutating func accepts(_ number: UInt64) -> Bool
}

/// The counters in which Linux counts what anti-replay drops.
public struct ReplayDropCounters: Hashable, Sendable {
    /// `XfrmInStateSeqError`: every packet that the check refuses.
    public var stateSequenceErrors: UInt64 = 0
    /// The SA's `stats.replay_window`: packets too old.
    public var replayWindow: UInt64 = 0
    /// The SA's `stats.replay`: packets seen before.
    public var replay: UInt64 = 0
    /// `XfrmInStateProtoError`: packets that do not authenticate.
    public var stateProtocolErrors: UInt64 = 0
    /// The SA's `stats.integrity_failed`, of the same packets.
    public var integrityFailed: UInt64 = 0

    /// Makes counters of nothing.
    public init() {}

    /// All packets dropped.
    public var total: UInt64 { stateSequenceErrors + stateProtocolErrors }

    mutating func refuseZero() { stateSequenceErrors += 1 }

    mutating func refuseTooOld() {
        stateSequenceErrors += 1
        replayWindow += 1
    }

    mutating func refuseSeen() {
        stateSequenceErrors += 1
        replay += 1
    }

    mutating func failIntegrity() {
        stateProtocolErrors += 1
        integrityFailed += 1
    }
}

/// The reference: what RFC 4303 §3.4.3 says, with a set of the numbers accepted.
public struct SetWindow: AntiReplayReceiver, Sendable {
    private let window: UInt64
    private var top: UInt64 = 0
    private var accepted: Set<UInt64> = []
    /// The drops so far.
    public private(set) var drops = ReplayDropCounters()

    /// Makes a receiver; window 0 checks nothing.
    public init(window: Int) { self.window = UInt64(window) }

    /// Takes in a packet and returns whether it is accepted.
    public mutating func accepts(_ number: UInt64) -> Bool {
        guard window > 0 else { return true }
        if number == 0 {
            drops.refuseZero()
            return false
        }
        if number <= top, top - number >= window {
            drops.refuseTooOld()
            return false
        }
        guard accepted.insert(number).inserted else {
            drops.refuseSeen()
            return false
        }
        top = max(top, number)
        return true
    }
}

/// Linux without `XFRMA_REPLAY_ESN_VAL`: `xfrm_replay_check_legacy`, a shift register of 32 bits.
public struct LinuxLegacyWindow: AntiReplayReceiver, Sendable {
    private let window: UInt32
    private var top: UInt32 = 0
    private var bitmap: UInt32 = 0
    /// The drops so far.
    public private(set) var drops = ReplayDropCounters()

    /// Makes a receiver; old kernels take a window above 32 for 32.
    public init(window: Int) { self.window = UInt32(min(window, 32)) }

    /// Takes in a packet and returns whether it is accepted.
    public mutating func accepts(_ number: UInt64) -> Bool {
        let sequence = UInt32(truncatingIfNeeded: number)
        guard window > 0 else { return true }
        if sequence == 0 {
            drops.refuseZero()
            return false
        }
        if sequence > top {
            let difference = sequence - top
            bitmap = difference < window ? bitmap << difference | 1 : 1
            top = sequence
            return true
        }
        let difference = top - sequence
        if difference >= window {
            drops.refuseTooOld()
            return false
        }
        if bitmap >> difference & 1 != 0 {
            drops.refuseSeen()
            return false
        }
        bitmap |= 1 << difference
        return true
    }

    /// The kernel's `seq` and `bitmap`.
    public var state: (highest: UInt32, shiftRegister: UInt32) { (top, bitmap) }
}

/// The kernel's `xfrm_replay_state_esn`: a ring of as many bits as the window has packets, in which
/// the bit of the highest number is at (highest − 1) mod window.
///
/// Before the first packet the kernel computes 2³² − 1 mod window for that place. Where the window
/// does not divide 2³² this misplaces the first packet's bit, so that a copy of it passes.
private struct LinuxReplayRing: Sendable {
    let window: UInt32
    var top: UInt32 = 0
    var words: [UInt32]

    init(window: Int) {
        self.window = UInt32(window)
        words = Array(repeating: 0, count: (window + 31) / 32)
    }

    private var position: UInt32 { (top &- 1) % window }

    private func place(below difference: UInt32) -> Int {
        Int(position >= difference ? position - difference : window - (difference - position))
    }

    func isSet(below difference: UInt32) -> Bool {
        let bit = place(below: difference)
        return words[bit >> 5] >> UInt32(bit & 31) & 1 != 0
    }

    mutating func set(below difference: UInt32) {
        let bit = place(below: difference)
        words[bit >> 5] |= 1 << UInt32(bit & 31)
    }

    mutating func advance(to sequence: UInt32) {
        let difference = sequence &- top
        let position = UInt64(position)
        if difference < window {
            for step in 1..<UInt64(max(difference, 1)) {
                let bit = Int((position + step) % UInt64(window))
                words[bit >> 5] &= ~(1 << UInt32(bit & 31))
            }
        } else {
            for index in words.indices { words[index] = 0 }
        }
        let bit = Int((position + UInt64(difference)) % UInt64(window))
        words[bit >> 5] |= 1 << UInt32(bit & 31)
        top = sequence
    }
}

/// Linux with `XFRMA_REPLAY_ESN_VAL` and without the ESN flag: `xfrm_replay_check_bmp`.
public struct LinuxBitmapWindow: AntiReplayReceiver, Sendable {
    private var ring: LinuxReplayRing
    /// The drops so far.
    public private(set) var drops = ReplayDropCounters()

    /// Makes a receiver; window 0 checks nothing.
    public init(window: Int) { ring = LinuxReplayRing(window: window) }

    /// Takes in a packet and returns whether it is accepted.
    public mutating func accepts(_ number: UInt64) -> Bool {
        let sequence = UInt32(truncatingIfNeeded: number)
        guard ring.window > 0 else { return true }
        if sequence == 0 {
            drops.refuseZero()
            return false
        }
        if sequence > ring.top {
            ring.advance(to: sequence)
            return true
        }
        let difference = ring.top - sequence
        if difference >= ring.window {
            drops.refuseTooOld()
            return false
        }
        if ring.isSet(below: difference) {
            drops.refuseSeen()
            return false
        }
        ring.set(below: difference)
        return true
    }

    /// The kernel's `seq` and `bmp`.
    public var state: (highest: UInt32, ring: [UInt32]) { (ring.top, ring.words) }
}

/// Linux with `XFRM_STATE_ESN`: `xfrm_replay_check_esn`.
///
/// A packet below the window is taken for one of the next epoch: it passes the check, then fails to
/// authenticate, so it counts as an integrity failure.
public struct LinuxESNWindow: AntiReplayReceiver, Sendable {
    private var ring: LinuxReplayRing
    private var high: UInt32 = 0
    /// The drops so far.
    public private(set) var drops = ReplayDropCounters()

    /// Makes a receiver; Linux refuses ESN with window 0.
    public init(window: Int) {
        precondition(window >= 1, "ESN with window 0 is EINVAL")
        ring = LinuxReplayRing(window: window)
    }

    /// Takes in a packet and returns whether it is accepted.
    public mutating func accepts(_ number: UInt64) -> Bool {
        let sequence = UInt32(truncatingIfNeeded: number)
        let (top, window) = (ring.top, ring.window)
        let bottom = top &- window &+ 1
        let isInOneEpoch = top >= window - 1
        if sequence == 0, high == 0, !isInOneEpoch {
            drops.refuseZero()
            return false
        }
        let difference = top &- sequence
        // xfrm_replay_check_esn: what is above the window passes.
        let isAbove =
            isInOneEpoch ? sequence > top || sequence < bottom : sequence > top && sequence < bottom
        if !isAbove {
            if difference >= window {
                drops.refuseTooOld()
                return false
            }
            if ring.isSet(below: difference) {
                drops.refuseSeen()
                return false
            }
        }
        // xfrm_replay_seqhi: what the ICV is computed over.
        var inferred = high
        if isInOneEpoch {
            if sequence < bottom { inferred &+= 1 }
        } else if sequence >= bottom {
            inferred &-= 1
        }
        guard inferred == UInt32(truncatingIfNeeded: number >> 32) else {
            drops.failIntegrity()
            return false
        }
        if isAbove {
            ring.advance(to: sequence)
            high = inferred
        } else {
            ring.set(below: difference)
        }
        return true
    }

    /// The kernel's `seq` and `bmp`.
    public var state: (highest: UInt32, ring: [UInt32]) { (ring.top, ring.words) }
}

/// RFC 6479: a bitmap in blocks that is never shifted.
public struct RFC6479Window: AntiReplayReceiver, Sendable {
    private static let blockBits: UInt64 = 32
    private let window: UInt64
    private var top: UInt64 = 0
    private var blocks: [UInt32]
    /// The drops so far.
    public private(set) var drops = ReplayDropCounters()

    /// Makes a receiver with enough blocks, a power of two, for the window beside the block in use.
    public init(window: Int) {
        self.window = UInt64(window)
        var count: UInt64 = 1
        while count * Self.blockBits < self.window + Self.blockBits { count *= 2 }
        blocks = Array(repeating: 0, count: Int(count))
    }

    /// Takes in a packet and returns whether it is accepted.
    public mutating func accepts(_ number: UInt64) -> Bool {
        if number == 0 {
            drops.refuseZero()
            return false
        }
        let block = number / Self.blockBits
        let count = UInt64(blocks.count)
        if number > top {
            let old = top / Self.blockBits
            for step in 0..<min(block - old, count) {
                blocks[Int((old + 1 + step) % count)] = 0
            }
            top = number
        } else if number + window <= top {
            drops.refuseTooOld()
            return false
        }
        let bit: UInt32 = 1 << UInt32(number % Self.blockBits)
        if blocks[Int(block % count)] & bit != 0 {
            drops.refuseSeen()
            return false
        }
        blocks[Int(block % count)] |= bit
        return true
    }
}
