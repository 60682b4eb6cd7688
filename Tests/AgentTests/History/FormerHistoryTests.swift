import Configuration
import EventStore
import Foundation
import History
import Logging
import NetworkPrimitives
import RawSockets
import Synchronization
import Testing

@testable import Agent

/// The history service hands out what the store had before it was started.
@Suite struct FormerHistoryTests {
    @Test(.timeLimit(.minutes(1)))
    func `what was stored is read as soon as the store is open, once for each tunnel`() async throws
    {
        let folder = NSTemporaryDirectory() + "tp-former-\(UInt32.random(in: 0...(.max)))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let wall = WallClock.now()
        try EventStore.open(in: folder, now: wall).store.append(
            StoreBatch(events: [
                StoredEvent(
                    .rekeyed(RekeyEntry(spi: "0xc0de0001")), of: "a", at: wall + .seconds(-60))
            ]))
        var configuration = AgentConfiguration()
        configuration.stateDirectory = folder
        let service = HistoryService(configuration, logger: Logger(label: "test"))
        let (given, continuation) = AsyncStream.makeStream(of: String.self)
        let order = HistoryService.FormerOrder(
            tunnels: [("a", .seconds(600)), ("b", .seconds(600))],
            end: (MonotonicClock.now(), wall)
        ) { name, _ in continuation.yield(name) }
        service.read(order)
        #expect(service.state.withLock { $0.orders.isEmpty }, "nothing is kept before the start")
        service.start()
        service.read(order)
        var names: [String] = []
        for await name in given {
            names.append(name)
            if names.count == 2 { break }
        }
        #expect(names == ["a", "b"])
        service.stop()
        #expect(service.state.withLock { $0.orders.isEmpty })
    }
}
