import CLinux
import Glibc

/// Which kernel timestamps a socket was granted.
///
/// A granted transmit stamp may still never come: a device driver that does not call
/// `skb_tx_timestamp` sends without one. Whoever waits for `transmitted` events sees that. Receive
/// stamps may be missing for some milliseconds after the host's first socket asked for them: the
/// kernel turns them on in the background (net/core/dev.c, `net_enable_timestamp`).
public enum StampSupport: Hashable, Sendable {
    /// Transmit and receive stamps.
    case kernel
    /// Receive stamps only; `reason` says what the kernel answered to the rest.
    case receiveOnly(reason: String)
    /// No stamps; `reason` says what the kernel answered.
    case none(reason: String)

    /// Receive stamps: software stamps are taken and reported.
    static let receiveFlags: UInt32 =
        UInt32(SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE)

    /// Transmit stamps too, numbered.
    ///
    /// OPT_TSONLY, because on a tunnel device the error queue would
    /// otherwise return the encrypted outer frame, and because it works without CAP_NET_RAW where
    /// `net.core.tstamp_allow_data` is 0.
    static let transmitFlags: UInt32 =
        receiveFlags | numberFlag
        | UInt32(SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY)

    private static let numberFlag = UInt32(SOF_TIMESTAMPING_OPT_ID)

    /// Asks for `flags`, and for receive stamps alone where that is refused.
    static func enable(on descriptor: CInt, flags: UInt32 = transmitFlags) -> StampSupport {
        guard let refusal = set(flags, on: descriptor) else { return .kernel }
        let reason = "setsockopt(SO_TIMESTAMPING, \(flags)): \(refusal.description)"
        guard set(receiveFlags, on: descriptor) == nil else { return .none(reason: reason) }
        return .receiveOnly(reason: reason)
    }

    /// Sets the kernel's counter of transmit stamps to zero.
    ///
    /// net/core/sock.c, `sock_set_timestamping`: the counter is zeroed when OPT_ID is set and was
    /// not before.
    static func restartNumbers(on descriptor: CInt) -> Errno? {
        set(transmitFlags & ~numberFlag, on: descriptor)
            ?? set(transmitFlags, on: descriptor)
    }

    private static func set(_ flags: UInt32, on descriptor: CInt) -> Errno? {
        setOption(descriptor, level: SOL_SOCKET, name: SO_TIMESTAMPING, to: flags)
    }
}
