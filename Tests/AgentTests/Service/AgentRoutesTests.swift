@testable import Agent
import Configuration
import Foundation
import HTTP
import Logging
import Synchronization
import Testing

/// The agent's routes, asked without a socket.
@Suite struct AgentRoutesTests {
    /// Routes over a service that watches nothing.
    private final class Agent: Sendable {
        let service: ProbingService
        let reloads = Mutex(0)

        init() throws {
            var configuration = AgentConfiguration.defaults
            configuration.discover = false
            service = try ProbingService(
                configuration: configuration,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }

        deinit { service.stop() }

        var routes: AgentRoutes {
            AgentRoutes(
                service: service,
                configuration: ConfigurationStore(
                    .defaults, file: ConfigurationFile(path: "/nowhere", isRequired: true))
            ) { [self] in
                reloads.withLock { $0 += 1 }
                return .loaded("loaded")
            }
        }
    }

    private static func text(_ response: HTTPResponse) -> String {
        guard case .bytes(let bytes) = response.body else { return "a stream" }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: - Reload

    @Test(
        arguments: [
            (nil, "127.0.0.1:9817", true),
            ("http://127.0.0.1:9817", "127.0.0.1:9817", true),
            ("https://Probe.example", "probe.example", true),
            ("http://[::1]:9817", "[::1]:9817", true),
            ("http://evil.example", "127.0.0.1:9817", false),
            ("http://127.0.0.1:8080", "127.0.0.1:9817", false),
            ("http://127.0.0.1", "127.0.0.1:9817", false),
            ("null", "127.0.0.1:9817", false),
            ("", "127.0.0.1:9817", false),
            ("http://", nil, false),
            ("http://127.0.0.1:9817", nil, false),
        ] as [(String?, String?, Bool)])
    func `no page of another site can reload the agent`(
        origin: String?, host: String?, isAllowed: Bool
    ) async throws {
        let agent = try Agent()
        for router in [agent.routes.pages, agent.routes.control] {
            let before = agent.reloads.withLock { $0 }
            let response = await router.respond(
                to: HTTPRequest(
                    method: .post, path: "/-/reload",
                    headers: HTTPFields(
                        [("host", host), ("origin", origin)].compactMap { name, value in
                            value.map { (name, $0) }
                        })))
            #expect(response.status == (isAllowed ? 200 : 403))
            #expect(
                Self.text(response)
                    == (isAllowed ? "loaded\n" : "cross-origin request refused\n"))
            #expect(agent.reloads.withLock { $0 } == before + (isAllowed ? 1 : 0))
        }
    }

    // MARK: - Examinations

    private static func order(_ query: [String: String]) -> HTTPRequest {
        HTTPRequest(method: .post, path: "/api/v1/now", query: query)
    }

    @Test func `a name is no address to examine`() async throws {
        let response = await (try Agent()).routes.control.respond(
            to: Self.order(["timeout": "5", "address": "edge.example"]))
        #expect(response.status == 400)
        #expect(Self.text(response).contains("address an IP address"))
    }

    @Test func `a third examination waits for one of two to end or lose its client`() async throws {
        let agent = try Agent()
        let router = agent.routes.control
        // Ten requests and what is measured of the path take some seconds, even to this host.
        let order = Self.order(["timeout": "60", "address": "127.0.0.1"])
        var running: [HTTPResponse] = []
        for _ in 1...2 { running.append(await router.respond(to: order)) }
        #expect(running.map(\.status) == [200, 200])
        let third = await router.respond(to: order)
        #expect(third.status == 503)
        #expect(
            Self.text(third) == "2 diagnoses are running; try again in a few seconds\n")

        // The server lets go of the stream of a client that has gone.
        running.removeLast()
        let end = ContinuousClock.now + .seconds(20)
        var next = await router.respond(to: order)
        while next.status == 503, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(20))
            next = await router.respond(to: order)
        }
        #expect(next.status == 200, "its place is free again")
        #expect(
            await router.respond(to: order).status == 503,
            "and no more than its place: the other one, as old, is not done")
    }

    @Test func `an order for senders survives its query, whatever the tunnel's name`() throws {
        let format = ReportFormat(isJSON: false, isVerbose: true, hasBlocks: true)
        for tunnel in [nil, "cf-1", "a&b=c d/é%?\u{0}"] {
            let target = SendersOrder(tunnel: tunnel, format: format).target
            #expect(target.hasPrefix("/api/v1/senders?"))
            #expect(target.allSatisfy { $0.isASCII && $0 != " " })
            let items = try #require(URLComponents(string: target)?.queryItems)
            let query = Dictionary(uniqueKeysWithValues: items.map { ($0.name, $0.value ?? "") })
            let order = SendersOrder(query: query)
            #expect(order.tunnel == tunnel)
            #expect(order.format == format)
        }
    }
}
