import CaptureFormats
import FlightRecording
import NetworkPrimitives
import PacketFormats

/// The pcapng file of a recording: the headers around a change of state, with what they are about.
struct FlightRecordingFile {
    /// How long a recording goes on after the event.
    static let aftermath = Duration.seconds(5)

    var events: [RecordedEvent]
    /// The tunnel's far end; nil while not known.
    var remote: IPAddress?
    /// What the rings held at the event and at the end.
    var before: [RecordedDevice]
    var after: [RecordedDevice]
    /// One moment on both clocks, shortly before the file is written.
    var now: (monotonic: MonotonicInstant, wall: WallTime)
    /// What the section header says of this host and program.
    var hardware: String?
    var operatingSystem: String?
    var application: String

    /// A packet of the file.
    private struct Packet {
        var interface: Int
        var record: HeaderRing.Record
        var direction: PcapngWriter.Direction?
    }

    /// What of a device is in the file.
    private struct Device {
        var place: CapturePlace
        var linkType: UInt32
        var recorded: UInt64 = 0
        var unrecorded: UInt64 = 0
        /// The first packet of its ESP's ring, whosever; nil without one.
        var reachesBack: MonotonicInstant?
        /// Whether that ring has pushed packets out already.
        var isFull = false
    }

    private let decoder = FrameDecoder()

    /// Makes a file.
    init(
        events: [RecordedEvent], remote: IPAddress?, before: [RecordedDevice],
        after: [RecordedDevice], now: (monotonic: MonotonicInstant, wall: WallTime),
        hardware: String? = nil, operatingSystem: String? = nil, application: String
    ) {
        self.events = events
        self.remote = remote
        self.before = before
        self.after = after
        self.now = now
        self.hardware = hardware
        self.operatingSystem = operatingSystem
        self.application = application
    }

    /// The file, and how many packets are in it.
    func octets() -> (octets: [UInt8], packets: Int) {
        var devices: [Device] = []
        var packets: [Packet] = []
        let first = (events.first?.at ?? now.monotonic) - DeviceRings.span
        for group in grouped() {
            for recorded in group {
                let interface = Self.number(of: recorded, in: &devices)
                guard let interface else { continue }
                take(
                    recorded, from: first, interface, &devices[interface], &packets,
                    numbers: Self.numbersTaken(before: recorded, in: group))
            }
        }
        packets.sort { $0.record.arrival < $1.record.arrival }
        var writer = PcapngWriter(
            .init(
                hardware: hardware, operatingSystem: operatingSystem, application: application,
                comments: events.map(\.text) + notes(on: devices, packets)))
        for device in devices {
            _ = writer.add(
                .init(
                    name: device.place.device,
                    description: device.place.namespace.map { "in namespace \($0)" },
                    linkType: LinkType(rawValue: device.linkType),
                    snapLength: UInt32(HeaderRing.maximumLength)))
        }
        let comments = eventComments(packets)
        for (index, packet) in packets.enumerated() {
            packet.record.octets.withRawSpan {
                writer.add(
                    .init(
                        interface: packet.interface, arrival: wall(packet.record.arrival),
                        wireLength: packet.record.wireLength, direction: packet.direction,
                        comments: comments[index] ?? []), $0)
            }
        }
        for (index, device) in devices.enumerated() {
            writer.addStatistics(
                of: index, at: now.wall, received: device.recorded &+ device.unrecorded,
                dropped: device.unrecorded)
        }
        return (writer.takeOctets(), packets.count)
    }

    // MARK: - Packets

    /// The rings of each device, the earlier ones first.
    private func grouped() -> [[RecordedDevice]] {
        var groups: [[RecordedDevice]] = []
        for device in before + after {
            let place = groups.firstIndex {
                $0[0].place == device.place && $0[0].side == device.side
            }
            if let place { groups[place].append(device) } else { groups.append([device]) }
        }
        return groups
    }

    /// The number of a device's interface in the file; nil for one that was never open.
    private static func number(of recorded: RecordedDevice, in devices: inout [Device]) -> Int? {
        guard let linkType = recorded.rings.linkType else { return nil }
        // A live handle says 12 for raw IP, a file 101.
        let file: UInt32 = linkType == 12 || linkType == 14 ? 101 : linkType
        let known = devices.firstIndex { $0.place == recorded.place && $0.linkType == file }
        if let known { return known }
        devices.append(Device(place: recorded.place, linkType: file))
        return devices.count - 1
    }

    /// Up to which numbers the rings before hold the same packets.
    private static func numbersTaken(
        before recorded: RecordedDevice, in group: [RecordedDevice]
    ) -> (esp: UInt64, control: UInt64) {
        guard let earlier = group.first, earlier.thread == recorded.thread,
            earlier.rings.seen < recorded.rings.seen
        else { return (0, 0) }
        return (earlier.rings.esp.recorded, earlier.rings.control.recorded)
    }

    private func take(
        _ recorded: RecordedDevice, from first: MonotonicInstant, _ interface: Int,
        _ device: inout Device, _ packets: inout [Packet], numbers: (esp: UInt64, control: UInt64)
    ) {
        let link = LinkKind(linkType: device.linkType)
        var (count, left) = (device.recorded, device.unrecorded)
        var earliest = device.reachesBack
        var found: [Packet] = []
        func take(_ record: HeaderRing.Record) {
            guard record.arrival >= first else { return }
            let direction = place(record, link, recorded.side)
            // What the rings of the outside have too is counted there.
            if direction != nil || recorded.side == .outside {
                count &+= 1
                left &+= UInt64(record.unrecordedBefore)
            }
            guard let direction else { return }
            found.append(Packet(interface: interface, record: record, direction: direction.way))
        }
        recorded.rings.esp.forEach(from: numbers.esp) { record in
            earliest = min(earliest ?? record.arrival, record.arrival)
            take(record)
        }
        recorded.rings.control.forEach(from: numbers.control) { take($0) }
        device.isFull =
            device.isFull
            || recorded.rings.esp.recorded > UInt64(recorded.rings.esp.count)
        (device.recorded, device.unrecorded, device.reachesBack) = (count, left, earliest)
        packets += found
    }

    /// Which way a packet of the tunnel passed; nil for one of somebody else.
    private func place(
        _ record: HeaderRing.Record, _ link: LinkKind, _ side: RecordedDevice.Side
    ) -> (way: PcapngWriter.Direction?, Void)? {
        let ends = record.octets.withRawSpan { frame in
            Self.ends(
                decoder.decode(frame, linkType: link, wireLength: record.wireLength))
        }
        let isFromRemote = ends.map { $0.source == remote } ?? false
        let isToRemote = ends.map { $0.destination == remote } ?? false
        switch side {
        case .outside: guard isFromRemote || isToRemote else { return nil }
        // These the rings of the outside have.
        case .plain: guard !isFromRemote, !isToRemote else { return nil }
        case .inside: break
        }
        switch record.way {
        case .inbound: return (.inbound, ())
        case .outbound: return (.outbound, ())
        case .unknown: return (isFromRemote ? .inbound : isToRemote ? .outbound : nil, ())
        }
    }

    private static func ends(
        _ decoded: DecodedFrame
    ) -> (source: IPAddress, destination: IPAddress)? {
        switch decoded {
        case .esp(let datagram): (datagram.ip.source, datagram.ip.destination)
        case .ike(let datagram): (datagram.ip.source, datagram.ip.destination)
        case .natKeepalive(let header, _), .icmp(let header, _), .tcp(let header, _, _),
            .laterFragment(let header, _):
            (header.source, header.destination)
        case .other, .unreadable: nil
        }
    }

    // MARK: - Texts

    private func wall(_ instant: MonotonicInstant) -> WallTime {
        now.wall + (instant - now.monotonic)
    }

    /// What the section header says besides the events.
    private func notes(on devices: [Device], _ packets: [Packet]) -> [String] {
        var notes = [
            "headers only: nothing of what the tunnel carries is in this file; lengths are those on "
                + "the wire"
        ]
        if let first = packets.first, let last = packets.last {
            notes.append(
                "the packets are of \(wall(first.record.arrival)) to \(wall(last.record.arrival))")
        } else {
            notes.append("no packet of this tunnel passed in the last minute")
        }
        for device in devices {
            var note =
                "\(device.place), all tunnels: \(device.recorded) packets recorded, "
                + "\(device.unrecorded) passed unrecorded"
            if device.unrecorded > 0 {
                note += " (of dense ESP the first of each tenth of a second are kept)"
            }
            let start = (events.first?.at ?? now.monotonic) - DeviceRings.span
            if device.isFull, let earliest = device.reachesBack, earliest > start {
                note += "; its ESP before \(wall(earliest)) did not fit"
            }
            notes.append(note)
        }
        return notes
    }

    /// The comments of packets: each event stands at the one nearest to it.
    private func eventComments(_ packets: [Packet]) -> [Int: [String]] {
        var comments: [Int: [String]] = [:]
        for event in events {
            func distance(_ index: Int) -> Duration {
                let apart = packets[index].record.arrival - event.at
                return apart < .zero ? .zero - apart : apart
            }
            guard let nearest = packets.indices.min(by: { distance($0) < distance($1) }) else {
                continue
            }
            comments[nearest, default: []].append(event.text)
        }
        return comments
    }
}
