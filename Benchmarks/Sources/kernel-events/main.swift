// Follows a namespace's SAs as the agent does, and measures it.
//
// usage: kernel-events NAMESPACE TUNNELS EVENTS COMMAND [ARGUMENT…]
//
// Reads what there is for so many tunnels (198.18.0.1 to 198.19.x.y, VTI devices or policies alone, as they
// come), runs COMMAND and takes in its events until there are EVENTS of SAs, then reads again. Prints one
// line `NAME VALUE` a figure.

import Glibc
import KernelState
import Netlink
import NetworkPrimitives
import RawSockets

func fail(_ text: String) -> Never {
    let said = Array("kernel-events: \(text)\n".utf8)
    _ = write(2, said, said.count)
    exit(70)
}

/// Peak and current memory of this process that is its own, in KiB.
func memory() -> (peak: Int, now: Int) {
    guard let file = fopen("/proc/self/status", "r") else { fail("cannot read /proc/self/status") }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    var figures = (peak: 0, now: 0)
    while fgets(&line, 256, file) != nil {
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let number = Int(text.filter(\.isNumber)) ?? 0
        if text.hasPrefix("VmHWM:") { figures.peak = number }
        if text.hasPrefix("VmRSS:") { figures.now = number }
    }
    return figures
}

func milliseconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    return Double(seconds) * 1000 + Double(attoseconds) / 1e15
}

func show(_ name: String, _ value: Double) {
    print(name, (value * 1000).rounded() / 1000)
}

let arguments = CommandLine.arguments
guard arguments.count > 4, let count = UInt32(arguments[2]), let expected = Int(arguments[3]) else {
    fail("which namespace, how many tunnels and events, which command?")
}
let here = IPAddress.v4(198 << 24 | 18 << 16 | 1)
let tunnels = (0..<count).map { number in
    AssociationOwners.Tunnel(
        name: "tunnel-\(number)", device: "vti\(number)", local: here,
        remote: .v4((198 << 24 | 19 << 16) + number))
}

let before = memory()
/// The part of the last look that the kernel and the parsers took.
var readFromKernel = Duration.zero
var ledger = AssociationLedger()
let socket: KernelEventSocket
let reader: KernelReader
do {
    socket = try KernelEventSocket(namespace: arguments[1])
    reader = try KernelReader(namespace: arguments[1])
} catch {
    fail("\(error)")
}
if let reason = socket.reasons.values.first { fail(reason) }

/// Reads everything, and returns how long that took and how many SAs and policies there are.
@MainActor func look() -> (time: Duration, owners: AssociationOwners, found: (Int, Int)) {
    let start = MonotonicClock.now()
    ledger.beginReading()
    let snapshot = reader.snapshot(withRoutes: false)
    guard let associations = snapshot.associations.value, let policies = snapshot.policies.value else {
        fail(snapshot.associations.reason ?? snapshot.policies.reason ?? "nothing was read")
    }
    readFromKernel = MonotonicClock.now() - start
    let owners = AssociationOwners(snapshot, tunnels: tunnels)
    ledger.replace(owners: owners)
    ledger.finishReading(
        associations, owners: owners, eventsMissing: nil, at: MonotonicClock.now())
    return (MonotonicClock.now() - start, owners, (associations.count, policies.count))
}

let first = look()
show("associations", Double(first.found.0))
show("policies", Double(first.found.1))
show("first-read-ms", milliseconds(first.time))
show("first-read-kernel-ms", milliseconds(readFromKernel))
show("next-read-ms", milliseconds((0..<10).map { _ in look().time }.min() ?? .zero))
let owned = tunnels.reduce(0) { $0 + ledger.associations(of: $1.name).count }
show("owned", Double(owned))

var child = pid_t()
var vector: [UnsafeMutablePointer<CChar>?] = arguments.dropFirst(4).map { strdup($0) } + [nil]
guard posix_spawnp(&child, arguments[4], nil, nil, &vector, environ) == 0 else {
    fail("cannot run \(arguments[4])")
}
var status = Int32(0)
var isRunning = true
var events = 0
var slowest = Duration.zero
var total = Duration.zero
let owners = first.owners
while true {
    if isRunning, waitpid(child, &status, WNOHANG) == child { isRunning = false }
    var taken = 0
    var last = MonotonicClock.now()
    // From one event to the next: receiving, parsing, placing, counting.
    socket.drain { event in
        ledger.receive(event, owners: owners, at: last)
        taken += 1
        let now = MonotonicClock.now()
        slowest = max(slowest, now - last)
        total += now - last
        last = now
    }
    events += taken
    if !isRunning, taken == 0 { break }
    if taken == 0 { usleep(1000) }
}
guard status == 0 else { fail("the command failed") }
show("events", Double(events))
show("overruns", Double(socket.counts.overruns))
show("malformed", Double(socket.counts.malformedMessages))
if events < expected { fail("\(events) of \(expected) events came") }
show("event-mean-ms", milliseconds(total) / Double(max(events, 1)))
show("event-slowest-ms", milliseconds(slowest))
_ = look()
show("lower-bounds", Double(tunnels.filter { ledger.totals(of: $0.name).lowerBoundReason != nil }.count))
for (name, direction) in [("inbound-packets", TrafficDirection.inbound), ("outbound-packets", .outbound)] {
    show(name, Double(tunnels.reduce(0) { $0 + ledger.totals(of: $1.name)[direction].packets }))
}
show("rekeys", Double(tunnels.reduce(0) { $0 + ledger.totals(of: $1.name).rekeys }))
let after = memory()
show("memory-peak-mib", Double(after.peak - before.now) / 1024)
show("memory-held-mib", Double(after.now - before.now) / 1024)
