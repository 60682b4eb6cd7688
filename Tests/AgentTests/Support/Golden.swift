import Foundation
import Testing

/// Compares with `Golden/NAME.txt` of the reporting tests; RENEW_GOLDEN=1 writes it instead.
func expectGolden(
    _ name: String, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Reporting/Golden/\(name).txt")
    if ProcessInfo.processInfo.environment["RENEW_GOLDEN"] != nil {
        try Data(text.utf8).write(to: file)
    }
    let wanted = String(decoding: try Data(contentsOf: file), as: UTF8.self)
    #expect(text == wanted, sourceLocation: sourceLocation)
}
