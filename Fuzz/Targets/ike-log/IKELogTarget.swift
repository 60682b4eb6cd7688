import IKE
import NetworkPrimitives
import Octets

/// The provider's IKE log, whole and in windows of any size: both must give the same.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = unsafe FuzzInput(start, count)
    let seed = input.byte()
    let file = input.rest()
    let whole = Reading(file, PieceSizes(seed: 0))
    let pieces = Reading(file, PieceSizes(seed: seed))
    precondition(whole.records == pieces.records, "\(whole) \(pieces)")
    precondition(whole.tally == pieces.tally, "\(whole) \(pieces)")
    precondition(whole.tally.records == UInt64(whole.records.count))
    var digest = ProviderLogDigest()
    for record in whole.records {
        precondition(record.message.utf8.count <= 3 * ProviderLogReader.textLimit)
        digest.receive(record)
    }
    precondition(digest.kinds.values.reduce(0, +) == whole.tally.records)
    let ofPeers = digest.peers.reduce(0) { $0 + $1.records }
    precondition(ofPeers + digest.recordsOfOtherPeers == whole.tally.records)
    precondition(UInt64(digest.events.count) + digest.eventsLeftOut == whole.tally.records)
    return 0
}

private struct Reading {
    var records: [ProviderLogRecord] = []
    var tally = ProviderLogTally()

    init(_ file: [UInt8], _ sizes: PieceSizes) {
        var sizes = sizes
        var reader = ProviderLogReader()
        var fed = 0
        var goesOn = true
        while goesOn {
            let size = min(sizes.next(), file.count - fed)
            let window = Array(file[fed..<(fed + size)])
            fed += size
            let isFinal = fed == file.count
            let unfinished = reader.receive(window.span.bytes, isFinal: isFinal) {
                records.append($0)
            }
            goesOn = unfinished && !isFinal
        }
        tally = reader.tally
    }
}
