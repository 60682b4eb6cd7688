import Glibc
import RawSockets
import Testing

@Suite struct NetworkNamespaceTests {
    private func current() -> String {
        var buffer = [CChar](repeating: 0, count: 64)
        let count = readlink("/proc/thread-self/ns/net", &buffer, buffer.count)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test func `runs the body inside, and leaves the calling thread where it was`() throws {
        let namespace = TestNamespace()
        let before = current()
        let inside = try NetworkNamespace.run(namespace.name) { current() }.get()
        #expect(inside != before)
        #expect(inside == namespace.run("readlink /proc/self/ns/net").split(separator: "\n")[0])
        #expect(current() == before)
    }

    @Test func `gives back what the body throws, with its type`() throws {
        struct Refusal: Error, Equatable {}
        let namespace = TestNamespace()
        let result = try NetworkNamespace.run(namespace.name) { () throws(Refusal) -> Int in
            throw Refusal()
        }
        #expect(result == .failure(Refusal()))
    }
}
