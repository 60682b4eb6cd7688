import ESPAnalysis

/// What the drops over window sizes mean (algorithms §2.2).
///
/// Many senders make a window drop nearly the same at every size, since their numbers collide; a path
/// that reorders makes it drop less the larger it is. The shape tells them apart.
struct ReplayWindowReading: Equatable {
    /// The shape of drops over window sizes.
    enum Shape: Equatable {
        /// No window drops a packet.
        case noDrops
        /// A window of 64 drops less than half a percent.
        case small
        /// Every size drops nearly the same: several senders.
        case flat
        /// Large windows drop little: a path that reorders.
        case falling
        /// Something of both.
        case between
        /// What is dropped are byte-identical copies.
        case copies
    }

    /// The shape.
    var shape: Shape
    /// The smallest size that drops at most 0.1 %; nil when none does.
    var sufficientWindow: Int?

    /// The windows that the shape is read at; every analysis includes them.
    static let measured = [64, 4096]

    /// Reads a stream's forecasts.
    init(_ report: StreamReport) {
        let windows = report.windows
        sufficientWindow = windows.first { $0.ratio <= 0.001 }?.window
        guard let small = windows.first(where: { $0.window >= Self.measured[0] }) ?? windows.last,
            let large = windows.last(where: { $0.window <= Self.measured[1] }) ?? windows.last,
            windows.contains(where: { $0.wouldDrop > 0 })
        else {
            shape = .noDrops
            return
        }
        // Every window drops a copy, or the packet it is of: no more than these are copies alone.
        guard small.wouldDrop == 0 || small.wouldDrop > report.duplicates.total else {
            shape = .copies
            return
        }
        guard small.ratio >= 0.005 else {
            shape = .small
            return
        }
        let ratio = large.ratio / small.ratio
        // A copy is dropped by every window, as it should be: that says nothing of the senders.
        if ratio >= 0.8, report.duplicates.total * 2 >= large.wouldDrop {
            shape = .copies
        } else {
            shape = ratio >= 0.8 ? .flat : ratio <= 0.2 ? .falling : .between
        }
    }
}
