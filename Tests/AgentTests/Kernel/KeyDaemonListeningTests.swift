import Testing

@testable import Agent

@Suite struct KeyDaemonListeningTests {
    /// What a kernel 6.1 showed, with a socket on UDP 500.
    private static let table = """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         1012: 00000000:1194 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 21 2 0 0
         2604: 0A7100CB:01F4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 22 2 0 0
        """

    @Test func `a socket is found by its own port`() {
        #expect(NamespaceFiles.hasSocket(onPort: 500, Self.table))
        #expect(NamespaceFiles.hasSocket(onPort: 4500, Self.table))
        #expect(!NamespaceFiles.hasSocket(onPort: 0, Self.table), "that is the far end's")
        #expect(!NamespaceFiles.hasSocket(onPort: 501, Self.table))
    }

    @Test func `IPv6 tables have longer addresses, and damaged lines nothing`() {
        let line =
            "   1: 00000000000000000000000000000000:01F4 00000000000000000000000000000000:0000 07"
        #expect(NamespaceFiles.hasSocket(onPort: 500, "head\n\(line)\n"))
        #expect(!NamespaceFiles.hasSocket(onPort: 500, "head\n 1:\n x\n\n 1: zz:xx y\n 1: 01F4 y"))
        #expect(!NamespaceFiles.hasSocket(onPort: 500, ""))
    }
}
