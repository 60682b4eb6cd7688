@testable import Configuration
import Octets

/// The walk over a configuration file's text, before toml++ sees it.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = String(decoding: unsafe FuzzInput(start, count).rest(), as: UTF8.self)
    let lines = text.utf8.count { $0 == UInt8(ascii: "\n") } + 1
    let locator = KeyLocator(text)
    for objection in locator.objections {
        precondition((1...lines).contains(objection.position.line), "\(objection)")
        precondition(objection.position.column >= 1)
    }
    precondition(locator.nearestLocation(of: [.key("agent"), .index(3)]).key.line >= 1)
    return 0
}
