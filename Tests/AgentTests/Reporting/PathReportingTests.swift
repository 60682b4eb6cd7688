@testable import Agent
import Foundation
import Metrics
import NetworkPrimitives
import PathMTU
import ReplyPath
import Testing

/// `path_mtu`, `reply_path` and their metrics, interface page §5 and §6.
@Suite struct PathReportingTests {
    private static let mtuKeys = [
        "outside", "inside", "esp_overhead_bytes", "recommended_mtu_bytes",
        "recommended_mss_bytes", "recommended_mss6_bytes", "device_mtu_bytes", "route_mtu_bytes",
        "esp_overhead_max_bytes", "fitting_bytes", "agreement", "difference_bytes",
        "device_too_large",
    ]
    private static let pathKeys = [
        "bytes", "black_hole", "limiting_hop", "limiting_address", "at_least_bytes", "proven_hop",
        "limiting_hops", "may_be_on_way_back", "probes", "hop_probes", "rounds",
        "suspicious_messages", "measured_at",
    ]
    private static let replyKeys = [
        "verdict", "blocked_after_hop", "blocked_after_address", "last_hop_request",
        "last_hop_reply", "confidence", "reason", "likely_hops", "place", "checksums", "hops",
        "measured_at", "may_be_provider_edge", "refused_by", "drops_all_icmp", "target_hop",
        "ignored_answers", "captured", "capture_reason", "open_probability",
        "blocked_after_probabilities",
    ]
    private static let hopKeys = [
        "hop", "target", "requests_sent", "requests_answered", "replies_sent", "replies_answered",
        "udp_sent", "udp_answered", "request_routers", "reply_routers", "filtered_by",
    ]

    private static func document(
        _ made: MadeUpPath
    ) throws -> (mtu: JSONDocument, replies: JSONDocument) {
        (try made.path.mtuJSON.parsed(), try made.path.repliesJSON(TunnelReflection()).parsed())
    }

    @Test(arguments: MadeUpPath.allCases)
    func `every key is there, and every null has its reason`(made: MadeUpPath) throws {
        let (mtu, replies) = try Self.document(made)
        expectKeys(Self.mtuKeys, in: mtu)
        expectReasons(mtu, at: "path_mtu")
        for path in ["outside", "inside"] {
            expectKeys(Self.pathKeys, in: mtu[path])
            expectKeys(Self.replyKeys, in: replies[path])
            var ladder = try #require(replies[path] as? JSONDocument)
            let isUnclear = ladder["verdict"] as? String == "inconclusive"
            #expect((ladder["reason"] as? String != nil) == isUnclear)
            // The reason of a verdict that needs none is null without one of its own.
            ladder["reason"] = nil
            let isCaptured = ladder.removeValue(forKey: "captured") as? Bool
            #expect((ladder.removeValue(forKey: "capture_reason") is NSNull) == isCaptured)
            expectReasons(ladder, at: "reply_path.\(path)")
            for hop in try #require(ladder["hops"] as? [JSONDocument]) {
                expectKeys(Self.hopKeys, in: hop)
            }
        }
    }

    @Test func `nothing known is no number at all`() throws {
        let (mtu, replies) = try Self.document(.unknown)
        for key in Self.mtuKeys.dropFirst(2) { #expect(mtu[key] is String == false, "\(key)") }
        let outside = try #require(mtu["outside"] as? JSONDocument)
        #expect(outside["bytes_reason"] as? String == "not measured yet")
        #expect(outside["black_hole_reason"] as? String == "not measured yet")
        let ladder = try #require(replies["inside"] as? JSONDocument)
        #expect(ladder["verdict"] as? String == "inconclusive")
        #expect(ladder["reason"] as? String == "not measured yet")
        #expect(ladder["blocked_after_hop_reason"] as? String == "the verdict is inconclusive")
        #expect(ladder["last_hop_request_reason"] as? String == "not measured yet")
    }

    @Test func `what limits a path, or that nothing does`() throws {
        let free = try #require(try Self.document(.healthy).mtu["outside"] as? JSONDocument)
        #expect(free["bytes"] as? Int == 1500)
        #expect(free["black_hole"] as? Bool == false)
        #expect(free["limiting_hop_reason"] as? String == "nothing on the path limits it")
        #expect(free["measured_at"] as? String == "2026-11-22T11:59:55.123Z")
        let mtu = try Self.document(.hole).mtu
        let outside = try #require(mtu["outside"] as? JSONDocument)
        #expect(outside["limiting_hop"] as? Int == 2)
        #expect(outside["limiting_address"] as? String == "198.18.0.1")
        #expect(outside["suspicious_messages"] as? Int == 2)
        let inside = try #require(mtu["inside"] as? JSONDocument)
        #expect(inside["black_hole"] as? Bool == true)
        #expect(inside["limiting_hop"] as? Int == 1)
        #expect(inside["limiting_hops"] as? [Int] == [1])
        #expect(
            inside["limiting_address_reason"] as? String == "the router there does not answer")
        #expect(mtu["agreement"] as? String == "inside_drops_earlier")
        #expect(mtu["difference_bytes"] as? Int == 100)
        #expect(mtu["route_mtu_bytes"] as? Int == 1420)
        #expect(mtu["recommended_mtu_bytes"] as? Int == 1300)
        #expect(mtu["recommended_mss_bytes"] as? Int == 1260)
        #expect(mtu["recommended_mss6_bytes"] as? Int == 1240)
        #expect(try Self.document(.here).mtu["difference_bytes"] as? Int == -54)
    }

    @Test func `an exact size is not claimed where only a bound is known`() throws {
        let path = try #require(try Self.document(.translated).mtu["outside"] as? JSONDocument)
        #expect(path["bytes_reason"] as? String == "the endpoint answers no Echo Request")
        #expect(path["at_least_bytes"] as? Int == 1472)
        #expect(path["proven_hop"] as? Int == 5)
    }

    @Test func `where Echo Replies die`() throws {
        let ladder = try #require(try Self.document(.blocked).replies["outside"] as? JSONDocument)
        #expect(ladder["verdict"] as? String == "blocked")
        #expect(ladder["blocked_after_hop"] as? Int == 3)
        #expect(ladder["blocked_after_address"] as? String == "198.18.0.5")
        #expect(ladder["likely_hops"] as? [Int] == [3, 4])
        #expect(ladder["place"] as? String == "transit")
        #expect(ladder["confidence"] as? Double == 0.9968)
        #expect(ladder["open_probability"] as? Double == 0.0032)
        #expect((ladder["blocked_after_probabilities"] as? [Double])?[3] == 0.8)
        #expect(ladder["last_hop_request"] as? Int == 7)
        #expect(ladder["last_hop_reply"] as? Int == 3)
        let hops = try #require(ladder["hops"] as? [JSONDocument])
        #expect(hops.map { $0["hop"] as? Int } == Array(1...10))
        #expect(hops.map { $0["replies_answered"] as? Int } == [3, 3, 3] + [0, 0, 0, 0, 0, 0, 0])
        let first = try #require(try Self.document(.long).replies["outside"] as? JSONDocument)
        #expect(first["blocked_after_hop"] as? Int == 0)
        #expect(
            first["blocked_after_address_reason"] as? String == "they die before the first hop")
        #expect(first["last_hop_reply_reason"] as? String == "no hop answered an Echo Reply")
    }

    // MARK: - Metrics

    private static func values(_ made: MadeUpPath) -> [String: String] {
        let families = PathMetrics(report: .made(made)).families
        let text = String(
            decoding: MetricExposition.render(families, as: .prometheusText), as: UTF8.self)
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
            $0.replacing("tunnelprobe_", with: "").replacing("tunnel=\"fresh\"", with: "")
                .split(separator: " ").map(String.init)
        }
        return Dictionary(uniqueKeysWithValues: lines.map { ($0[0], $0[1]) })
    }

    @Test func `a series of what is not known is NaN`() {
        let values = Self.values(.unknown)
        #expect(values.count == 10)
        #expect(values.values.allSatisfy { $0 == "NaN" })
    }

    @Test func `the gauges follow the report`() {
        let values = Self.values(.hole)
        #expect(values["path_mtu_bytes{,path=\"outside\"}"] == "1454")
        #expect(values["path_mtu_bytes{,path=\"inside\"}"] == "1300")
        #expect(values["path_mtu_black_hole{,path=\"outside\"}"] == "0")
        #expect(values["path_mtu_black_hole{,path=\"inside\"}"] == "1")
        #expect(values["recommended_mtu_bytes{}"] == "1300")
        #expect(values["recommended_mss_bytes{}"] == "1260")
        #expect(values["reply_blocked{,path=\"inside\"}"] == "0")
        #expect(values["reply_blocked_hop{,path=\"inside\"}"] == "NaN")
        let blocked = Self.values(.blocked)
        #expect(blocked["reply_blocked{,path=\"outside\"}"] == "1")
        #expect(blocked["reply_blocked_hop{,path=\"outside\"}"] == "3")
        #expect(blocked["reply_blocked{,path=\"inside\"}"] == "NaN")
        #expect(Self.values(.long)["reply_blocked_hop{,path=\"outside\"}"] == "0")
    }
}
