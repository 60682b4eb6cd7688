import Glibc
import NetworkPrimitives
import Synchronization
import Testing

/// Runs a shell command and returns its output; a failure is the test's failure.
@discardableResult
func shell(_ command: String, sourceLocation: SourceLocation = #_sourceLocation) -> String {
    let (output, status) = tryShell(command)
    if status != 0 {
        Issue.record("`\(command)`: \(status): \(output)", sourceLocation: sourceLocation)
    }
    return output
}

/// Runs a shell command whatever it returns.
@discardableResult
func tryShell(_ command: String) -> (output: String, status: CInt) {
    guard let stream = popen("{ \(command); } 2>&1", "r") else { return ("popen failed", -1) }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = fread(&buffer, 1, buffer.count, stream)
        if count == 0 { break }
        output += buffer[..<count]
    }
    return (String(decoding: output, as: UTF8.self), pclose(stream) >> 8)
}

/// A network namespace with its loopback up, deleted with the object.
final class TestNamespace: Sendable {
    private static let counter = Atomic(0)

    let name: String

    init() {
        let number = Self.counter.add(1, ordering: .relaxed).newValue
        name = "sockets-\(getpid())-\(number)"
        shell("ip netns add \(name)")
        run("ip link set lo up")
    }

    deinit {
        tryShell("ip netns del \(name)")
    }

    @discardableResult
    func run(_ command: String, sourceLocation: SourceLocation = #_sourceLocation) -> String {
        shell("ip netns exec \(name) \(command)", sourceLocation: sourceLocation)
    }

    /// Joins this namespace's `device` to `other`'s, with addresses of both families.
    ///
    /// `subnet` 7 means 10.77.7.0/24 and fd77:7::/64; this end is host 1, the other host 2.
    func connect(_ device: String, to other: TestNamespace, _ otherDevice: String, subnet: Int) {
        shell(
            "ip -n \(name) link add \(device) type veth peer name \(otherDevice) netns \(other.name)"
        )
        for (namespace, device, host) in [(self, device, 1), (other, otherDevice, 2)] {
            shell(
                """
                ip -n \(namespace.name) addr add 10.77.\(subnet).\(host)/24 dev \(device) &&
                ip -n \(namespace.name) addr add fd77:\(subnet)::\(host)/64 dev \(device) nodad &&
                ip -n \(namespace.name) link set \(device) up
                """)
        }
    }
}

/// The address of a host of a `TestNamespace.connect` subnet.
func address(_ family: IPAddress.Family, subnet: Int, host: Int) -> IPAddress {
    switch family {
    case .v4: .v4(0x0a4d_0000 | UInt32(subnet) << 8 | UInt32(host))
    case .v6: .v6(UInt128(0xfd77) << 112 | UInt128(subnet) << 96 | UInt128(host))
    }
}

/// 127.0.0.1 or ::1.
func loopback(_ family: IPAddress.Family) -> IPAddress {
    family == .v4 ? .v4(0x7f00_0001) : .v6(1)
}

let bothFamilies: [IPAddress.Family] = [.v4, .v6]
