// The kernel numbers the transmit stamps of a socket (SOF_TIMESTAMPING_OPT_ID) with a counter of its
// own. After a send that failed nobody outside the kernel knows that counter: EPERM from a firewall
// comes after it was advanced, a missing route before, and EMSGSIZE depends on the version. So the
// counter is set to zero again before the next send (clearing and setting OPT_ID does that), which
// starts an epoch. Stamps of earlier epochs may still come in, when a packet waited for its
// neighbour's address or in a queueing discipline, under a number that this epoch uses too. Such a
// stamp is this epoch's message's if it was taken right after that was sent; were that wrong after
// all, the error would be smaller than `promptly`. Else it is believed for neither.

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

    /// How soon after the send call a packet that waits for nothing is stamped, at most: the stamp
    /// is taken inside that call.
    static let promptly = Duration.microseconds(100)

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

    /// Messages of earlier epochs that share a number and may still be stamped.
    private struct Holder {
        /// The message, as long as there was only one: nil once a stamp could be of several.
        var match: Match?
        /// How many stamps may still come.
        var stamps = 1
        /// When the last of the messages was sent.
        var sentAt: MonotonicInstant
    }

    /// Send times by ticket modulo `capacity`; nil once stamped.
    private var waiting = [MonotonicInstant?](repeating: nil, count: Int(capacity))
    private var next: UInt32 = 0
    /// The ticket that the kernel's number 0 stands for.
    private var epochStart: UInt32 = 0
    /// Messages sent in this epoch that may still be waiting; at most `capacity`.
    private var reach: UInt32 = 0
    /// Messages of earlier epochs without a stamp, by the kernel's number.
    private var earlier: [UInt32: Holder] = [:]
    /// When `earlier` is next rid of messages that will not be stamped any more.
    private var purgeAt = MonotonicInstant.zero

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
        // Failing sends may begin thousands of epochs a second.
        if now >= purgeAt {
            earlier = earlier.filter { $0.value.sentAt >= horizon }
            purgeAt = now + .seconds(1)
        }
        for age in stride(from: reach, to: 0, by: -1) {
            let ticket = next &- age
            guard let sentAt = waiting[Self.slot(ticket)] else { continue }
            waiting[Self.slot(ticket)] = nil
            guard sentAt >= horizon else { continue }
            let number = ticket &- epochStart
            if let holder = earlier[number] {
                earlier[number] = Holder(match: nil, stamps: holder.stamps + 1, sentAt: sentAt)
            } else {
                let match = Match(ticket: ticket, sentAt: sentAt)
                earlier[number] = Holder(match: match, sentAt: sentAt)
            }
        }
        epochStart = next
        reach = 0
        needsEpoch = false
    }

    /// The message that the kernel's number stands for.
    ///
    /// Nil for a stamp that came twice or too late, or could belong to two messages. `stampedAt` is
    /// about when the stamp was taken.
    mutating func match(kernelNumber number: UInt32, stampedAt: MonotonicInstant?) -> Match? {
        let current = matchInEpoch(number)
        guard var holder = earlier[number] else { return current }
        if let current, let stampedAt {
            let delay = current.sentAt.duration(to: stampedAt)
            if abs(delay.nanoseconds) <= Self.promptly.nanoseconds { return current }
        }
        earlier[number] = nil
        if current == nil, let match = holder.match { return match }
        // One stamp of several came, and there is no telling which. Until all of them came, or are
        // too old to come, the number stands for nothing.
        ambiguousStamps += 1
        holder.match = nil
        if let current {
            holder.sentAt = current.sentAt
        } else {
            holder.stamps -= 1
        }
        if holder.stamps > 0 { earlier[number] = holder }
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
