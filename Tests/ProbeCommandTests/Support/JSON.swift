import Foundation

/// A JSON document, read by keys and indices; what is not there is nil.
struct JSON: @unchecked Sendable, CustomStringConvertible {
    let value: Any?

    init(_ value: Any?) { self.value = value is NSNull ? nil : value }

    init(parsing text: String) throws {
        value = try JSONSerialization.jsonObject(
            with: Data(text.utf8), options: [.fragmentsAllowed])
    }

    subscript(key: String) -> JSON { JSON((value as? [String: Any])?[key]) }
    subscript(index: Int) -> JSON {
        guard let array = value as? [Any], array.indices.contains(index) else { return JSON(nil) }
        return JSON(array[index])
    }

    var keys: Set<String> { Set((value as? [String: Any] ?? [:]).keys) }
    var array: [JSON] { (value as? [Any] ?? []).map { JSON($0) } }
    var string: String? { value as? String }
    var number: Double? { (value as? NSNumber)?.doubleValue }
    var bool: Bool? { value as? Bool }
    var integer: Int? { (value as? NSNumber)?.intValue }
    /// Whether both documents say the same, whatever the order of their keys.
    func equals(_ other: JSON) -> Bool {
        NSArray(object: value ?? NSNull()) == NSArray(object: other.value ?? NSNull())
    }
    var description: String { value.map { "\($0)" } ?? "nil" }

    /// The tunnel of a status with this name.
    func tunnel(_ name: String) -> JSON {
        self["tunnels"].array.first { $0["name"].string == name } ?? JSON(nil)
    }

    /// The row of a tunnel's `probes`.
    func row(_ path: String, _ style: String) -> JSON {
        self["probes"].array.first { $0["path"].string == path && $0["style"].string == style }
            ?? JSON(nil)
    }
}
