internal import CLinux

/// The C library's heap of this process: malloc(3), mallopt(3).
public enum Heap {
    /// The least that is mapped by itself, in octets, and unmapped when it is free.
    private static let mappingThreshold: Int32 = 256 << 10

    /// Makes the heap give back what a long-lived process needs only at times.
    ///
    /// Glibc by itself gives threads heaps of their own, up to eight for each processor, and what one
    /// of them frees is not the others' to use. And each large block that is freed raises the size from
    /// which on blocks are mapped, up to 32 MiB: what is smaller then stays in those heaps. Of an agent
    /// with 1000 tunnels, whose every scrape is 25 MB of text, both took half of the memory. One heap is
    /// enough: nothing allocates on the paths of packets, so few threads ever wait for it.
    ///
    /// - Returns: whether the library took both; nothing but memory depends on it.
    @discardableResult
    public static func keepSmall() -> Bool {
        // Both, even if the first is refused.
        let outcomes = [clinux_limit_arenas(1), clinux_set_mapping_threshold(mappingThreshold)]
        return outcomes == [1, 1]
    }
}
