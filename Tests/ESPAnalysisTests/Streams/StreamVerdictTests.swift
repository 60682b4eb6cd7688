import NetworkPrimitives
import Testing

@testable import ESPAnalysis

@Suite
struct StreamVerdictTests {
    private static func verdicts(_ adjust: (inout StreamEvidence) -> Void) -> [StreamVerdict] {
        var evidence = StreamEvidence()
        evidence.packets = 100_000
        evidence.estimate = 1
        evidence.method = .counters
        evidence.confidence = 1
        adjust(&evidence)
        return StreamVerdict.verdicts(evidence)
    }

    private static func kinds(_ adjust: (inout StreamEvidence) -> Void) -> [StreamVerdict.Kind] {
        verdicts(adjust).map(\.kind)
    }

    @Test func `three collisions prove several senders, fewer make them likely`() {
        for (count, grade) in [(1, .likely), (2, .likely), (3, .proven), (13, .proven)]
            as [(UInt64, StreamVerdict.Grade)]
        {
            let verdict = Self.verdicts {
                $0.collisions = count
                $0.certainCollisions = count
                $0.estimate = 2
            }
            #expect(verdict.map(\.kind) == [.multiSender])
            #expect(verdict[0].grade == grade)
        }
        let verdict = Self.verdicts {
            $0.collisions = 13
            $0.certainCollisions = 13
            $0.lowerBound = 4
            $0.estimate = 9
            $0.hopLimits = 3
        }[0]
        #expect(
            verdict.evidence
                == "13 packets carried a sequence number that another packet had used, with "
                + "different bytes; at least 4 independent sequence counters, assuming no packet "
                + "overtook another of the same sender by more than 0.5 s; about 9 counters can be "
                + "followed; 3 different hop limits arrive")
    }

    @Test func `collisions that may be forgotten copies prove nothing`() {
        let verdict = Self.verdicts {
            $0.collisions = 50
            $0.lowerBound = 2
        }[0]
        #expect(verdict.grade == .likely)
        #expect(verdict.evidence.contains("or a packet that was forgotten since"))
    }

    @Test func `a bound of three proves several senders, of two makes them likely`() {
        #expect(Self.verdicts { $0.lowerBound = 3 }[0].grade == .proven)
        #expect(Self.verdicts { $0.lowerBound = 2 }[0].grade == .likely)
        #expect(Self.kinds { $0.lowerBound = 2 } == [.multiSender])
    }

    @Test func `with one counter the raw ratio is the path's`() {
        #expect(Self.kinds { $0.outOfOrder = 9 } == [.singleSender])
        #expect(Self.kinds { $0.outOfOrder = 99 } == [.singleSender])
        let verdict = Self.verdicts {
            $0.outOfOrder = 100
            $0.confidence = 0.1
        }
        #expect(verdict.map(\.kind) == [.pathReordering, .singleSender])
        #expect(
            verdict[0].evidence
                == "100 of 100000 packets (0.10 %) of the only sender arrived after a later one")
    }

    @Test func `with several it takes confidence and more than coincidence`() {
        func many(_ adjust: (inout StreamEvidence) -> Void) -> [StreamVerdict.Kind] {
            Self.kinds {
                $0.lowerBound = 20
                $0.estimate = 20
                $0.outOfOrder = 60_000
                adjust(&$0)
            }
        }
        #expect(many { _ in } == [.multiSender])
        #expect(many { $0.fills = 99 } == [.multiSender])
        #expect(many { $0.fills = 100 } == [.multiSender, .pathReordering])
        #expect(
            many {
                $0.fills = 400; $0.confidence = 0.94
            }
                == [.multiSender, .reorderingNotIdentifiable])
        // 180 + 3 · √180 = 220.2 is what coincidence reaches.
        #expect(
            many {
                $0.fills = 400; $0.expectedFalseFills = 180
            } == [.multiSender])
        #expect(
            many {
                $0.fills = 401; $0.expectedFalseFills = 180
            }
                == [.multiSender, .pathReordering])
        #expect(
            many {
                $0.fills = 50; $0.packets = 1000; $0.expectedFalseFills = 45
            }
                == [.multiSender])
    }

    @Test func `young copies are the network's, or the capture's if nearly all have one`() {
        #expect(Self.kinds { $0.youngCopies = 10 } == [.singleSender])
        #expect(Self.kinds { $0.youngCopies = 11 } == [.networkDuplication, .singleSender])
        #expect(
            Self.kinds {
                $0.youngCopies = 4; $0.packets = 20
            } == [.singleSender])
        #expect(Self.kinds { $0.youngCopies = 45_000 } == [.networkDuplication, .singleSender])
        let verdict = Self.verdicts { $0.youngCopies = 45_001 }
        #expect(verdict.map(\.kind) == [.captureDuplication, .singleSender])
        #expect(
            verdict[0].evidence.hasPrefix(
                "45001 byte-identical copies younger than 100 ms (45.0 % of the packets)"))
    }

    @Test func `three old copies are suspected to be replays`() {
        #expect(
            Self.kinds {
                $0.copies.replay = 2; $0.oldAges = .seconds(5)...(.seconds(5))
            }
                == [.singleSender])
        let verdict = Self.verdicts {
            $0.copies.replay = 3
            $0.oldAges = .milliseconds(1200)...(.seconds(14))
            $0.oldCopiesWithOtherHopLimit = 2
        }
        #expect(verdict.map(\.kind) == [.replaySuspected, .singleSender])
        #expect(
            verdict[0].evidence
                == "3 byte-identical copies came 1.2 s to 14 s after the first, most with another "
                + "hop limit and of very unlike ages, like an attack")
        let together = Self.verdicts {
            $0.copies.replay = 40
            $0.oldAges = .milliseconds(2999)...(.milliseconds(3001))
        }
        #expect(together[0].evidence == "40 byte-identical copies came 3.0 s after the first")
    }

    @Test func `says clean when nothing else can be said`() {
        #expect(Self.kinds { $0.packets = 3 } == [.clean])
        #expect(Self.kinds { $0.estimate = nil } == [.clean])
        let two = Self.verdicts { $0.estimate = 2 }
        #expect(two.map(\.kind) == [.clean])
        #expect(two[0].evidence.contains("without proof of a second sender"))
    }

    @Test func `writes figures as people do`() {
        #expect(Figures.percent(0.0004) == "0.040 %")
        #expect(Figures.percent(0.0123) == "1.23 %")
        #expect(Figures.percent(0.4966) == "49.7 %")
        #expect(Figures.decimal(0.999, digits: 2) == "1.00")
        #expect(Figures.decimal(-3.05, digits: 1) == "-3.1")
        #expect(Figures.decimal(7.5, digits: 0) == "8")
        #expect(Figures.time(.microseconds(1500)) == "1.50 ms")
        #expect(Figures.time(.milliseconds(340)) == "340 ms")
        #expect(Figures.count(1, "packet") == "1 packet")
    }
}
