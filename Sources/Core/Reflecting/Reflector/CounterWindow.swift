/// Which counters were seen: the 64 up to the highest exactly, as RFC 4303 §3.4.3 does it.
struct CounterWindow: Sendable {
    private var highest: UInt32
    /// Bit n stands for the counter n below the highest.
    private var seen: UInt64 = 1

    /// A window in which `first` was seen.
    init(first: UInt32) { highest = first }

    /// Marks a counter as seen; false when it was, or is too far below the highest to know.
    mutating func insert(_ counter: UInt32) -> Bool {
        if counter > highest {
            let step = counter - highest
            seen = step < 64 ? seen << UInt64(step) | 1 : 1
            highest = counter
            return true
        }
        let age = highest - counter
        guard age < 64, seen >> UInt64(age) & 1 == 0 else { return false }
        seen |= 1 << UInt64(age)
        return true
    }
}
