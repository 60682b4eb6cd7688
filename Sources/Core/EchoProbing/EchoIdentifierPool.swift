/// Hands out the random ICMP identifiers of one network namespace, each to one prober at a time.
///
/// Random because a NAT or firewall on the way keeps sessions by identifier, and other programs on
/// this host use the field too; one owner each so that an answer finds its prober by identifier.
public struct EchoIdentifierPool: Sendable {
    private var owners: [UInt16: Int] = [:]
    /// What each owner holds: a handful, so that one owner's end does not walk everybody's.
    private var holdings: [Int: [UInt16]] = [:]
    private var generator: any RandomNumberGenerator & Sendable

    /// An empty pool that draws from `generator`.
    public init(generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()) {
        self.generator = generator
    }

    /// Takes a free identifier for `owner`; 0 is never handed out, some middleboxes drop it.
    ///
    /// - Precondition: fewer than 60 000 identifiers are taken.
    public mutating func take(for owner: Int) -> UInt16 {
        precondition(owners.count < 60_000, "\(owners.count) identifiers are in use")
        while true {
            let identifier = UInt16.random(in: 1...UInt16.max, using: &generator)
            if owners[identifier] == nil {
                owners[identifier] = owner
                holdings[owner, default: []].append(identifier)
                return identifier
            }
        }
    }

    /// Gives an identifier back.
    public mutating func release(_ identifier: UInt16) {
        guard let owner = owners.removeValue(forKey: identifier) else { return }
        holdings[owner]?.removeAll { $0 == identifier }
        if holdings[owner]?.isEmpty == true { holdings[owner] = nil }
    }

    /// Gives back every identifier of `owner`, in a time that depends on their number alone.
    public mutating func releaseAll(of owner: Int) {
        for identifier in holdings.removeValue(forKey: owner) ?? [] { owners[identifier] = nil }
    }

    /// Who holds `identifier`; nil when nobody does.
    public func owner(of identifier: UInt16) -> Int? { owners[identifier] }

    /// A random 64-bit mark for one probe.
    public mutating func nonce() -> UInt64 { generator.next() }

    /// A random bit.
    public mutating func coin() -> Bool { Bool.random(using: &generator) }
}
