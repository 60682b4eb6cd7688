@testable import ESPAnalysis
import Testing

@Suite struct OpenHolesTests {
    private static func piece(_ time: Int64) -> OpenHoles.Piece {
        OpenHoles.Piece(
            sender: 3, serial: 7, chunk: 5, index: 0, mask: 0b1000, time: time, older: 0)
    }

    private static func fill(_ sequence: UInt32, in holes: inout OpenHoles) -> OpenHoles.Piece? {
        holes.fill(sender: 3, serial: 7, sequence: sequence)
    }

    @Test func `a number that was skipped is found once, the latest time first`() {
        var holes = OpenHoles(seed: 1)
        holes.add(Self.piece(1))
        holes.add(Self.piece(2))
        #expect(Self.fill(5 << 6 | 3, in: &holes)?.time == 2)
        #expect(Self.fill(5 << 6 | 3, in: &holes)?.time == 1)
        #expect(Self.fill(5 << 6 | 3, in: &holes) == nil)
        #expect(Self.fill(5 << 6 | 4, in: &holes) == nil)
    }

    @Test func `a counter that runs round and round over the same numbers makes no search long`() {
        var holes = OpenHoles(seed: 1)
        for time in Int64(1)...1000 { holes.add(Self.piece(time)) }
        var found = 0
        while Self.fill(5 << 6 | 3, in: &holes) != nil { found += 1 }
        #expect(found == 64)
    }
}
