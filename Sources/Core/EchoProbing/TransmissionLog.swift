import NetworkPrimitives

/// What a prober remembers of its latest transmissions, in the order they were made.
///
/// Entries are numbered without gaps, so a number finds its entry by subtraction. Three cursors
/// move forward only: the first entry not yet suspected of silence, the first not yet decided, and
/// the first whose sample is not yet out.
struct TransmissionLog: Sendable {
    enum State: Sendable {
        case pending, answered, lost, failed
    }

    struct Entry: Sendable {
        var number: UInt64
        var identifier: UInt16
        var sequence: UInt16
        var nonce: UInt64
        var sentAt: MonotonicInstant
        var transmittedAt: MonotonicInstant?
        var isRetry: Bool
        var state = State.pending
        var isSuccess = false

        func outcome(
            _ result: ProbeOutcome.Result, roundTrip: Duration? = nil
        ) -> ProbeOutcome {
            ProbeOutcome(
                identifier: identifier, sequence: sequence, sentAt: sentAt, roundTrip: roundTrip,
                result: result, isRetry: isRetry, hopLimit: nil)
        }
    }

    var entries: [Entry] = []
    private var firstNumber: UInt64 = 0
    private var suspicion: UInt64 = 0
    private var decision: UInt64 = 0
    private var sample: UInt64 = 0

    var nextNumber: UInt64 { firstNumber + UInt64(entries.count) }

    /// When the first probe was sent that is neither decided nor suspected; retries are never suspected.
    var firstUnsuspected: MonotonicInstant? { entry(suspicion)?.sentAt }

    /// When the first undecided probe was sent.
    var firstPending: MonotonicInstant? { entry(decision)?.sentAt }

    mutating func append(_ entry: Entry) {
        entries.append(entry)
        advanceCursors()
    }

    func index(of number: UInt64) -> Int? {
        guard number >= firstNumber, number < nextNumber else { return nil }
        return Int(number - firstNumber)
    }

    /// The remembered transmission with this identifier and sequence number.
    func index(identifier: UInt16, sequence: UInt16) -> Int? {
        // Numbers are remembered over far fewer than 65 536 transmissions, so the low 16 bits name
        // one: count back from the newest.
        let back = UInt64(UInt16(truncatingIfNeeded: nextNumber &- 1) &- sequence)
        guard back < UInt64(entries.count) else { return nil }
        let index = entries.count - 1 - Int(back)
        return entries[index].identifier == identifier ? index : nil
    }

    mutating func suspectFirst() {
        suspicion += 1
        advanceCursors()
    }

    mutating func resolveFirst(as state: State) -> Entry {
        let index = Int(decision - firstNumber)
        let entry = entries[index]
        resolve(index, as: state)
        return entry
    }

    mutating func resolve(_ index: Int, as state: State) {
        entries[index].state = state
        entries[index].isSuccess = state == .answered
        advanceCursors()
    }

    mutating func advanceCursors() {
        while let entry = entry(suspicion), entry.state != .pending || entry.isRetry {
            suspicion += 1
        }
        while let entry = entry(decision), entry.state != .pending { decision += 1 }
    }

    /// The next decided entry in order of sending whose sample is not out yet.
    mutating func nextSample() -> Entry? {
        guard let entry = entry(sample), entry.state != .pending else { return nil }
        sample += 1
        return entry
    }

    /// Drops entries that were sent before `instant` and are done with.
    mutating func forget(before instant: MonotonicInstant) {
        // In batches, because dropping from the front moves the rest.
        guard entries.count >= 64, entries[31].sentAt < instant else { return }
        var count = 0
        while count < entries.count, entries[count].sentAt < instant,
            firstNumber + UInt64(count) < min(decision, sample, suspicion)
        {
            count += 1
        }
        entries.removeFirst(count)
        firstNumber += UInt64(count)
    }

    private func entry(_ number: UInt64) -> Entry? {
        index(of: number).map { entries[$0] }
    }
}
