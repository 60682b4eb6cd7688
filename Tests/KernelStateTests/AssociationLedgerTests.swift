import KernelState
import NetworkPrimitives
import Testing

private let here = IPAddress.v4(0xc000_0201)
private let there = IPAddress.v4(0xc633_6401)

private func association(
    _ spi: UInt32, _ direction: TrafficDirection, packets: UInt64 = 0, installed: Int64 = 0,
    requestID: UInt32 = 1
) -> SecurityAssociation {
    var association = SecurityAssociation(
        spi: SPI(rawValue: spi), source: direction == .outbound ? here : there,
        destination: direction == .outbound ? there : here)
    association.cipher = Algorithm(name: "rfc4106(gcm(aes))", keyBits: 256)
    association.packets = packets
    association.bytes = packets * 100
    association.addedAt = WallTime(nanoseconds: installed * 1_000_000_000)
    association.requestID = requestID
    return association
}

private let owners = AssociationOwners(
    KernelSnapshot(
        addresses: .known([
            AddressState(interfaceIndex: 1, address: here, prefix: IPPrefix(here, length: 24))
        ])),
    tunnels: [.init(name: "cf", device: nil, local: here, remote: there)])

private func at(_ seconds: Int64) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: seconds * 1_000_000_000)
}

@Suite struct AssociationLedgerTests {
    /// A ledger that has read a table with one SA each way.
    private func ledger() -> AssociationLedger {
        var ledger = AssociationLedger()
        ledger.beginReading()
        ledger.finishReading(
            [association(1, .inbound, packets: 5), association(2, .outbound, packets: 7)],
            owners: owners, eventsMissing: nil, at: at(0))
        return ledger
    }

    @Test func `totals survive a rekey whose end the kernel tells`() {
        var ledger = ledger()
        ledger.receive(
            .associationUpdated(association(3, .inbound, installed: 10)), owners: owners, at: at(10)
        )
        ledger.receive(
            .associationAdded(association(4, .outbound, installed: 10)), owners: owners, at: at(10))
        let last = association(1, .inbound, packets: 50)
        ledger.receive(.associationDeleted(last.key, last: last), owners: owners, at: at(11))
        ledger.receive(
            .associationExpired(association(2, .outbound, packets: 70), isHard: true),
            owners: owners, at: at(12))
        let totals = ledger.totals(of: "cf")
        #expect(totals.inbound.packets == 50)
        #expect(totals.outbound.packets == 70)
        #expect(totals.outbound.bytes == 7000)
        #expect(totals.rekeys == 1)
        #expect(totals.lowerBoundReason == nil)
        #expect(Set(ledger.associations(of: "cf").map(\.association.spi.rawValue)) == [3, 4])
        #expect(
            ledger.changes(of: "cf").map(\.kind) == [
                .installed, .installed, .deleted, .hardExpired,
            ])
    }

    @Test func `a flush takes counters away, and the totals say so`() {
        var ledger = ledger()
        ledger.receive(.associationsFlushed(nil), owners: owners, at: at(1))
        let totals = ledger.totals(of: "cf")
        #expect((totals.inbound.packets, totals.outbound.packets) == (5, 7))
        #expect(totals.lowerBoundReason?.contains("flushed") == true)
        #expect(ledger.associations(of: "cf").isEmpty)
    }

    @Test func `an SA of another protocol outlives a flush`() {
        var ledger = ledger()
        ledger.receive(.associationsFlushed(.ah), owners: owners, at: at(1))
        #expect(ledger.totals(of: "cf").lowerBoundReason == nil)
        #expect(ledger.associations(of: "cf").count == 2)
    }

    @Test func `an SA that is gone without a word leaves a lower bound`() {
        var ledger = ledger()
        for second in [5, 10] as [Int64] {
            #expect(ledger.totals(of: "cf").lowerBoundReason == nil)
            ledger.beginReading()
            ledger.finishReading(
                [association(2, .outbound, packets: 9)], owners: owners, eventsMissing: nil,
                at: at(second))
        }
        #expect(ledger.totals(of: "cf").lowerBoundReason != nil)
        #expect(ledger.totals(of: "cf").outbound.packets == 9)
        #expect(ledger.changes(of: "cf").map(\.kind) == [.vanished])
    }

    @Test func `an SA that a reading misses before the kernel tells of its end is counted once`() {
        var ledger = ledger()
        ledger.beginReading()
        ledger.finishReading(
            [association(2, .outbound, packets: 7)], owners: owners, eventsMissing: nil, at: at(5))
        let last = association(1, .inbound, packets: 6)
        ledger.receive(.associationDeleted(last.key, last: last), owners: owners, at: at(5))
        #expect(ledger.totals(of: "cf").inbound.packets == 6)
        #expect(ledger.totals(of: "cf").lowerBoundReason == nil)
        #expect(ledger.changes(of: "cf").map(\.kind) == [.deleted])
    }

    @Test func `news of an SA that the table showed first is no second SA`() {
        var ledger = ledger()
        ledger.beginReading()
        ledger.finishReading(
            [
                association(1, .inbound, packets: 5), association(2, .outbound, packets: 7),
                association(3, .inbound, packets: 4, installed: 5),
            ], owners: owners, eventsMissing: nil, at: at(5))
        ledger.receive(
            .associationAdded(association(3, .inbound, installed: 5)), owners: owners, at: at(5))
        let last = association(3, .inbound, packets: 9, installed: 5)
        ledger.receive(.associationDeleted(last.key, last: last), owners: owners, at: at(6))
        #expect(ledger.totals(of: "cf").inbound.packets == 14)
        #expect(ledger.totals(of: "cf").rekeys == 1)
        #expect(ledger.totals(of: "cf").lowerBoundReason == nil)
    }

    @Test func `an SA whose SPI is installed again starts at 0 and adds to what was`() {
        var ledger = ledger()
        let last = association(1, .inbound, packets: 8)
        ledger.receive(.associationDeleted(last.key, last: last), owners: owners, at: at(1))
        ledger.receive(
            .associationAdded(association(1, .inbound, installed: 1)), owners: owners, at: at(1))
        ledger.beginReading()
        ledger.finishReading(
            [
                association(1, .inbound, packets: 3, installed: 1),
                association(2, .outbound, packets: 7),
            ], owners: owners, eventsMissing: nil, at: at(5))
        #expect(ledger.totals(of: "cf").inbound.packets == 11)
        #expect(ledger.totals(of: "cf").lowerBoundReason == nil)
    }

    @Test func `an SA that nobody claims for a while is not counted twice`() {
        var ledger = ledger()
        let nobody = AssociationOwners(
            KernelSnapshot(), tunnels: [.init(name: "cf", device: nil, local: here, remote: there)])
        for (second, owners) in [(5, nobody), (10, owners)] as [(Int64, AssociationOwners)] {
            ledger.replace(owners: owners)
            ledger.beginReading()
            ledger.finishReading(
                [association(1, .inbound, packets: 6), association(2, .outbound, packets: 8)],
                owners: owners, eventsMissing: nil, at: at(second))
        }
        let totals = ledger.totals(of: "cf")
        #expect((totals.inbound.packets, totals.outbound.packets) == (6, 8))
        #expect(totals.rekeys == 0)
        #expect(totals.lowerBoundReason == nil)
    }

    @Test func `lost events leave a lower bound for a tunnel without SAs, too`() {
        var ledger = AssociationLedger()
        for reason in [nil, "events were lost"] {
            ledger.beginReading()
            ledger.finishReading([], owners: owners, eventsMissing: reason, at: at(5))
            #expect(ledger.totals(of: "cf").lowerBoundReason == reason)
        }
    }

    @Test func `an SA that lived between two readings is counted by its end alone`() {
        var ledger = ledger()
        let last = association(77, .outbound, packets: 12, installed: 3)
        ledger.receive(.associationDeleted(last.key, last: last), owners: owners, at: at(4))
        #expect(ledger.totals(of: "cf").outbound.packets == 19)
    }

    @Test func `lost events leave a lower bound though all SAs are still there`() {
        var ledger = ledger()
        ledger.beginReading()
        ledger.finishReading(
            [association(1, .inbound, packets: 5), association(2, .outbound, packets: 7)],
            owners: owners, eventsMissing: "events were lost", at: at(5))
        #expect(ledger.totals(of: "cf").lowerBoundReason == "events were lost")
    }

    @Test func `what an event tells during a reading is newer than the table`() {
        var ledger = ledger()
        ledger.beginReading()
        // The table still lists SA 1, and does not list SA 3 yet.
        let last = association(1, .inbound, packets: 20)
        ledger.receive(
            .associationAdded(association(3, .inbound, installed: 9)), owners: owners, at: at(9))
        ledger.receive(.associationDeleted(last.key, last: last), owners: owners, at: at(9))
        ledger.finishReading(
            [association(1, .inbound, packets: 19), association(2, .outbound, packets: 7)],
            owners: owners, eventsMissing: nil, at: at(9))
        let totals = ledger.totals(of: "cf")
        #expect(totals.inbound.packets == 20)
        #expect(totals.lowerBoundReason == nil)
        #expect(Set(ledger.associations(of: "cf").map(\.association.spi.rawValue)) == [2, 3])
    }

    @Test func `child SAs of two policies are no rekeys of each other`() {
        var ledger = ledger()
        ledger.receive(
            .associationAdded(association(9, .inbound, requestID: 2)), owners: owners, at: at(1))
        #expect(ledger.totals(of: "cf").rekeys == 0)
        ledger.receive(
            .associationAdded(association(10, .inbound, requestID: 2)), owners: owners, at: at(2))
        #expect(ledger.totals(of: "cf").rekeys == 1)
    }

    @Test func `a reserved SPI is no SA`() {
        var ledger = ledger()
        var larval = association(11, .inbound)
        larval.cipher = nil
        ledger.receive(.associationAdded(larval), owners: owners, at: at(1))
        ledger.receive(.associationExpired(larval, isHard: true), owners: owners, at: at(2))
        #expect(ledger.totals(of: "cf").rekeys == 0)
        #expect(ledger.changes(of: "cf").isEmpty)
    }

    @Test func `a NAT mapping is noted with both ends`() throws {
        var ledger = ledger()
        ledger.receive(
            .mappingChanged(
                association(1, .inbound).key, from: NATMapping(address: there, port: 4500),
                to: NATMapping(address: there, port: 1027)), owners: owners, at: at(1))
        let change = try #require(ledger.changes(of: "cf").last)
        #expect(change.kind == .mappingChanged)
        #expect(ledger.totals(of: "cf").mappingChanges == 1)
        #expect(change.detail == "from 198.51.100.1 port 4500 to 198.51.100.1 port 1027")
    }

    /// A kernel of which events or only tables are seen, against the truth about its SAs.
    @Test(arguments: 0..<40)
    func `random lives of SAs come to what they carried`(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        var kernel: [UInt32: SecurityAssociation] = [:]
        var truth: [TrafficDirection: UInt64] = [.inbound: 0, .outbound: 0]
        var ledger = AssociationLedger()
        ledger.beginReading()
        ledger.finishReading([], owners: owners, eventsMissing: nil, at: at(0))
        var spi: UInt32 = 100
        var flushed = false
        for step in 1...2000 as ClosedRange<Int64> {
            let now = at(step)
            switch random.next() % 8 {
            case 0:
                spi += 1
                let direction: TrafficDirection = spi % 2 == 0 ? .inbound : .outbound
                let new = association(spi, direction, installed: step)
                kernel[spi] = new
                ledger.receive(.associationAdded(new), owners: owners, at: now)
            case 1:
                guard let victim = kernel.keys.sorted().first, kernel.count > 3 else { continue }
                let last = kernel.removeValue(forKey: victim)!
                ledger.receive(
                    random.next() % 2 == 0
                        ? .associationDeleted(last.key, last: last)
                        : .associationExpired(last, isHard: true), owners: owners, at: now)
            case 2:
                // A table that is read, changes, and is then told of.
                ledger.beginReading()
                let table = Array(kernel.values)
                if random.next() % 2 == 0, let victim = kernel.keys.sorted().first {
                    carry(victim, 3, &kernel, &truth)
                    let last = kernel.removeValue(forKey: victim)!
                    ledger.receive(
                        .associationDeleted(last.key, last: last), owners: owners, at: now)
                }
                ledger.finishReading(table, owners: owners, eventsMissing: nil, at: now)
            case 3 where seed % 4 == 0 && random.next() % 50 == 0:
                kernel = [:]
                flushed = true
                ledger.receive(.associationsFlushed(nil), owners: owners, at: now)
            default:
                guard let carrier = kernel.keys.sorted().randomElement(using: &random) else {
                    continue
                }
                carry(carrier, random.next() % 100, &kernel, &truth)
            }
        }
        ledger.beginReading()
        ledger.finishReading(Array(kernel.values), owners: owners, eventsMissing: nil, at: at(3000))
        let totals = ledger.totals(of: "cf")
        for direction in [TrafficDirection.inbound, .outbound] {
            let counted = totals[direction].packets
            let carried = truth[direction] ?? 0
            #expect(flushed ? counted <= carried : counted == carried)
        }
        #expect((totals.lowerBoundReason != nil) == flushed)
    }

    private func carry(
        _ spi: UInt32, _ packets: UInt64, _ kernel: inout [UInt32: SecurityAssociation],
        _ truth: inout [TrafficDirection: UInt64]
    ) {
        kernel[spi]?.packets += packets
        truth[spi % 2 == 0 ? .inbound : .outbound, default: 0] += packets
    }
}
