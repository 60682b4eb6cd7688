public import NetworkPrimitives

/// A security policy in the kernel, XFRM_MSG_NEWPOLICY.
public struct SecurityPolicy: Equatable, Sendable {
    /// Which packets a policy is asked about.
    public enum Direction: Hashable, Sendable {
        /// Packets delivered to this host.
        case `in`
        /// Packets that leave this host.
        case out
        /// Packets this host forwards.
        case forward
        /// One socket's own packets, like a key daemon's bypass.
        case socket
    }

    /// What the kernel must apply to a packet that a policy matches.
    public struct Template: Hashable, Sendable {
        /// The outer source address; unspecified when any will do.
        public var source: IPAddress
        /// The outer destination address; unspecified when any will do.
        public var destination: IPAddress
        /// The IPsec protocol.
        public var `protocol`: IPsecProtocol
        /// How much of a packet is wrapped.
        public var mode: IPsecMode
        /// The number that ties it to its SAs; 0 for none.
        public var requestID: UInt32
        /// Whether a packet also passes without it (`level use`).
        public var isOptional = false

        /// Makes a template.
        public init(
            source: IPAddress, destination: IPAddress, protocol: IPsecProtocol = .esp,
            mode: IPsecMode = .tunnel, requestID: UInt32 = 0
        ) {
            self.source = source
            self.destination = destination
            self.protocol = `protocol`
            self.mode = mode
            self.requestID = requestID
        }
    }

    /// Ports that a policy is for, as far as `mask` goes; ICMP's type and code take their place.
    public struct PortMatch: Hashable, Sendable {
        /// The port.
        public var port: UInt16
        /// The bits that count; 0 takes every port.
        public var mask: UInt16

        /// Makes a match, of every port without arguments.
        public init(port: UInt16 = 0, mask: UInt16 = 0) {
            self.port = port
            self.mask = mask
        }
    }

    /// Which packets it is asked about.
    public var direction: Direction
    /// Whether matching packets pass; a policy may also block them.
    public var allows: Bool
    /// The inside source addresses it matches.
    public var source: IPPrefix
    /// The inside destination addresses it matches.
    public var destination: IPPrefix
    /// The inside IP protocol it matches; 0 for all.
    public var `protocol`: UInt8
    /// The source ports it matches, or types of ICMP messages.
    public var sourcePort = PortMatch()
    /// The destination ports it matches, or codes of ICMP messages.
    public var destinationPort = PortMatch()
    /// The index of the device a packet must leave by; nil for any.
    public var interfaceIndex: Int?
    /// The kernel's number for it, which names its direction too; 0 if not told.
    public var index: UInt32 = 0
    /// The rank among matching policies, lowest first.
    public var priority: UInt32
    /// The mark a packet must have under `markMask`.
    public var mark: UInt32
    /// The bits of `mark` that count; 0 when the policy takes every packet.
    public var markMask: UInt32
    /// The XFRM interface id; nil for none.
    public var interfaceID: UInt32?
    /// What is applied, in order; empty for packets that pass in the clear.
    public var templates: [Template]

    /// Makes a policy for all inside protocols that lets packets pass.
    public init(
        direction: Direction, source: IPPrefix, destination: IPPrefix, templates: [Template]
    ) {
        self.direction = direction
        allows = true
        self.source = source
        self.destination = destination
        `protocol` = 0
        priority = 0
        mark = 0
        markMask = 0
        self.templates = templates
    }
}
