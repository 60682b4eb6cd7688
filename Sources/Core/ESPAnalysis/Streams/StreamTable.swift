public import NetworkPrimitives
import PacketFormats

/// All ESP streams of one capture (algorithms §3): packets go in, reports come out.
///
/// A stream is what a receiver finds an SA by: destination, SPI, encapsulation. A new SPI is a new
/// stream with fresh state; nothing links senders across SPIs.
///
/// *Bounded.* An analyzer costs some hundred KiB, so a stream gets one only with its eighth packet; until then it
/// has a small place in ``StreamProbation``, from which these packets are then analysed, so that
/// nothing is missed. A flood of random SPIs fights for these places only. When `maximumStreams` have
/// an analyzer, the longest idle gives way if it has been idle for 120 s, else the newcomer is
/// refused. Packets that are analysed nowhere are counted in `unanalysedPackets`.
///
/// Live, streams idle for 120 s are closed: take their last reports with ``takeClosedReports()``.
public struct StreamTable: Sendable {
    /// What a table is made with.
    public struct Settings: Sendable {
        /// The window sizes to predict for, in packets.
        public var windows: [Int]
        /// Packets the identity table remembers, a power of two; 16 octets each.
        public var identityCapacity: Int
        /// The most streams with an analyzer.
        public var maximumStreams: Int
        /// Whether the capture has no end: idle streams are closed then.
        public var isLive: Bool
        /// A secret random number, against hash flooding.
        public var seed: UInt64

        /// Makes settings.
        public init(
            windows: [Int], identityCapacity: Int, maximumStreams: Int, isLive: Bool, seed: UInt64
        ) {
            self.windows = windows
            self.identityCapacity = identityCapacity
            self.maximumStreams = maximumStreams
            self.isLive = isLive
            self.seed = seed
        }

        /// What the daemon uses: 2¹⁷ identities, 64 streams.
        public static func live(windows: [Int], seed: UInt64) -> Settings {
            Settings(
                windows: windows, identityCapacity: 1 << 17, maximumStreams: 64, isLive: true,
                seed: seed)
        }

        /// What the analysis of a file uses: 2²⁰ identities, 1 024 streams.
        public static func file(windows: [Int], seed: UInt64) -> Settings {
            Settings(
                windows: windows, identityCapacity: 1 << 20, maximumStreams: 1024, isLive: false,
                seed: seed)
        }
    }

    /// How long a stream is idle before it is closed or gives way.
    public static let idleLimit: Duration = .seconds(120)
    /// How often idle streams are looked for.
    private static let sweepInterval: Duration = .seconds(5)
    /// How long a refused stream waits before it asks again.
    private static let refusalInterval: Duration = .seconds(1)

    /// What the table was made with.
    public let settings: Settings
    /// How many times a stream with eight packets found no room.
    public private(set) var refusedStreams: UInt64 = 0
    /// Packets that are in no report, now or later.
    public private(set) var unanalysedPackets: UInt64 = 0
    /// ESP packets received.
    public private(set) var packets: UInt64 = 0
    /// How many times a stream began that had no place here, those included that come back after they
    /// were closed.
    public private(set) var openings: UInt64 = 0
    /// Reports of closed streams that nobody took in time.
    public private(set) var lostReports: UInt64 = 0
    /// Later fragments, which name no stream, by the addresses they go between.
    public private(set) var laterFragments = LaterFragments()

    private let analyzerSettings: StreamAnalyzer.Settings
    private var identities: PacketIdentityTable
    private var analyzers: ContiguousArray<StreamAnalyzer> = []
    private var probation = StreamProbation()
    /// By stream: the place in `analyzers`, or -1 - the place in `probation`.
    private var index: StreamIndex
    private var nextNumber: UInt32 = 1
    private var closed: [StreamReport] = []
    private var nextSweep = MonotonicInstant(nanoseconds: .min)
    /// The streams whose SA is known to have extended sequence numbers.
    private var extended: Set<StreamID> = []
    /// The stream of the latest packet, as the next one is often of the same.
    private var latest: StreamID?
    private var latestPlace = 0
    private var latestNumber: UInt32 = 0
    /// Changes when analyzers change their places.
    private var placeGeneration: UInt32 = 0
    /// What loads ahead of need returned, which keeps them from being left out.
    private var warmth: UInt64 = 0

    /// Makes a table without streams.
    public init(settings: Settings) {
        precondition(settings.maximumStreams > 0, "room for one stream at least")
        self.settings = settings
        var reach = 1 << 20
        while reach < settings.windows.max() ?? 1 { reach *= 2 }
        analyzerSettings = StreamAnalyzer.Settings(
            windows: settings.windows, reach: reach, seed: settings.seed &+ 1)
        identities = PacketIdentityTable(
            capacity: settings.identityCapacity, seed: settings.seed &+ 2)
        index = StreamIndex(
            limit: settings.maximumStreams + StreamProbation.limit, seed: settings.seed &+ 3)
        analyzers.reserveCapacity(min(settings.maximumStreams, 64))
    }

    /// How many streams have an analyzer.
    public var analysedStreams: Int { analyzers.count }

    /// Says which streams have extended sequence numbers (ESN, RFC 4303 §2.2.1), as their SAs do.
    ///
    /// Packets carry the low half only: without knowing, a number that wraps looks like one more
    /// sender. Streams that were said to have them keep them.
    public mutating func noteExtended(_ streams: Set<StreamID>) {
        guard extended != streams else { return }
        extended = streams
        for place in analyzers.indices where streams.contains(analyzers[place].id) {
            analyzers[place].extend()
        }
    }

    // MARK: Packets

    /// Takes in a packet, which is not earlier than its predecessor.
    public mutating func receive(_ packet: borrowing ESPObservation) {
        packets &+= 1
        if packet.arrival >= nextSweep { sweep(at: packet.arrival) }
        if isLatest(packet) {
            analyzers[latestPlace].receive(packet, identities: &identities)
            return
        }
        find(packet)
    }

    /// Takes in packets in order; much faster than one by one.
    ///
    /// A packet costs more in waiting for its place in the identity table than in everything else.
    /// The places of sixteen packets are loaded at once first: as many loads as processors keep under
    /// way.
    public mutating func receive(_ batch: Span<ESPObservation>) {
        var places = InlineArray<16, Int32>(repeating: -1)
        var keys = InlineArray<16, UInt64>(repeating: 0)
        var start = 0
        while start < batch.count {
            let count = min(places.count, batch.count - start)
            let generation = placeGeneration
            for offset in 0..<count {
                places[offset] = place(of: batch[start + offset])
                keys[offset] = identities.key(batch[start + offset].identity, latestNumber)
            }
            // Nothing else in this loop: a processor looks only so many instructions ahead.
            var sum: UInt64 = 0
            for offset in 0..<count { sum &+= identities.touch(keys[offset]) }
            touchBounds(batch.extracting(start..<start + count), places, &sum)
            warmth = sum
            for offset in 0..<count {
                let place = Int(places[offset])
                guard place >= 0, generation == placeGeneration,
                    batch[start + offset].arrival < nextSweep
                else {
                    receive(batch[start + offset])
                    continue
                }
                packets &+= 1
                analyzers[place].receive(
                    batch[start + offset], key: keys[offset], identities: &identities)
            }
            start += count
        }
    }

    /// Loads what the lower bounds of up to sixteen packets will look up, which takes two steps.
    @inline(__always)
    private func touchBounds(
        _ batch: Span<ESPObservation>, _ places: InlineArray<16, Int32>, _ sum: inout UInt64
    ) {
        var found = InlineArray<16, UInt32>(repeating: 0)
        for offset in batch.indices where places[offset] >= 0 {
            found[offset] = analyzers[Int(places[offset])].touchBucket(of: batch[offset].sequence)
        }
        for offset in batch.indices where places[offset] >= 0 {
            sum &+= UInt64(analyzers[Int(places[offset])].touchPacket(found[offset]))
        }
    }

    /// The place of a packet's analyzer, or -1 if it has none; makes it the latest.
    @inline(__always)
    private mutating func place(of packet: borrowing ESPObservation) -> Int32 {
        if isLatest(packet) { return Int32(truncatingIfNeeded: latestPlace) }
        let id = StreamID(
            destination: packet.destination, spi: packet.spi, encapsulation: packet.encapsulation)
        let value = index[id]
        guard value >= 0 else { return -1 }
        latest = id
        latestPlace = Int(value)
        latestNumber = analyzers[latestPlace].number
        return value
    }

    @inline(__always)
    private func isLatest(_ packet: borrowing ESPObservation) -> Bool {
        guard let latest, packet.spi == latest.spi, packet.destination == latest.destination,
            packet.encapsulation == latest.encapsulation
        else { return false }
        return true
    }

    /// Counts a fragment that is not the first of its packet, and so carries no ESP header.
    public mutating func noteLaterFragment(source: IPAddress, destination: IPAddress) {
        laterFragments.note(source: source, destination: destination)
    }

    @inline(never)
    private mutating func find(_ packet: borrowing ESPObservation) {
        let id = StreamID(
            destination: packet.destination, spi: packet.spi, encapsulation: packet.encapsulation)
        let value = index[id]
        if value >= 0 {
            latest = id
            latestPlace = Int(value)
            latestNumber = analyzers[latestPlace].number
            analyzers[latestPlace].receive(packet, identities: &identities)
        } else if value == StreamIndex.nothing {
            receiveNew(packet, id)
        } else {
            receiveProbationary(packet, id, Int(-1 - value))
        }
    }

    private mutating func receiveNew(_ packet: borrowing ESPObservation, _ id: StreamID) {
        openings &+= 1
        if let victim = probation.victim() { dismiss(victim) }
        let place = probation.open(id)
        index.set(Int32(-1 - place), for: id)
        _ = probation.keep(packet, at: place)
    }

    private mutating func receiveProbationary(
        _ packet: borrowing ESPObservation, _ id: StreamID, _ place: Int
    ) {
        if let refused = probation.entries[place].refused,
            packet.arrival - refused < Self.refusalInterval
        {
            unanalysedPackets += 1
            probation.pass(place, at: packet.arrival)
            return
        }
        // A refused stream that asks again begins with this packet.
        let count = probation.keep(packet, at: place)
        guard count == StreamProbation.admission || probation.entries[place].refused != nil else {
            return
        }
        guard makeRoom(at: packet.arrival) else {
            if probation.entries[place].refused == nil { refusedStreams += 1 }
            unanalysedPackets += UInt64(count)
            probation.refuse(place, at: packet.arrival)
            return
        }
        admit(id, place)
    }

    private mutating func admit(_ id: StreamID, _ place: Int) {
        var analyzer = StreamAnalyzer(
            id: id, number: nextNumber, settings: analyzerSettings,
            isExtended: extended.contains(id))
        nextNumber &+= 1
        for packet in probation.packets(at: place) {
            analyzer.receive(packet, identities: &identities)
        }
        probation.close(place)
        analyzers.append(analyzer)
        index.set(Int32(analyzers.count - 1), for: id)
        latest = id
        latestPlace = analyzers.count - 1
        latestNumber = analyzer.number
    }

    // MARK: Room

    /// Whether there is room for another analyzer, after the longest idle has given way if it may.
    private mutating func makeRoom(at now: MonotonicInstant) -> Bool {
        guard analyzers.count >= settings.maximumStreams else { return true }
        var idlest = 0
        for place in analyzers.indices
        where analyzers[place].lastArrival < analyzers[idlest].lastArrival {
            idlest = place
        }
        guard now - analyzers[idlest].lastArrival > Self.idleLimit else { return false }
        close(idlest)
        return true
    }

    /// Closes the analyzer at `place`; the last one moves there.
    private mutating func close(_ place: Int) {
        keep(analyzers[place].report(at: analyzers[place].lastArrival))
        index.remove(analyzers[place].id)
        analyzers.swapAt(place, analyzers.count - 1)
        analyzers.removeLast()
        if place < analyzers.count { index.set(Int32(place), for: analyzers[place].id) }
        latest = nil
        placeGeneration &+= 1
    }

    /// Ends the probation of a stream without an analyzer.
    private mutating func dismiss(_ place: Int) {
        let entry = probation.entries[place]
        // A single packet is what a flood consists of; a report of each would make the flood work.
        if entry.count > 1, closed.count < closedLimit {
            keep(report(ofProbationary: place, at: entry.lastArrival))
        } else {
            unanalysedPackets += UInt64(entry.count)
        }
        index.remove(entry.id)
        probation.close(place)
    }

    private var closedLimit: Int { max(1024, settings.maximumStreams) }

    private mutating func keep(_ report: StreamReport) {
        guard closed.count < closedLimit else {
            lostReports += 1
            unanalysedPackets += report.packets
            return
        }
        closed.append(report)
    }

    /// Live, closes what has been idle for 120 s, and extended streams before their numbers wrap: they
    /// begin anew.
    private mutating func sweep(at now: MonotonicInstant) {
        nextSweep = now + Self.sweepInterval
        guard settings.isLive else { return }
        for place in analyzers.indices.reversed()
        where analyzers[place].isSpent
            || now - analyzers[place].lastArrival >= Self.idleLimit
        {
            close(place)
        }
        for place in probation.entries.indices
        where probation.entries[place].isUsed
            && now - probation.entries[place].lastArrival >= Self.idleLimit
        {
            dismiss(place)
        }
    }

    // MARK: Reports

    /// What an open stream came to, without what an analysis would tell.
    public struct Activity: Sendable {
        /// The stream.
        public var id: StreamID
        /// The source of its packets, or of one of them.
        public var source: IPAddress
        /// Its first packet.
        public var firstArrival: MonotonicInstant
        /// Its latest packet.
        public var lastArrival: MonotonicInstant
        /// Its packets, copies included.
        public var packets: UInt64
    }

    /// What every open stream came to, in the order in which they began; costs a sort.
    public func activities() -> [Activity] {
        var activities: [Activity] = []
        for analyzer in analyzers {
            guard let source = analyzer.sources.first else { continue }
            activities.append(
                Activity(
                    id: analyzer.id, source: source, firstArrival: analyzer.firstArrival,
                    lastArrival: analyzer.lastArrival, packets: analyzer.packets))
        }
        for place in probation.entries.indices where probation.entries[place].isUsed {
            guard let first = probation.packets(at: place).first else { continue }
            activities.append(
                Activity(
                    id: probation.entries[place].id, source: first.source,
                    firstArrival: first.arrival, lastArrival: probation.entries[place].lastArrival,
                    packets: UInt64(probation.entries[place].count)))
        }
        return activities.sorted { $0.firstArrival < $1.firstArrival }
    }

    /// What is known of every open stream, in the order in which they began.
    ///
    /// Closed ones are left out: see ``takeClosedReports()``. Live, a stream of a single packet is left out
    /// too until its second one.
    ///
    /// - Parameters:
    ///   - now: An instant not before the latest packet.
    ///   - senderLimit: How many senders each report names, 0...512.
    /// - Returns: The reports.
    public mutating func reports(
        at now: MonotonicInstant, senderLimit: Int = StreamAnalyzer.reportedSenderLimit
    ) -> [StreamReport] {
        sweep(at: now)
        var reports: [StreamReport] = []
        reports.reserveCapacity(analyzers.count)
        for place in analyzers.indices {
            reports.append(analyzers[place].report(at: now, senderLimit: senderLimit))
        }
        for place in probation.entries.indices where probation.entries[place].isUsed {
            let count = probation.entries[place].count
            guard count > (settings.isLive ? 1 : 0) else { continue }
            reports.append(report(ofProbationary: place, at: now))
        }
        return reports.sorted { $0.firstArrival < $1.firstArrival }
    }

    /// The last reports of streams that were closed or gave way since the last call, oldest first.
    ///
    /// At most 1 024 wait, or `maximumStreams` if that is more; further ones are counted in
    /// `lostReports`.
    public mutating func takeClosedReports() -> [StreamReport] {
        defer { closed = [] }
        return closed
    }

    /// The report of a stream with a few packets.
    private func report(ofProbationary place: Int, at now: MonotonicInstant) -> StreamReport {
        var settings = analyzerSettings
        // Beyond the largest window it makes no difference, and a small ring is made faster.
        settings.reach = max(1, settings.windows.max() ?? 1)
        var analyzer = StreamAnalyzer(
            id: probation.entries[place].id, number: 0, settings: settings)
        var identities = PacketIdentityTable(capacity: 64, seed: settings.seed)
        for packet in probation.packets(at: place) {
            analyzer.receive(packet, identities: &identities)
        }
        return analyzer.report(at: now)
    }
}
