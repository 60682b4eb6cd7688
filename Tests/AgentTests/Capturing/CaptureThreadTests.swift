@testable import Agent
import Logging
import NetworkPrimitives
import Testing

/// A device's thread and those who ask it.
@Suite struct CaptureThreadTests {
    @Test(.timeLimit(.minutes(1)))
    func `who asks a thread that has ended or is about to gets what it knew last`() async throws {
        let plans = CapturePlan.plans(for: [.captured("cf-1", on: "no-such-wan0")])
        let plan = try #require(plans.first)
        let thread = try CaptureThread(plan, seed: 1) { _ in }
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    _ = await number == 50 ? thread.stop() : thread.snapshot(senders: 0)
                }
            }
        }
        #expect(await thread.stop().place == plan.place)
        #expect(await thread.snapshot(senders: 8).place == plan.place)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a report comes whatever becomes of the captures meanwhile`() async {
        let service = CaptureService(logger: .init(label: "test"))
        let tunnel = TunnelPlan.captured("cf-1", on: "no-such-wan0")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<50 { _ = await service.report() }
                }
                group.addTask {
                    for _ in 0..<50 { service.forget(service.observe([tunnel])) }
                }
            }
        }
        let report = await service.report()
        #expect(report.places.isEmpty)
        #expect(report.tunnels.isEmpty)
    }

    @Test func `a count of the kernel's that goes back counts nothing, one that wraps goes on`() {
        #expect(CapturedDevice.growth(from: 5, to: 9) == 4)
        #expect(CapturedDevice.growth(from: .max - 1, to: 3) == 5)
        #expect(CapturedDevice.growth(from: 1000, to: 0) == 0)
    }
}
