public import NetworkPrimitives

/// What lies between this host and one target: routers in a row, and how well the links work.
///
/// With n routers there are n + 1 links each way. Fates are drawn when a message is sent, so a
/// change to a path concerns what is sent after it.
public struct SimulatedPath: Sendable {
    /// This host's address on the path.
    public var source: IPAddress
    /// The address that is probed.
    public var target: IPAddress
    /// The routers, nearest first; all of the family of `target`.
    public var routers: [SimulatedRouter]
    /// What the target does with an Echo Request; an Echo Reply it always ignores.
    public var targetBehavior = TargetBehavior.answers
    /// All links from here to the target together.
    public var outward: SimulatedLinks
    /// All links from the target to here together.
    public var inward: SimulatedLinks
    /// When the path carries nothing.
    public var outages = Outages()
    /// When this host cannot send at all: no route, no device.
    public var unsendable = Outages()
    /// The probability that this host's kernel refuses a message, 0...1.
    public var sendFailure = 0.0
    /// Instants at which a firewall on the path loses touch with its sessions, ascending.
    ///
    /// Messages of identifiers that it saw before are dropped from then on; new ones pass. This is
    /// what a NAT does whose sessions still point to a path that has gone.
    public var sessionBreaks: [MonotonicInstant] = []
    /// Where flows part.
    public var branches: [SimulatedBranch] = []
    /// A NAT on the way; nil for none.
    public var translation: SimulatedTranslation?
    /// Whether something near this host drops every ICMP error that comes in.
    public var dropsErrorsInward = false
    /// How large a packet each link carries.
    public var sizes = SimulatedSizes()
    /// A Packet Too Big that somebody makes up; nil for none.
    public var forgedTooBig: SimulatedForgery?
    /// Messages that somebody else makes up whenever the target answers.
    public var forgeries = Forgeries()

    /// What a target does with an Echo Request.
    public enum TargetBehavior: Hashable, Sendable {
        /// It answers.
        case answers
        /// It says nothing.
        case silent
        /// It answers Destination Unreachable with this code.
        case unreachable(code: UInt8)
    }

    /// Makes a path with the same links both ways.
    public init(
        from source: IPAddress, to target: IPAddress, routers: [SimulatedRouter] = [],
        links: SimulatedLinks = SimulatedLinks()
    ) {
        self.source = source
        self.target = target
        self.routers = routers
        outward = links
        inward = links
    }
}

/// How the links of one direction treat messages, taken together from end to end.
///
/// A message that goes only part of the way, because its hop limit runs out or a router answers it,
/// has its share of the delay and of the loss.
public struct SimulatedLinks: Hashable, Sendable {
    /// The constant part of the delay.
    public var delay: Duration
    /// The longest extra delay; each message has a uniform share of it.
    public var jitter: Duration
    /// The probability that a message vanishes, 0...1.
    public var loss: Double
    /// The probability that a message arrives twice, 0...1.
    public var duplication: Double
    /// The probability that a message is held back, 0...1: it arrives after messages sent later, or
    /// too late altogether.
    public var holding: Double
    /// How long a message is held back.
    public var holdingTime: Duration

    /// Makes links; with no arguments perfect ones that take 5 ms.
    public init(
        delay: Duration = .milliseconds(5), jitter: Duration = .zero, loss: Double = 0,
        duplication: Double = 0, holding: Double = 0, holdingTime: Duration = .zero
    ) {
        self.delay = delay
        self.jitter = jitter
        self.loss = loss
        self.duplication = duplication
        self.holding = holding
        self.holdingTime = holdingTime
    }
}

/// How often somebody forges a message beside a genuine Echo Reply; each a probability, 0...1.
public struct Forgeries: Hashable, Sendable {
    /// The genuine reply once more, from another address.
    public var wrongSource = 0.0
    /// The genuine reply once more with one payload bit changed and a right checksum.
    public var changedPayload = 0.0
    /// The genuine reply once more with a sequence number far from those in use.
    public var unknownSequence = 0.0
    /// An ICMP error that quotes the request with another destination.
    public var wrongQuote = 0.0
    /// The genuine reply once more with one bit flipped and the checksum left; IPv4 only, because
    /// the kernel drops such an ICMPv6 message before any socket sees it.
    public var corruption = 0.0

    /// No forgeries.
    public init() {}

    var isNone: Bool {
        wrongSource == 0 && changedPayload == 0 && unknownSequence == 0 && wrongQuote == 0
            && corruption == 0
    }
}

/// Spans of time in which something does not work, each from its start up to but without its end.
public struct Outages: Hashable, Sendable {
    private var starts: [MonotonicInstant] = []
    private var ends: [MonotonicInstant] = []

    /// No outage.
    public init() {}

    /// Adds an outage.
    ///
    /// - Precondition: it starts at or after the end of the one added last.
    public mutating func add(_ span: Range<MonotonicInstant>) {
        precondition(ends.last.map { span.lowerBound >= $0 } ?? true, "outages in order of time")
        starts.append(span.lowerBound)
        ends.append(span.upperBound)
    }

    /// Whether `instant` lies in an outage.
    public func contains(_ instant: MonotonicInstant) -> Bool {
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= instant { low = middle + 1 } else { high = middle }
        }
        return low > 0 && instant < ends[low - 1]
    }
}
