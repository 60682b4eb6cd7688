import Configuration
import IKE
import KeyDaemon
import NetworkPrimitives

/// What a key daemon's log was read to say.
struct DaemonLogWatch {
    private var place: CharonLog?
    private var follower: LogFollower?
    private var reader = KeyDaemonLog()

    /// What it says.
    private(set) var history = KeyDaemonHistory()
    /// When it is read next.
    private(set) var nextRead = MonotonicInstant(nanoseconds: 0)

    /// Whether there is a log to read.
    var isFollowing: Bool { follower != nil }
    /// Why it cannot be read; nil when it can, or nobody is to.
    var reason: String? { follower?.reason }
    /// What it is.
    var source: KeyDaemonReport.Source? {
        switch place {
        case .journal: .journal
        case .file: .log
        case nil: nil
        }
    }

    /// Reads this log from now on; nil for none.
    mutating func follow(_ place: CharonLog?) {
        guard place != self.place else { return }
        self.place = place
        reader = KeyDaemonLog()
        history = KeyDaemonHistory()
        follower = place.map { place in
            switch place {
            case .journal: LogFollower(.journal)
            case .file(let path): LogFollower(.file(path))
            }
        }
    }

    /// Reads what is new, when it is due or somebody asks.
    mutating func read(now: MonotonicInstant, every interval: Duration, isAsked: Bool) {
        guard let follower, isAsked || now >= nextRead else { return }
        nextRead = now + interval
        for line in follower.poll() {
            if let message = reader.take(line.text) { history.take(message, at: now) }
        }
    }
}
