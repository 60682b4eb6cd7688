// The kernel numbers the transmit stamps of a socket (SOF_TIMESTAMPING_OPT_ID) with a counter of its
// own. After a send that failed nobody outside the kernel knows that counter: EPERM from a firewall
// comes after it was advanced, a missing route before, and EMSGSIZE depends on the version. So the
// counter is set to zero again before the next send (clearing and setting OPT_ID does that), which
// starts an epoch. Stamps of earlier epochs may still come in, when a packet waited for its
// neighbour's address or in a queueing discipline; they are told from stamps of this epoch by their
// number alone, so a number that could be either is believed for neither.

import NetworkPrimitives

/// Gives out tickets for sent messages and finds the ticket of a transmit stamp.
///
/// Tickets are unique and count up by one per sent message, wrapping after 2³². A message's ticket
/// is forgotten once `capacity` later ones were sent, or `staleAfter` past an epoch's end.
struct TransmitTickets {
    /// How many messages may wait for their stamps.
    static let capacity: UInt32 = 4096

    /// How long a packet of an earlier epoch may still be stamped; neighbour resolution, the usual
    /// reason, gives up after 3 s (arp(7): mcast_solicit × retrans_time).
    static let staleAfter = Duration.seconds(5)

    /// A message whose stamp arrived.
    struct Match: Equatable {
        let ticket: UInt32
        /// Right before the message's send call.
        let sentAt: MonotonicInstant
    }

    /// Stamps that could belong to messages of two epochs, and were discarded.
    private(set) var ambiguousStamps: UInt64 = 0
    /// Whether the kernel's counter must be zeroed before the next send.
    private(set) var needsEpoch = false

    private struct Stale {
        let kernelNumber: UInt32
        let match: Match
    }

    /// Send times by ticket modulo `capacity`; nil once stamped.
    private var waiting = [MonotonicInstant?](repeating: nil, count: Int(capacity))
    private var next: UInt32 = 0
    /// The ticket that the kernel's number 0 stands for.
    private var epochStart: UInt32 = 0
    /// Messages sent in this epoch that may still be waiting; at most `capacity`.
    private var reach: UInt32 = 0
    /// Messages of earlier epochs without a stamp, oldest first.
    private var stale: [Stale] = []

    /// The ticket of a message that was just sent.
    mutating func issue(sentAt: MonotonicInstant) -> UInt32 {
        let ticket = next
        waiting[Self.slot(ticket)] = sentAt
        next &+= 1
        reach = min(reach + 1, Self.capacity)
        return ticket
    }

    /// Notes that a send failed.
    mutating func sendFailed() {
        needsEpoch = true
    }

    /// Notes that the kernel's counter was set to zero.
    mutating func beginEpoch(at now: MonotonicInstant) {
        let horizon = now - Self.staleAfter
        stale.removeAll { $0.match.sentAt < horizon }
        for age in stride(from: reach, to: 0, by: -1) {
            let ticket = next &- age
            guard let sentAt = waiting[Self.slot(ticket)] else { continue }
            waiting[Self.slot(ticket)] = nil
            guard sentAt >= horizon else { continue }
            let match = Match(ticket: ticket, sentAt: sentAt)
            stale.append(Stale(kernelNumber: ticket &- epochStart, match: match))
        }
        if stale.count > Int(Self.capacity) {
            stale.removeFirst(stale.count - Int(Self.capacity))
        }
        epochStart = next
        reach = 0
        needsEpoch = false
    }

    /// The message that the kernel's `number` stands for; nil for a stamp that came twice, too late,
    /// or could belong to two messages.
    mutating func match(kernelNumber number: UInt32) -> Match? {
        var found = matchInEpoch(number)
        guard !stale.isEmpty else { return found }
        var candidates = found == nil ? 0 : 1
        stale.removeAll { entry in
            guard entry.kernelNumber == number else { return false }
            candidates += 1
            found = entry.match
            return true
        }
        guard candidates > 1 else { return found }
        ambiguousStamps += 1
        return nil
    }

    private mutating func matchInEpoch(_ number: UInt32) -> Match? {
        let ticket = epochStart &+ number
        let age = next &- ticket
        guard age > 0, age <= reach, let sentAt = waiting[Self.slot(ticket)] else { return nil }
        waiting[Self.slot(ticket)] = nil
        return Match(ticket: ticket, sentAt: sentAt)
    }

    private static func slot(_ ticket: UInt32) -> Int { Int(ticket % capacity) }
}
