import KernelState
import Octets

/// Payloads of netlink messages, as each of the parsers takes them.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = unsafe FuzzInput(start, count)
    let kind = input.below(7)
    let octets = input.rest()
    do throws(KernelMessageError) {
        switch kind {
        case 0: _ = try SecurityAssociation(parsing: octets.span.bytes)
        case 1: _ = try SecurityPolicy(parsing: octets.span.bytes)
        case 2: _ = try LinkState(parsing: octets.span.bytes)
        case 3: _ = try AddressState(parsing: octets.span.bytes)
        case 4: _ = try RouteState.routes(parsing: octets.span.bytes)
        case 5: _ = try RoutingRule.rule(parsing: octets.span.bytes)
        default: _ = try NeighborState.neighbor(parsing: octets.span.bytes)
        }
    } catch {
        precondition(!"\(error)".isEmpty)
    }
    return 0
}
