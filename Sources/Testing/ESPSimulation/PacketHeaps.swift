/// Senders by when their next packet would arrive, then by number.
struct ScheduleHeap: Sendable {
    private var keys: ContiguousArray<Int64> = []
    private var senders: ContiguousArray<Int32> = []

    var first: (key: Int64, sender: Int32)? {
        keys.isEmpty ? nil : (keys[0], senders[0])
    }

    mutating func insert(_ key: Int64, _ sender: Int32) {
        keys.append(key)
        senders.append(sender)
        var child = keys.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard precedes(child, parent) else { break }
            keys.swapAt(child, parent)
            senders.swapAt(child, parent)
            child = parent
        }
    }

    /// Gives the first sender another key.
    mutating func replaceFirst(_ key: Int64) {
        keys[0] = key
        siftDown()
    }

    mutating func removeFirst() {
        keys.swapAt(0, keys.count - 1)
        senders.swapAt(0, senders.count - 1)
        keys.removeLast()
        senders.removeLast()
        siftDown()
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        (keys[left], senders[left]) < (keys[right], senders[right])
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var least = 2 * parent + 1
            guard least < keys.count else { return }
            if least + 1 < keys.count, precedes(least + 1, least) { least += 1 }
            guard precedes(least, parent) else { return }
            keys.swapAt(parent, least)
            senders.swapAt(parent, least)
            parent = least
        }
    }
}

/// Packets on their way by arrival, sender, index and copy.
struct PacketHeap: Sendable {
    private var packets: ContiguousArray<SimulatedESPPacket> = []

    /// When the first arrives; never if there is none.
    var firstArrival: Int64 { packets.isEmpty ? .max : packets[0].arrival }

    mutating func insert(_ packet: SimulatedESPPacket) {
        packets.append(packet)
        var child = packets.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard precedes(child, parent) else { break }
            packets.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() -> SimulatedESPPacket? {
        guard packets.count > 1 else { return packets.popLast() }
        packets.swapAt(0, packets.count - 1)
        let first = packets.removeLast()
        var parent = 0
        while true {
            var least = 2 * parent + 1
            guard least < packets.count else { return first }
            if least + 1 < packets.count, precedes(least + 1, least) { least += 1 }
            guard precedes(least, parent) else { return first }
            packets.swapAt(parent, least)
            parent = least
        }
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        let (left, right) = (packets[left], packets[right])
        guard left.arrival == right.arrival else { return left.arrival < right.arrival }
        return (left.sender, left.index, rank(left)) < (right.sender, right.index, rank(right))
    }

    private func rank(_ packet: SimulatedESPPacket) -> Int {
        packet.isReplay ? 2 : packet.isDuplicate ? 1 : 0
    }
}
