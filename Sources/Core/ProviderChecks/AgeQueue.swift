/// Keys with a value each, no more than `limit`, the oldest of which leave first.
///
/// `Dictionary` hashes with a secret of the process, so that made-up keys do not collide on purpose.
struct AgeQueue<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        var key: Key
        var number: UInt64
    }

    private let limit: Int
    private var values: [Key: (number: UInt64, value: Value)] = [:]
    /// In the order of their last renewal; entries whose number is not the key's any more are void.
    private var order: [Entry] = []
    private var first = 0
    private var nextNumber: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    var count: Int { values.count }

    /// How many entries are kept in order, void ones included: bounds memory.
    var heldCount: Int { order.count }

    subscript(key: Key) -> Value? { values[key]?.value }

    /// The oldest pair.
    var oldest: (key: Key, value: Value)? {
        mutating get {
            dropVoid()
            guard first < order.count, let found = values[order[first].key] else { return nil }
            return (order[first].key, found.value)
        }
    }

    /// Sets the value of a key and makes it the youngest.
    ///
    /// - Returns: the oldest pair, if it had to go for this one.
    @discardableResult
    mutating func renew(_ key: Key, _ value: Value) -> (key: Key, value: Value)? {
        var gone: (key: Key, value: Value)?
        if values[key] == nil, values.count >= limit { gone = removeOldest() }
        values[key] = (nextNumber, value)
        order.append(Entry(key: key, number: nextNumber))
        nextNumber += 1
        compact()
        return gone
    }

    /// Takes the oldest pair out.
    @discardableResult
    mutating func removeOldest() -> (key: Key, value: Value)? {
        guard let found = oldest else { return nil }
        values[found.key] = nil
        first += 1
        compact()
        return found
    }

    /// Takes a key out.
    @discardableResult
    mutating func remove(_ key: Key) -> Value? {
        defer { compact() }
        return values.removeValue(forKey: key)?.value
    }

    private mutating func dropVoid() {
        while first < order.count, values[order[first].key]?.number != order[first].number {
            first += 1
        }
    }

    /// Keeps the order no longer than twice what is in it.
    private mutating func compact() {
        guard order.count > 64, order.count > 2 * values.count else { return }
        order = order[first...].filter { values[$0.key]?.number == $0.number }
        first = 0
    }
}
