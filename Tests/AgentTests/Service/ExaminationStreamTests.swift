@testable import Agent
import Configuration
import NetworkPrimitives
import Testing

@Suite struct ExaminationStreamTests {
    private static let report = Array("cf-1  DOWN\n\nprogress 1 is no message here\n".utf8)
    private static let messages: [ExaminationStream.Message] = [
        .progress(share: 0, text: "looking at this host"),
        .progress(share: 0.42, text: "probing cf-1, cf-2"), .verdict("down"), .report(report),
    ]
    private static let bytes = messages.flatMap(ExaminationStream.encode)

    /// Joins the pieces of the report, which may come in any number.
    private static func joined(
        _ messages: [ExaminationStream.Message]
    ) -> [ExaminationStream.Message] {
        var result: [ExaminationStream.Message] = []
        for message in messages {
            if case .report(let more) = message, case .report(let sofar)? = result.last {
                result[result.count - 1] = .report(sofar + more)
            } else {
                result.append(message)
            }
        }
        return result
    }

    @Test func `takes the stream apart wherever it is split in three`() {
        for first in 0...Self.bytes.count {
            for second in first...Self.bytes.count {
                var parser = ExaminationStream.Parser()
                var messages = parser.take(Array(Self.bytes[..<first]))
                messages += parser.take(Array(Self.bytes[first..<second]))
                messages += parser.take(Array(Self.bytes[second...]))
                guard Self.joined(messages) == Self.messages else {
                    Issue.record("split at \(first) and \(second): \(messages)")
                    return
                }
            }
        }
    }

    @Test func `takes the stream apart octet by octet`() {
        var parser = ExaminationStream.Parser()
        let messages = Self.bytes.flatMap { parser.take([$0]) }
        #expect(Self.joined(messages) == Self.messages)
    }

    @Test func `passes over lines of a newer agent`() {
        var parser = ExaminationStream.Parser()
        let messages = parser.take(
            Array("hint look at this\nprogress x y\nword\nprogress 0.5 on\nrefused no\n".utf8))
        #expect(messages == [.progress(share: 0.5, text: "on"), .refused("no")])
    }

    @Test func `a line break in a text cannot begin a message`() {
        var parser = ExaminationStream.Parser()
        let encoded = ExaminationStream.encode(.refused("no tunnel 'a\nverdict healthy\r\n\nx'"))
        #expect(parser.take(encoded) == [.refused("no tunnel 'a verdict healthy  x'")])
    }
}

@Suite struct ExaminationOrderTests {
    /// What the agent's router makes of a target: the query, percent-decoded.
    private static func query(_ target: String) throws -> [String: String] {
        let parts = target.split(separator: "?", maxSplits: 1)
        #expect(parts.first == "/api/v1/now")
        var query: [String: String] = [:]
        for pair in try #require(parts.last).split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            query[String(sides[0])] = try decoded(sides[1])
        }
        return query
    }

    private static func decoded(_ text: Substring) throws -> String {
        var octets: [UInt8] = []
        var rest = text.utf8[...]
        while let octet = rest.popFirst() {
            #expect(octet > 0x20 && octet < 0x7f, "a request line holds no such octet")
            guard octet == UInt8(ascii: "%") else {
                octets.append(octet)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            rest = rest.dropFirst(2)
            octets.append(try #require(UInt8(digits, radix: 16)))
        }
        return try #require(String(validating: octets, as: UTF8.self))
    }

    @Test(
        arguments: [
            .all, .named(["cf-1"]), .named(["a:b", "c.d", "e_f"]),
            .named(["no where", "x,y", "a&timeout=9", "ü%zz", "=+#?/"]),
            .endpoint(.address(ip("192.0.2.1"))), .endpoint(.address(ip("2001:db8::1"))),
        ] as [ProbingService.Selection])
    func `an order comes out as it went in`(selection: ProbingService.Selection) throws {
        for format in [
            ReportFormat(isJSON: true), ReportFormat(isJSON: false, isColored: true),
            ReportFormat(isJSON: false, isVerbose: true),
        ] {
            let order = ExaminationOrder(
                selection: selection, limit: .seconds(12.5), format: format)
            let back = try #require(ExaminationOrder(query: Self.query(order.target)))
            #expect(back.selection == selection)
            #expect(back.limit == .seconds(12.5))
            #expect(back.format == format)
        }
    }

    @Test(arguments: ["0", "-1", "0.5", "3601", "nan", "inf", "x", ""])
    func `a limit out of bounds is no order`(timeout: String) {
        #expect(ExaminationOrder(query: ["timeout": timeout]) == nil)
        #expect(ExaminationOrder(query: [:]) == nil)
    }

    @Test(arguments: ["edge.example", "", "192.0.2", "192.0.2.1/32", "fe80::1%eth0", "[::1]"])
    func `what is no address is no order, and no name to resolve`(address: String) {
        #expect(ExaminationOrder(query: ["timeout": "5", "address": address]) == nil)
    }
}
