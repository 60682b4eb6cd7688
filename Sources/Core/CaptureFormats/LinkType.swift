/// How the frames of a capture begin: a LINKTYPE_ number of the pcap registry.
public struct LinkType: RawRepresentable, Hashable, Sendable {
    /// The number in capture files; live handles use DLT_ numbers, which differ for raw IP.
    public var rawValue: UInt32

    /// Makes a link type from its LINKTYPE_ number.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }
}
