import Glibc
import Testing

@testable import HostFacts

@Suite struct TerminalTests {
    /// A new terminal of 132 columns; `body` gets the descriptor of its program side.
    private func withTerminal(columns: UInt16, _ body: (Int32) throws -> Void) throws {
        let controller = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(controller >= 0)
        defer { close(controller) }
        // TIOCSPTLCK and TIOCGPTPEER of asm-generic/ioctls.h, macros that Swift cannot import. They
        // need no /dev/pts, which a container may not have.
        var locked: Int32 = 0
        try #require(ioctl(controller, UInt(0x4004_5431), &locked) == 0)
        let program = ioctl(controller, UInt(0x5441), O_RDWR | O_NOCTTY)
        try #require(program >= 0)
        defer { close(program) }
        var size = winsize(ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        try #require(ioctl(program, UInt(TIOCSWINSZ), &size) == 0)
        try body(program)
    }

    @Test func `knows a terminal, its width and whether colour is welcome`() throws {
        try withTerminal(columns: 132) { descriptor in
            func terminal(_ environment: [String: String]) -> Terminal {
                Terminal(descriptor: descriptor) { environment[$0] }
            }
            let plain = terminal(["TERM": "xterm"])
            #expect(plain.isTerminal)
            #expect(plain.columns == 132)
            #expect(plain.allowsColor)
            #expect(!terminal(["TERM": "xterm", "NO_COLOR": "0"]).allowsColor)
            #expect(terminal(["TERM": "xterm", "NO_COLOR": ""]).allowsColor)
            #expect(!terminal(["TERM": "dumb"]).allowsColor)
            #expect(terminal(["TERM": "dumb"]).columns == 132)
        }
    }

    @Test func `a terminal without a size has no width`() throws {
        try withTerminal(columns: 0) { descriptor in
            let terminal = Terminal(descriptor: descriptor) { _ in nil }
            #expect(terminal.isTerminal)
            #expect(terminal.columns == nil)
        }
    }

    @Test func `a file and a closed descriptor are no terminals`() throws {
        let null = open("/dev/null", O_RDWR)
        defer { close(null) }
        for descriptor in [null, -1] {
            let terminal = Terminal(descriptor: descriptor) { _ in "xterm" }
            #expect(!terminal.isTerminal)
            #expect(terminal.columns == nil)
            #expect(!terminal.allowsColor)
        }
    }

    @Test(arguments: [
        (["LANG": "de_DE.UTF-8"], true), (["LANG": "C"], false), ([:], false),
        (["LC_CTYPE": "C.utf8", "LANG": "C"], true),
        (["LC_ALL": "POSIX", "LC_CTYPE": "C.UTF-8", "LANG": "C.UTF-8"], false),
        (["LC_ALL": "", "LANG": "en_US.UTF-8"], true),
    ])
    func `the first of the locale's variables that is set tells the character set`(
        environment: [String: String], isUnicode: Bool
    ) {
        #expect(Terminal.showsUnicode { environment[$0] } == isUnicode)
    }
}
