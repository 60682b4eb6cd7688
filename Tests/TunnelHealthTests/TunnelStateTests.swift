import Testing
import TunnelHealth

@Suite struct TunnelStateTests {
    @Test func `orders down over degraded over unknown over healthy`() {
        let worstFirst: [TunnelState] = [.down, .degraded, .unknown, .healthy]
        #expect(TunnelState.allCases.sorted { $0.rank > $1.rank } == worstFirst)
        for (index, left) in worstFirst.enumerated() {
            for right in worstFirst[index...] {
                #expect(TunnelState.worse(left, right) == left)
                #expect(TunnelState.worse(right, left) == left)
            }
        }
    }

    @Test func `is named as in metrics and JSON`() {
        #expect(
            TunnelState.allCases.map(\.rawValue) == ["healthy", "degraded", "down", "unknown"])
    }
}
