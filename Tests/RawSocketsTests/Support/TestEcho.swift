import Glibc
import NetworkPrimitives
import RawSockets

/// An Echo Request (or, with `reply`, an unsolicited Echo Reply) with `payload` octets of data.
func echo(
    _ family: IPAddress.Family, identifier: UInt16 = 0x7465, sequence: UInt16, payload: Int = 56,
    reply: Bool = false
) -> [UInt8] {
    let type: UInt8 =
        switch (family, reply) {
        case (.v4, false): 8
        case (.v4, true): 0
        case (.v6, false): 128
        case (.v6, true): 129
        }
    var message: [UInt8] = [type, 0, 0, 0]
    message.append(bigEndian: identifier)
    message.append(bigEndian: sequence)
    message += (0..<payload).map { UInt8(truncatingIfNeeded: $0) }
    if family == .v4 {
        // RFC 1071.
        var sum: UInt32 = 0
        for index in stride(from: 0, to: message.count, by: 2) {
            sum += UInt32(message[index]) << 8
            if index + 1 < message.count { sum += UInt32(message[index + 1]) }
        }
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        message[2] = UInt8(truncatingIfNeeded: ~sum >> 8)
        message[3] = UInt8(truncatingIfNeeded: ~sum)
    }
    return message
}

/// A received ICMP message with its octets.
struct Answer {
    let received: ReceivedMessage
    let octets: [UInt8]

    var type: UInt8 { octets[0] }
    var sequence: UInt16 { UInt16(octets[6]) << 8 | UInt16(octets[7]) }
}

/// What a socket reported so far, in order.
struct Reports {
    var events: [SocketEvent] = []
    var answers: [Answer] = []
    /// Ticket and stamp, in order of arrival.
    var transmitted: [(ticket: UInt32, at: MonotonicInstant?)] = []

    func transmittedAt(_ ticket: UInt32) -> MonotonicInstant? {
        transmitted.first { $0.ticket == ticket }?.at
    }
}

extension EchoSocket {
    /// Drains into `reports` until `isEnough` or `timeout`.
    func collect(
        into reports: inout Reports, within timeout: Duration = .seconds(3),
        until isEnough: (Reports) -> Bool
    ) throws {
        var correlation = ClockCorrelation()
        try collect(
            into: &reports, correlation: &correlation, within: timeout, until: isEnough)
    }

    func collect(
        into reports: inout Reports, correlation: inout ClockCorrelation,
        within timeout: Duration = .seconds(3), until isEnough: (Reports) -> Bool
    ) throws {
        let poll = try EventPoll()
        try poll.add(descriptor, key: 1)
        let deadline = MonotonicClock.now() + timeout
        while !isEnough(reports), MonotonicClock.now() < deadline {
            poll.wait(until: deadline) { _ in
                drain(correlation: &correlation) { event, octets in
                    reports.events.append(event)
                    switch event {
                    case .transmitted(let ticket, let at): reports.transmitted.append((ticket, at))
                    case .received(let received):
                        let copy = (0..<octets.byteCount).map { octets.uint8(at: $0) }
                        reports.answers.append(Answer(received: received, octets: copy))
                    case .queuedError: break
                    }
                }
            }
        }
    }

    func collect(
        within timeout: Duration = .seconds(3), until isEnough: (Reports) -> Bool
    ) throws -> Reports {
        var reports = Reports()
        try collect(into: &reports, within: timeout, until: isEnough)
        return reports
    }
}

/// Waits until the kernel stamps received packets: it starts in the background when the host's first
/// socket asks for stamps.
func awaitReceiveStamps() {
    usleep(50_000)
}

extension SendOutcome {
    /// The ticket and send time of a sent message.
    var sent: (ticket: UInt32, at: MonotonicInstant)? {
        guard case .sent(let ticket, let at) = self else { return nil }
        return (ticket, at)
    }

    var failure: SendFailure? {
        guard case .failed(let failure) = self else { return nil }
        return failure
    }
}
