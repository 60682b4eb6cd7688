import NetworkPrimitives

/// Something that can be added up from nothing.
protocol SlotValue: Sendable {
    init()
    static func += (left: inout Self, right: Self)
}

/// Sums over the last minutes, in slots of equal length.
struct Slots<Value: SlotValue>: Sendable {
    private let length: Int64
    private let count: Int
    /// In the order of their numbers.
    private var slots: [(number: Int64, value: Value)] = []

    init(length: Duration, count: Int) {
        self.length = length.nanoseconds
        self.count = count
    }

    /// Adds something that happened at `instant`; what is older than all slots kept is dropped.
    mutating func add(_ value: Value, at instant: MonotonicInstant) {
        let number = slot(of: instant)
        // Nearly always the last one.
        var index = slots.endIndex
        while index > 0, slots[index - 1].number > number { index -= 1 }
        if index > 0, slots[index - 1].number == number {
            slots[index - 1].value += value
            return
        }
        if slots.count >= count {
            guard index > 0 else { return }
            slots.removeFirst()
            index -= 1
        }
        slots.insert((number, value), at: index)
    }

    /// What was added within `span` before `now`, to the slot.
    func sum(of span: Duration, before now: MonotonicInstant) -> Value {
        let first = slot(of: now - span)
        let last = slot(of: now)
        var sum = Value()
        for slot in slots where slot.number > first && slot.number <= last { sum += slot.value }
        return sum
    }

    /// The slots within `span` before `now`, the oldest first, empty ones included; the one of `now`,
    /// which is not full yet, is not among them.
    func values(of span: Duration, before now: MonotonicInstant) -> [Value] {
        let last = slot(of: now)
        let first = slot(of: now - span)
        var values = [Value](
            repeating: Value(), count: Int(max(0, min(last - first, Int64(count)))))
        for slot in slots where slot.number < last && last - slot.number <= Int64(values.count) {
            values[values.count - Int(last - slot.number)] = slot.value
        }
        return values
    }

    private func slot(of instant: MonotonicInstant) -> Int64 {
        let number = instant.nanoseconds / length
        return instant.nanoseconds % length < 0 ? number - 1 : number
    }
}
