import Dispatch
import EventStore
import Logging
import NetworkPrimitives
import RawSockets
import Synchronization

extension HistoryService {
    /// Whose history is wanted of the time before an agent, or its configuration, knew of the tunnel.
    struct FormerOrder: Sendable {
        /// The tunnels, with how often their path MTU is measured.
        let tunnels: [(name: String, sizeInterval: Duration)]
        /// The moment that watching them began, on both clocks.
        let end: (at: MonotonicInstant, wall: WallTime)
        /// Takes what was found of each.
        let give: @Sendable (String, FormerFlapping) -> Void
    }

    /// Has what is kept of tunnels read as soon as the store is open.
    func read(_ order: FormerOrder) {
        guard !order.tunnels.isEmpty else { return }
        state.withLock { state in
            guard state.isStarted, !state.isEnding else { return }
            state.orders.append(order)
        }
        wakes.signal()
    }

    /// Reads what was ordered, now that the store is open, on a thread that ends with it: a week of a
    /// thousand tunnels takes longer than a change of state may wait for the disk.
    func readOrders() {
        let (orders, folder) = state.withLock { state in
            defer { state.orders = [] }
            return (state.orders, state.folder)
        }
        guard !orders.isEmpty else { return }
        do throws(SocketError) {
            try PinnedThread.start(name: "history-read") { [logger] in
                do throws(StoreError) {
                    let source = try StoredHistory(in: folder)
                    for order in orders {
                        for tunnel in order.tunnels {
                            let former = try FormerFlapping(
                                from: source, of: tunnel.name, before: order.end,
                                sizeInterval: tunnel.sizeInterval)
                            order.give(tunnel.name, former)
                        }
                    }
                } catch {
                    logger.warning(
                        "what the tunnels did before this start is not looked at for flapping: \(error)"
                    )
                }
            }
        } catch {
            logger.warning("the thread that reads the event store cannot start: \(error)")
        }
    }
}
