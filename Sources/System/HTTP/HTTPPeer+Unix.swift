internal import Glibc
internal import NIOCore

/// struct ucred of unix(7), which Glibc's Swift module leaves out: it needs _GNU_SOURCE.
private struct PeerCredentials {
    var pid: Int32
    var uid: UInt32
    var gid: UInt32
}

/// The process at the other end of a Unix socket.
func unixPeer(of channel: any Channel) -> HTTPPeer {
    guard let options = channel as? any SocketOptionProvider else { return .unknown }
    var peer = HTTPPeer.unknown
    // On the channel's own event loop the result is there at once.
    let credentials: EventLoopFuture<PeerCredentials> = options.unsafeGetSocketOption(
        level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
    credentials.assumeIsolated().whenSuccess {
        // The kernel's pid 0 stands for a process in a namespace that this one cannot see.
        peer = .process(pid: $0.pid, uid: $0.uid, gid: $0.gid)
    }
    return peer
}
