import Foundation
import NetworkPrimitives
import SupportBundle
import Testing

@testable import Agent

@Suite struct BundleContentsTests {
    private static let time = WallTime(nanoseconds: 1_795_405_500_000_000_000)

    private static func packed(_ contents: BundleContents) -> [UInt8] {
        contents.packed(into: "bundle", [(key: "version", value: .string("1"))], at: time)
    }

    /// What tar prints of an archive in a file.
    private static func tar(_ octets: [UInt8], _ arguments: [String]) throws -> String {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("contents-\(UUID().uuidString).tar.gz").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(octets).write(to: URL(fileURLWithPath: path))
        let (status, output) = runTool(["tar", arguments[0], path] + arguments.dropFirst())
        #expect(status == 0, "\(output)")
        return output
    }

    @Test func `what there is no room for is named`() throws {
        var contents = BundleContents(limit: 1000)
        contents.add("a", "small", [UInt8](repeating: 1, count: 600))
        contents.add("b", "too large", [UInt8](repeating: 2, count: 401))
        contents.add("c", "fits again", [UInt8](repeating: 3, count: 400))
        contents.leaveOut("d", "it cannot be read")
        let octets = Self.packed(contents)
        #expect(
            try Self.tar(octets, ["-tzf"]) == "bundle/a\nbundle/c\nbundle/manifest.json\n")
        let manifest = try Self.tar(octets, ["-xOzf", "bundle/manifest.json"])
        #expect(manifest.contains("401 octets are more than there is room for"))
        #expect(manifest.contains("it cannot be read"))
        // What is listed is what is there.
        #expect(manifest.contains("\"bytes\": 400"))
    }

    @Test func `a file with a secret is left out, and the secret is not told`() throws {
        var scan = SecretScan()
        Array("correct horse battery".utf8).withRawSpan { scan.add($0, "the key of /k") }
        var contents = BundleContents(limit: 1 << 20)
        contents.add("one", "fine", Array("nothing here".utf8))
        contents.add("two", "bad", Array("x correct horse battery y".utf8))
        contents.add("three", "bad by its look", Array("a : PSK \"hello\"".utf8))
        contents.refuse(scan)
        #expect(contents.files.map(\.path) == ["one"])
        let manifest = try Self.tar(Self.packed(contents), ["-xOzf", "bundle/manifest.json"])
        #expect(manifest.contains("the key of /k"))
        #expect(manifest.contains("a preshared key"))
        #expect(!manifest.contains("horse") && !manifest.contains("hello"))
    }

    @Test func `equal contents are equal archives, whatever the order`() {
        func contents(_ names: [String]) -> BundleContents {
            var contents = BundleContents(limit: 1 << 20)
            for name in names { contents.add(name, "x", Array(name.utf8)) }
            return contents
        }
        #expect(Self.packed(contents(["b", "a", "c"])) == Self.packed(contents(["c", "b", "a"])))
    }

    @Test func `an order goes over the wire and back`() throws {
        let order = BundleOrder(
            selection: .named(["cf-1", "a&b"]), since: .seconds(3600), limit: 2 << 20)
        #expect(order.target.hasPrefix("/api/v1/bundle?since=3600&limit=2097152&tunnels=cf-1"))
        let read = try #require(
            BundleOrder(query: ["since": "3600", "limit": "2097152", "tunnels": "cf-1\0a&b"]))
        #expect(read.selection == order.selection)
        #expect(BundleOrder(query: ["since": "1", "limit": "2097152"]) == nil)
        #expect(BundleOrder(query: ["since": "3600", "limit": "5"]) == nil)
        #expect(BundleOrder(query: [:]) == nil)
    }
}
