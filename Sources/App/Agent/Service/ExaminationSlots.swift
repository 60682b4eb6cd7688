import Synchronization

/// How many examinations may run at a time.
///
/// Each probes every tunnel it is asked for, beside the continuous watch and with identifiers of its
/// own, of which ICMP has 65 535.
final class ExaminationSlots: Sendable {
    /// The most that run at a time.
    let limit: Int
    private let taken = Mutex(0)

    init(limit: Int = 2) {
        self.limit = limit
    }

    /// How many run.
    var count: Int { taken.withLock { $0 } }

    /// Takes a slot; false when none is free.
    func take() -> Bool {
        taken.withLock { taken in
            guard taken < limit else { return false }
            taken += 1
            return true
        }
    }

    /// Gives a slot back.
    ///
    /// - Precondition: one was taken.
    func release() {
        taken.withLock { taken in
            precondition(taken > 0, "no slot is taken")
            taken -= 1
        }
    }
}
