import Diagnosis
import Testing

@testable import Agent

@Suite struct `The catalogue for people` {
    @Test func `every id has an entry that says what it means, rests on and asks for`() throws {
        for id in FindingID.allCases {
            let entry = try #require(RuleTable.entry(of: id), "\(id.rawValue)")
            #expect(!entry.meaning.isEmpty && !entry.evidence.isEmpty && !entry.remedy.isEmpty)
            #expect(entry.meaning.last == ".", "\(id.rawValue)")
        }
    }

    @Test(arguments: [60, 80, 120, 200])
    func `the list and the texts keep to the terminal`(columns: Int) throws {
        let list = try Catalogue([]).list(isColored: false, columns: columns)
        for line in list.split(separator: "\n") { #expect(line.count <= columns, "\(line)") }
        for id in FindingID.allCases { #expect(list.contains(id.rawValue)) }
        let text = try Catalogue(["anti-replay-drops"]).text(isColored: false, columns: columns)
        for line in text.split(separator: "\n") { #expect(line.count <= columns, "\(line)") }
        #expect(text.contains("Palo Alto") && text.contains("strongSwan"))
    }

    @Test func `an unknown id names those that are like it`() {
        #expect(throws: Catalogue.Unknown.self) { try Catalogue(["mtu"]) }
        do {
            _ = try Catalogue(["replay-drops"])
            Issue.record("it is unknown")
        } catch {
            #expect(error.nearest == ["anti-replay-drops"])
        }
    }

    @Test func `the document has every key`() throws {
        let json = String(decoding: try Catalogue([]).json, as: UTF8.self)
        #expect(json.contains("tunnelprobe.catalogue/1"))
        #expect(!json.contains("null,\n") || json.contains("\"guide_reason\""))
    }
}
