/// The tunnels that a service follows: the continuous watch's, and those that somebody looks at for a while.
struct WatchedTunnels {
    /// The continuous watch's.
    var continuous: [TunnelPlan] = []
    private var guests: [Int: [TunnelPlan]] = [:]
    private var nextGuest = 0

    /// Each tunnel once, by its name: as the continuous watch has it, else as the first guest does.
    var plans: [TunnelPlan] {
        var names: Set<String> = []
        return (continuous + guests.sorted { $0.key < $1.key }.flatMap(\.value)).filter {
            names.insert($0.name).inserted
        }
    }

    /// Follows these too, until `forget`.
    mutating func admit(_ plans: [TunnelPlan]) -> Int {
        defer { nextGuest += 1 }
        guests[nextGuest] = plans
        return nextGuest
    }

    /// Ends what `admit` began.
    mutating func forget(_ guest: Int) { guests[guest] = nil }

    /// Follows none any more.
    mutating func removeAll() { (continuous, guests) = ([], [:]) }
}
