import CNetlink
import Glibc
import KernelState

/// What has arrived of the answer to one request.
struct NetlinkAnswer {
    /// What ends an answer.
    enum Terminator {
        /// NLMSG_DONE, after any number of messages.
        case done
        /// The first message.
        case firstMessage
    }

    /// Whether an answer can be relied on.
    enum Condition: Equatable {
        /// Nothing is missing.
        case complete
        /// The table changed meanwhile (NLM_F_DUMP_INTR): elements may be missing or twice.
        case interrupted
        /// The kernel dropped messages.
        case overrun
        /// A datagram did not fit.
        case bufferTooSmall(needed: Int)
    }

    /// The sequence number of the request.
    let sequence: UInt32
    /// The type of messages that hold elements.
    let type: Int
    let terminator: Terminator

    private(set) var condition = Condition.complete
    private(set) var isFinished = false
    /// The `errno` of a kernel that refuses; 0 otherwise.
    private(set) var refusal: Int32 = 0
    /// Messages that could not be read.
    private(set) var malformedMessages: UInt64 = 0

    init(sequence: UInt32, type: Int, terminator: Terminator) {
        self.sequence = sequence
        self.type = type
        self.terminator = terminator
    }

    /// Takes the datagram at the start of a buffer, which is zero there afterwards.
    ///
    /// - Parameters:
    ///   - byteCount: The length on the wire; more than the buffer holds for one that was cut off.
    ///   - buffer: The buffer.
    ///   - parse: Takes the payload of a message with elements.
    mutating func receive(
        byteCount: Int, in buffer: borrowing ReceiveBuffer,
        _ parse: (RawSpan) throws(KernelMessageError) -> Void
    ) {
        guard byteCount <= buffer.byteCount else {
            _ = buffer.forEachMessage(byteCount: buffer.byteCount) { _, _ in }
            condition = .bufferTooSmall(needed: byteCount)
            // The rest of a dump still comes, and is dropped when it starts over.
            if terminator == .firstMessage { isFinished = true }
            return
        }
        let whole = buffer.forEachMessage(byteCount: byteCount) { header, payload in
            take(header, payload, parse)
        }
        if !whole { malformedMessages += 1 }
    }

    /// Notes that the kernel reported a loss.
    mutating func noteOverrun() {
        condition = .overrun
    }

    private mutating func take(
        _ header: nlmsghdr, _ payload: RawSpan,
        _ parse: (RawSpan) throws(KernelMessageError) -> Void
    ) {
        // Of an earlier request that was given up.
        guard header.nlmsg_seq == sequence else { return }
        if Int32(header.nlmsg_flags) & NLM_F_DUMP_INTR != 0, condition == .complete {
            condition = .interrupted
        }
        switch Int(header.nlmsg_type) {
        case Int(NLMSG_NOOP):
            return
        case Int(NLMSG_ERROR), Int(NLMSG_DONE):
            // Both open with an int: 0, or minus the error that ended the answer.
            isFinished = true
            if payload.byteCount >= 4 {
                refusal = unsafe 0 &- payload.unsafeLoadUnaligned(as: Int32.self)
            }
            return
        case type:
            do throws(KernelMessageError) {
                try parse(payload)
            } catch {
                malformedMessages += 1
            }
        default:
            malformedMessages += 1
        }
        if terminator == .firstMessage { isFinished = true }
    }
}
