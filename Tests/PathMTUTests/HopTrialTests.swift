import NetworkPrimitives
@testable import PathMTU
import Testing

/// What makes a router's silence about a size mean something.
@Suite struct HopTrialTests {
    /// Tries of 1400 (`b`, known to reach the hop) and 1401 (`c`) 1.2 s apart; in capitals where they
    /// were answered; `_` is a pause of the same length.
    private func need(_ tries: String) -> HopTrial.Need {
        var hop = HopEvidence.Hop()
        hop.passed = 1400
        var now = MonotonicInstant.zero
        for letter in tries {
            now = now + .milliseconds(1200)
            guard letter != "_" else { continue }
            hop.tries.append(
                HopEvidence.Try(
                    size: letter == "c" ? 1401 : 1400, sentAt: now, isAnswered: letter == "B"))
        }
        return HopTrial(of: 1401, at: hop).need
    }

    @Test func `asks for two answers in a row first, then alternates`() {
        var tries = ""
        var steps = ""
        for _ in 0..<12 {
            switch need(tries) {
            case .control:
                tries += "B"
                steps += "b"
            case .size:
                tries += "c"
                steps += "c"
            case .excluded: steps += "."
            case .hopeless: steps += "?"
            }
        }
        #expect(steps == "bbcbcbc.....")
    }

    @Test func `silence before and without answers proves nothing`() {
        #expect(need("ccccc") == .control)
        #expect(need("cccccBB") == .size)
        #expect(need("BBcccc") == .control, "nothing answered since")
        #expect(need("BcBcBcB") == .control, "never two in a row")
        #expect(need("BBcBcBc") == .excluded)
    }

    @Test func `a lost answer starts it anew`() {
        #expect(need("BBcBcBb") == .control)
        #expect(need("BBcBcBbBB") == .size)
        // Two losses ask for more tries than none.
        #expect(need("bBbBBcBcBc") != .excluded)
    }

    @Test func `answers far apart vouch only for tries as far apart`() {
        // It may answer every 2.4 s only.
        #expect(need("B_B") == .size)
        #expect(need("B_Bc") == .control)
        #expect(need("B_BcBcBcBcBcBc") == .control)
        #expect(need("B_BcBB") == .size)
        #expect(need("B_BcBBcBcBc") == .excluded)
        #expect(need("B_B_cB_c_B_c") == .excluded, "each as late as the answers were apart")
    }

    @Test func `gives up a router that answers every fourth time`() {
        #expect(need("Bbbb" + "Bbbb" + "Bbbb") == .hopeless)
    }
}
