import EchoProbing
import NetworkPrimitives
import Synchronization

/// The agent's one `HopPacer`, for all who send hop-limited packets: the reply pairs of the probe loop
/// and the rounds that measure paths.
///
/// Locked for a few instructions for each hop-limited packet; Echo Requests to targets do not ask.
final class SharedHopPacer: Sendable {
    private let pacer = Mutex(HopPacer())

    /// Runs `body` with the pacer.
    func withLock<Value: Sendable>(_ body: (inout HopPacer) -> Value) -> Value {
        pacer.withLock { body(&$0) }
    }

    /// Lets a packet that no slot was booked for leave at `now`, or says when to ask again.
    ///
    /// It gives way to the booked pairs of a diagnosis.
    func admit(_ hop: HopPacer.Hop, at now: MonotonicInstant) -> MonotonicInstant? {
        withLock { $0.postpone(hop, at: now, isUrgent: false) }
    }
}
