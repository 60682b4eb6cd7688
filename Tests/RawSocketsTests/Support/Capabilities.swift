import Glibc
import RawSockets
import Testing

/// The result of `body` on a thread that gave up every capability.
func unprivileged<Value: Sendable>(_ body: @escaping @Sendable () -> Value) throws -> Value {
    let box = Box<Value>()
    try PinnedThread.start(name: "unprivileged") {
        dropCapabilities()
        box.value = body()
    }.join()
    return try #require(box.value)
}

/// Takes all capabilities from the calling thread; threads it starts have none either.
private func dropCapabilities() {
    // capset(2) concerns the calling thread only. The C library exports it and declares it nowhere.
    typealias Capset = @convention(c) (UnsafePointer<UInt32>, UnsafePointer<UInt32>) -> CInt
    guard let symbol = dlsym(nil, "capset") else { preconditionFailure("no capset") }
    let capset = unsafeBitCast(symbol, to: Capset.self)
    // _LINUX_CAPABILITY_VERSION_3 and this thread; effective, permitted, inheritable, two words each.
    let result = capset([0x2008_0522, 0], [0, 0, 0, 0, 0, 0])
    precondition(result == 0, "capset: errno \(errno)")
}

/// Written by one thread, read after it was joined.
final class Box<Value>: @unchecked Sendable {
    var value: Value?
}
