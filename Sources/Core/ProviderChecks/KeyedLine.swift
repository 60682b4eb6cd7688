/// A line of elements in the order they came, bounded, in which the oldest of each key is found at once.
///
/// Keys may be shared: thousands of servers that use one identifier make one long chain, and every
/// step on it takes the same time.
struct KeyedLine<Key: Hashable & Sendable, Element: Sendable>: Sendable {
    private struct Place: Sendable {
        var key: Key
        var element: Element
        /// The number of the next of the same key.
        var next: UInt64?
        /// Whether it is still to be found by its key.
        var isLinked = true
    }

    private let limit: Int
    private var places: [Place] = []
    private var first = 0
    /// The number of `places[0]`.
    private var base: UInt64 = 0
    private var chains: [Key: (first: UInt64, last: UInt64)] = [:]

    init(limit: Int) { self.limit = limit }

    var count: Int { places.count - first }
    var isFull: Bool { count >= limit }

    /// The oldest element.
    var oldest: Element? { first < places.count ? places[first].element : nil }

    subscript(number: UInt64) -> Element {
        get { places[Int(number - base)].element }
        set { places[Int(number - base)].element = newValue }
    }

    /// The number of the oldest linked element of a key.
    func first(of key: Key) -> UInt64? { chains[key]?.first }

    /// The number of the one after that.
    func next(after number: UInt64) -> UInt64? { places[Int(number - base)].next }

    /// Puts an element at the end; one that is not linked is not found by its key.
    ///
    /// - Precondition: The line is not full.
    mutating func append(_ element: Element, for key: Key, isLinked: Bool = true) {
        precondition(!isFull, "the line is full")
        let number = base + UInt64(places.count)
        places.append(Place(key: key, element: element, isLinked: isLinked))
        guard isLinked else { return }
        if let chain = chains[key] {
            places[Int(chain.last - base)].next = number
            chains[key] = (chain.first, number)
        } else {
            chains[key] = (number, number)
        }
    }

    /// Has the oldest element of a key not be found by it any more; it stays in the line.
    mutating func unlinkFirst(of key: Key) {
        guard let chain = chains[key] else { return }
        let index = Int(chain.first - base)
        places[index].isLinked = false
        chains[key] = places[index].next.map { ($0, chain.last) }
    }

    /// Takes the oldest element out.
    @discardableResult
    mutating func removeOldest() -> Element? {
        guard first < places.count else { return nil }
        // The oldest of all is the oldest of its key.
        if places[first].isLinked { unlinkFirst(of: places[first].key) }
        let element = places[first].element
        first += 1
        if first > 64, first > places.count / 2 {
            places.removeFirst(first)
            base += UInt64(first)
            first = 0
        }
        return element
    }
}
