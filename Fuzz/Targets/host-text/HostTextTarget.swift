@testable import HostText
import KernelState
import NetworkPrimitives
import Octets

/// What this host's kernel and nft print: counters, sysctls, JSON, rulesets.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = unsafe FuzzInput(start, count)
    let kind = input.below(4)
    let octets = input.rest()
    switch kind {
    case 0: check(octets.withRawSpan { NamedCounters(listing: $0) })
    case 1: check(octets.withRawSpan { NamedCounters(table: $0) })
    case 2: _ = octets.withRawSpan(SystemSetting.value)
    default:
        do throws(JSONError) {
            let value = try octets.withRawSpan { (text) throws(JSONError) in
                try JSONValue(parsing: text, valueLimit: 10_000)
            }
            // What was read can be written, and is read again.
            _ = try value.encoded(indented: true).withRawSpan { (text) throws(JSONError) in
                try JSONValue(parsing: text)
            }
            guard let reading = FirewallReading(value) else { return 0 }
            precondition(reading.relevant.count <= FirewallReading.limit)
        } catch {
            precondition(!"\(error)".isEmpty)
        }
    }
    return 0
}

private func check(_ counters: NamedCounters) {
    precondition(counters.counters.count <= NamedCounters.nameLimit)
    var ledger = CounterLedger()
    ledger.note(counters)
    for counter in counters.counters { precondition(counters[counter.name] == counter.value) }
}
