@testable import Agent
import Foundation
import Testing

typealias JSONDocument = [String: Any]

extension JSONValue {
    /// The document as Foundation reads it.
    func parsed() throws -> JSONDocument {
        let value = try JSONSerialization.jsonObject(with: Data(encoded(indented: true)))
        return try #require(value as? JSONDocument)
    }
}

/// Every key is there.
func expectKeys(
    _ keys: [String], in value: Any?, sourceLocation: SourceLocation = #_sourceLocation
) {
    let missing = Set(keys).subtracting((value as? JSONDocument ?? [:]).keys)
    #expect(missing.isEmpty, sourceLocation: sourceLocation)
}

/// "What is not known is `null` with a sibling `<key>_reason`", and only that has one.
func expectReasons(_ value: Any, at place: String = "") {
    if let object = value as? JSONDocument {
        for (key, value) in object {
            let reason = object["\(key)_reason"] as? String
            if value is NSNull {
                #expect(reason?.isEmpty == false, "\(place).\(key)")
            } else {
                #expect(reason == nil, "\(place).\(key)")
            }
            expectReasons(value, at: "\(place).\(key)")
        }
    } else if let array = value as? [Any] {
        for (index, value) in array.enumerated() {
            expectReasons(value, at: "\(place)[\(index)]")
        }
    }
}
