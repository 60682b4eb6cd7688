import EventStore
import Glibc
import HostFacts
import NetworkPrimitives

/// `write-events FOLDER`: writes batches of events for ever and says of each on standard output that it is
/// committed; a test kills it in the middle.
@main enum WriteEvents {
    /// Events in a batch.
    static let batchSize = 20

    static func main() {
        guard CommandLine.arguments.count == 2 else { exit(64) }
        do throws(StoreError) {
            let store = try EventStore.open(
                in: CommandLine.arguments[1], now: WallTime(nanoseconds: 0)
            ).store
            var batch = 0
            while true {
                let events = (0..<batchSize).map { index in
                    StoredEvent(
                        at: WallTime(nanoseconds: Int64(batch)), tunnel: "cf-\(index % 3)",
                        kind: "test", body: "batch \(batch) event \(index)")
                }
                try store.append(StoreBatch(events: events))
                batch += 1
                StandardStream.output.write("\(batch)\n")
            }
        } catch {
            print(error)
            exit(1)
        }
    }
}
