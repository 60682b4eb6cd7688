public import NetworkPrimitives

/// Which recordings are kept.
public struct RecordingRetention: Hashable, Sendable {
    /// A recording that is there.
    public struct File: Hashable, Sendable {
        /// Its name.
        public var name: String
        /// Its size in octets.
        public var size: Int
        /// When it was last written.
        public var modified: WallTime

        /// Describes a file.
        public init(name: String, size: Int, modified: WallTime) {
            self.name = name
            self.size = size
            self.modified = modified
        }
    }

    /// The most recordings of one tunnel.
    public var perTunnel: Int
    /// The most recordings of all tunnels.
    public var overall: Int
    /// The most octets of all recordings.
    public var totalSize: Int
    /// How old a recording may become.
    public var age: Duration

    /// Makes limits.
    public init(perTunnel: Int = 20, overall: Int = 100, totalSize: Int, age: Duration) {
        self.perTunnel = perTunnel
        self.overall = overall
        self.totalSize = totalSize
        self.age = age
    }

    /// The names of the files to delete, the oldest first; files that are no recordings stay.
    ///
    /// - Parameters:
    ///   - files: the files that are there.
    ///   - now: the current time.
    /// - Returns: what is to go.
    public func excess(_ files: [File], at now: WallTime) -> [String] {
        var kept: [String: Int] = [:]
        var count = 0
        var size = 0
        var excess: [String] = []
        // The newest first: what comes after the limits are reached is to go.
        let order = files.sorted { ($0.modified, $0.name) > ($1.modified, $1.name) }
        for file in order {
            guard let tunnel = RecordingName.tunnelPart(of: file.name) else { continue }
            let isOld = file.modified + age < now
            let isOneTooMany = count >= overall || kept[tunnel, default: 0] >= perTunnel
            // One that alone is over the limit is kept until the next comes.
            if isOld || isOneTooMany || (count > 0 && size + file.size > totalSize) {
                excess.append(file.name)
            } else {
                count += 1
                size += file.size
                kept[tunnel, default: 0] += 1
            }
        }
        return excess.reversed()
    }
}
