import KeyDaemon
import Testing

@Suite struct KeyDaemonErrorTests {
    @Test func `an error says what is not available`() {
        #expect("\(KeyDaemonError.unavailable("connect to a: refused"))" == "connect to a: refused")
    }
}
