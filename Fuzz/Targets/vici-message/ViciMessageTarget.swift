import IKE
import NetworkPrimitives
import Octets

/// What comes over a key daemon's socket, in pieces, and the lines of its log.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = unsafe FuzzInput(start, count)
    let kind = input.below(3)
    let seed = input.byte()
    let octets = input.rest()
    switch kind {
    case 0: readStream(octets, PieceSizes(seed: seed))
    case 1:
        do throws(ViciError) {
            let message = try ViciMessage(parsing: octets.span.bytes)
            read(message)
            // What was read and is written is read as the same. Octets that are no UTF-8 are three each
            // when written: a name of 255 may not fit any more.
            guard isWritable(message) else { break }
            let again = try ViciMessage(parsing: message.octets.span.bytes)
            precondition(again == message || message.octets.contains(0xef))
        } catch {
            precondition(!"\(error)".isEmpty)
        }
    default: readLines(octets)
    }
    return 0
}

/// Whether names and values are short enough to be written (`ViciMessage.octets`).
private func isWritable(_ message: ViciMessage) -> Bool {
    message.entries.allSatisfy { entry in
        guard entry.name.utf8.count <= 255 else { return false }
        return switch entry.element {
        case .value(let value): value.utf8.count <= 65_535
        case .list(let values): values.allSatisfy { $0.utf8.count <= 65_535 }
        case .section(let section): isWritable(section)
        }
    }
}

private func readStream(_ octets: [UInt8], _ sizes: PieceSizes) {
    var sizes = sizes
    var stream = ViciStream()
    var place = 0
    while place < octets.count {
        let end = place + min(sizes.next(), octets.count - place)
        stream.append(octets[place..<end])
        place = end
        do throws(ViciError) {
            while let packet = try stream.next() {
                if case .event(_, let message) = packet { read(message) }
            }
        } catch {
            // The connection is closed.
            return
        }
    }
}

private func read(_ message: ViciMessage) {
    _ = KeyDaemonConnection.all(in: message)
    _ = KeyDaemonAssociation.all(in: message)
    if let text = message.value("msg") { _ = KeyDaemonStatement(text) }
}

private func readLines(_ octets: [UInt8]) {
    var log = KeyDaemonLog()
    var history = KeyDaemonHistory()
    for line in octets.split(separator: UInt8(ascii: "\n")) {
        guard let message = log.take(String(decoding: line, as: UTF8.self)) else { continue }
        precondition(message.text.count <= 200)
        history.take(message, at: .zero)
    }
}
