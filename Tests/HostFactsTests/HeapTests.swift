import CLinux
import Testing

@testable import HostFacts

@Suite struct HeapTests {
    /// Blocks that the library has mapped by themselves, while one of so many octets is there besides.
    static func mapped(withAnotherOf byteCount: Int) -> Int {
        let block = malloc(byteCount)
        defer { free(block) }
        return mallinfo2().hblks
    }

    @Test func `large blocks are mapped by themselves even after a larger one was freed`() async {
        // In a process of its own: there is no way back.
        await #expect(processExitsWith: .success) {
            free(malloc(8 << 20))
            // The library has learned from that one to keep what is smaller.
            let learned = mallinfo2().hblks
            precondition(HeapTests.mapped(withAnotherOf: 1 << 20) == learned)
            precondition(Heap.keepSmall())
            // Larger than what was kept, which it would take otherwise.
            precondition(HeapTests.mapped(withAnotherOf: 4 << 20) == learned + 1)
        }
    }
}
