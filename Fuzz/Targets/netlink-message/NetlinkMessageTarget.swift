import KernelState
import Octets

/// Payloads of netlink messages, as each of the parsers takes them.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = unsafe FuzzInput(start, count)
    // What old seeds, whose first octet is a parser's number, meant by it stays.
    let kind = input.below(9)
    // Events have their type in an octet of its own.
    let type = kind >= 7 ? Int(input.below(64)) : 0
    let octets = input.rest()
    do throws(KernelMessageError) {
        switch kind {
        case 0: _ = try SecurityAssociation(parsing: octets.span.bytes)
        case 1: _ = try SecurityPolicy(parsing: octets.span.bytes)
        case 2: _ = try LinkState(parsing: octets.span.bytes)
        case 3: _ = try AddressState(parsing: octets.span.bytes)
        case 4: _ = try RouteState.routes(parsing: octets.span.bytes)
        case 5: _ = try RoutingRule.rule(parsing: octets.span.bytes)
        case 6: _ = try NeighborState.neighbor(parsing: octets.span.bytes)
        case 7: _ = try KernelEvent.xfrm(octets.span.bytes, type: type)
        default: _ = try KernelEvent.route(octets.span.bytes, type: type)
        }
    } catch {
        precondition(!"\(error)".isEmpty)
    }
    return 0
}
