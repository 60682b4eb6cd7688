// Writes seeds into Corpus/: what the tests' samples and recorded captures hold, in the form that
// each target takes. Run it in Fuzz/: `FUZZ_SEEDS=1 swift run make-seeds`.

import CZlib
@testable import CapturedMessages
@testable import FrameSamples
import Glibc
import NetworkPrimitives
import PacketFormats
@testable import ViciSamples

func read(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { fatalError("cannot open \(path)") }
    defer { fclose(file) }
    var octets = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&octets, 1, octets.count, file)
    return Array(octets.prefix(count))
}

func write(_ octets: [UInt8], _ target: String, _ name: String) {
    let letters = name.lowercased().map { $0.isLetter || $0.isNumber || $0 == "." ? $0 : "-" }
    mkdir("Corpus", 0o755)
    mkdir("Corpus/\(target)", 0o755)
    let path = "Corpus/\(target)/\(String(letters))"
    guard let file = fopen(path, "w") else { fatalError("cannot write \(path)") }
    fwrite(octets, 1, octets.count, file)
    fclose(file)
}

func gzip(_ octets: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    deflateInit2_(
        &stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        CInt(MemoryLayout<z_stream>.size))
    defer { deflateEnd(&stream) }
    var input = octets
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, uLong(octets.count))))
    let room = output.count
    input.withUnsafeMutableBufferPointer { input in
        output.withUnsafeMutableBufferPointer { output in
            stream.next_in = input.baseAddress
            stream.avail_in = uInt(input.count)
            stream.next_out = output.baseAddress
            stream.avail_out = uInt(output.count)
            deflate(&stream, Z_FINISH)
        }
    }
    return Array(output.prefix(room - Int(stream.avail_out)))
}

for sample in FrameSample.all {
    guard let link = LinkKind.allCases.firstIndex(of: sample.link) else { continue }
    write([UInt8(link), 0, 10] + sample.octets, "frame-decoder", sample.name)
}

// A SYN of Linux: MSS 1460, SACK, stamps, window scale; and one without options.
let segment: [UInt8] = [
    0xc3, 0x50, 0x01, 0xbb, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0, 0xa0, 0x02, 0xfa, 0xf0, 0xfe, 0x30,
    0, 0, 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7,
]
write([12] + segment, "tcp-segment", "linux")
write([0] + segment.prefix(12) + [0x50, 0x12] + segment[14..<20], "tcp-segment", "bare")

let fixtures = "Tests/PacketCaptureTests/Fixtures"
for name in ["sll2-nano-96.pcap", "sll.pcap", "raw.pcap", "two-interfaces.pcapng"] {
    // Small inputs are tried more often: the first packets are enough.
    let file = Array(read("\(fixtures)/\(name)").prefix(1200))
    write([0] + file, "capture-reader", name)
    write([7, 0] + file, "packet-path", name)
    write([0, 0] + gzip(file), "gzip-stream", name)
}
/// Big-endian pcapng with two sections, a simple packet, an unknown block and all options read.
let big: [UInt8] = [
    0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0,
    255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 28,
    0, 0, 0, 1, 0, 0, 0, 44, 0, 101, 0, 0, 0, 0, 0, 0,  // interface: raw IP
    0, 9, 0, 1, 0x8a, 0, 0, 0, 0, 14, 0, 8, 0, 0, 0, 0, 0, 0, 14, 16, 0, 0, 0, 0, 0, 0, 0, 44,
    0, 0, 0, 5, 0, 0, 0, 16, 1, 2, 3, 4, 0, 0, 0, 16,  // unknown
    0, 0, 0, 3, 0, 0, 0, 44, 0, 0, 0, 28,  // simple packet
    0x45, 0, 0, 28, 0, 1, 0, 0, 64, 50, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2,
    192, 222, 0, 1, 0, 0, 0, 1, 0, 0, 0, 44,
]
write([0] + big, "capture-reader", "big-endian.pcapng")
write([3, 1] + big + big, "packet-path", "big-endian.pcapng")
for (name, magic) in [
    ("microseconds", [0xa1, 0xb2, 0xc3, 0xd4]), ("modified", [0xa1, 0xb2, 0xcd, 0x34]),
] as [(String, [UInt8])] {
    var file: [UInt8] = magic + [0, 2, 0, 4] + [UInt8](repeating: 0, count: 8)
    file += [0, 4, 0, 0, 0, 0, 0, 101]  // snapshot length, link type: raw IP
    file += [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 40]
    if name == "modified" { file += [0, 0, 0, 3, 8, 0, 0, 0] }
    file += big[big.count - 32..<big.count - 4]
    write([0] + file, "capture-reader", name)
    write([0, 2] + file, "packet-path", name)
}
// Three senders of one SPI whose counters start apart, with a loss, a copy and a late packet; the IV
// is the sender's number and counter in one of them.
for (name, hasCounter) in [("senders-iv", true), ("senders-random", false)] {
    var file: [UInt8] = [0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4] + [UInt8](repeating: 0, count: 8)
    file += [0, 4, 0, 0, 0, 0, 0, 101]  // snapshot length, link type: raw IP
    for number in 0..<60 {
        let sender = number % 3
        let index = number == 30 ? 20 : number == 41 ? 39 : number / 3 + (number > 45 ? 1 : 0)
        let sequence = UInt8(sender * 70 + index)
        let iv: [UInt8] =
            hasCounter
            ? [0, 0, 0, UInt8(sender), 0, 0, 0, sequence]
            : (0..<8).map { UInt8(truncatingIfNeeded: (number + 1) &* 73 &+ $0 &* 151) }
        file += [0, 0, 0, UInt8(number / 20), 0, 0, UInt8(number % 20 * 10), 0]
        file += [0, 0, 0, 36, 0, 0, 0, 36]
        file += [0x45, 0, 0, 36, 0, UInt8(number), 0, 0, UInt8(60 - sender), 50, 0, 0]
        file += [192, 0, 2, 1, 192, 0, 2, 2, 192, 222, 0, 1, 0, 0, 0, sequence] + iv
    }
    write([0, 0] + file, "packet-path", name)
}
write([3, 5] + gzip([1, 2, 3]) + gzip([]) + gzip(big) + [0, 0], "gzip-stream", "three-members")

let nonce: UInt64 = 0x0102_0304_0506_0708
for (flag, family) in [(UInt8(0), IPAddress.Family.v4), (1, .v6)] {
    for kind in [EchoMessage.Kind.request, .reply] {
        let echo = EchoMessage(
            kind: kind, family: family, identifier: 0x1234, sequence: 7, nonce: nonce,
            payloadByteCount: 24, checksum: 0xbeef)
        var octets: [UInt8] = []
        echo.encode(family: family, checksum: 0xbeef, into: &octets)
        write([flag] + octets, "icmp-message", "echo-\(kind)-\(family)")
        let header =
            family == .v4
            ? FrameSample.ipv4(1, payload: octets.count)
            : FrameSample.ipv6(58, payload: octets.count)
        let type: UInt8 = family == .v4 ? 11 : 3
        // Marked as truncated, so that no checksum is asked for.
        write(
            [flag | 2, type, 0, 0, 0, 0, 0, 0, 0] + header + octets, "icmp-message",
            "time-exceeded-\(kind)-\(family)")
    }
    let esp: [UInt8] = [0xc0, 0xde, 0, 1, 0, 0, 0x30, 0x39]
    let head: [UInt8] = family == .v4 ? [3, 4] : [2, 0]
    let header =
        family == .v4
        ? FrameSample.ipv4(50, payload: 1400) : FrameSample.ipv6(50, payload: 1400)
    write(
        [flag | 2] + head + [0, 0, 0, 0, 5, 120] + header + esp, "icmp-message",
        "packet-too-big-\(family)")
}

for (number, messages) in [
    CapturedMessage.associations, CapturedMessage.policies, CapturedMessage.links,
].enumerated() {
    for (index, message) in messages.enumerated() {
        let kind = ["association", "policy", "link"][number]
        write([UInt8(number)] + message, "netlink-message", "\(kind)-\(index)")
    }
}
// struct ifaddrmsg and IFA_ADDRESS; struct rtmsg, RTA_DST and RTA_OIF.
write(
    [3, 2, 24, 0, 0, 2, 0, 0, 0, 8, 0, 1, 0, 192, 0, 2, 1, 8, 0, 2, 0, 192, 0, 2, 1],
    "netlink-message", "address")
write(
    [4, 2, 24, 0, 0, 254, 2, 0, 1, 0, 0, 0, 0, 8, 0, 1, 0, 192, 0, 2, 0, 8, 0, 4, 0, 2, 0, 0, 0],
    "netlink-message", "route")

// Events: the parser, the message's type, the payload.
func joined(_ parts: [[UInt8]]) -> [UInt8] { parts.flatMap { $0 } }

func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

func part(_ message: [UInt8], _ range: Range<Int>) -> [UInt8] { Array(message[range]) }

for (index, message) in CapturedMessage.associations.enumerated() {
    let info = part(message, 0..<224)
    let attributes = part(message, 224..<message.count)
    write(joined([[7, 0x10], message]), "netlink-message", "event-added-\(index)")
    // struct xfrm_user_expire has 8 octets more before the attributes.
    write(
        joined([[7, 0x18], info, [1], zeros(7), attributes]), "netlink-message",
        "event-expired-\(index)")
    // struct xfrm_usersa_id; XFRMA_SA with the SA's struct; the SA's attributes.
    let identity = joined([part(message, 56..<76), part(message, 212..<214), [50, 0]])
    write(
        joined([[7, 0x11], identity, [228, 0, 6, 0], info, attributes]), "netlink-message",
        "event-deleted-\(index)")
}
for (index, message) in CapturedMessage.policies.enumerated() {
    let info = part(message, 0..<168)
    write(joined([[7, 0x13], message]), "netlink-message", "event-policy-\(index)")
    // struct xfrm_user_acquire: id, source, selector, the policy's struct, aalgos to seq.
    write(
        joined([
            [7, 0x17], zeros(40), part(message, 0..<56), info, zeros(16),
            part(message, 168..<message.count),
        ]), "netlink-message", "event-wanted-\(index)")
}
for (index, message) in CapturedMessage.links.enumerated() {
    write(joined([[8, 16], message]), "netlink-message", "event-link-\(index)")
}
write([7, 0x1c, 50], "netlink-message", "event-flushed")
write(
    joined([[7, 0x26], zeros(20), [2, 0, 50, 0], zeros(36), [17, 148, 4, 3]]),
    "netlink-message", "event-mapping")

write(
    Array(read("../agent.conf").prefix(4000)), "toml-walk", "agent.conf")
write(
    Array(
        "[a.\"b c\".'d']\nx = { y = [ {}, [ 1, { z.w = 2 } ] ] }\n[[t]]\n\"\\u0041\" = '''\n'''\n[.x]\n"
            .utf8), "toml-walk", "nested")

// Messages of strongSwan, each with two octets that steer the target: flags, and the length in units of
// 16; a classic pcap of Ethernet, so that a frame's IKE begins after 42 octets, or 46 with the marker.
for name in ["rekeys", "cookie", "fragments", "no-proposal", "other-group", "ikev1"] {
    let file = read("Tests/IKETests/Fixtures/\(name).pcap")
    var offset = 24
    var stream: [UInt8] = []
    while offset + 16 <= file.count, stream.count < 3000 {
        let length = Int(file[offset + 8]) | Int(file[offset + 9]) << 8
        let frame = file[(offset + 16)..<(offset + 16 + length)]
        let isMarked =
            frame.dropFirst(36).prefix(2) == [0x11, 0x94]
            || frame.dropFirst(34).prefix(2) == [0x11, 0x94]
        let message = Array(frame.dropFirst(isMarked ? 46 : 42))
        let isFromFirst = frame.dropFirst(26).first == 10
        if message.count >= 28 {
            stream += [
                isFromFirst ? 0 : 1, UInt8(message.count / 256), UInt8(message.count % 256), 10,
            ]
            stream += message
        }
        offset += 16 + length
    }
    write(stream, "ike", name)
}

// The message of an event or an answer alone stands behind lengths, kind and name.
for (name, sample, place) in [
    ("list-conns", ViciSample.listConns, 20), ("list-sas", ViciSample.listSAs, 18),
    ("version", ViciSample.version, 5),
] {
    write([0, 1] + sample, "vici-message", name)
    write([1, 0] + sample[place...], "vici-message", "\(name)-message")
}
let daemonLines = """
    07[IKE] initiating IKE_SA lab[1] to 198.51.100.1
    07[NET] received packet: from 198.51.100.1[500] to 203.0.113.10[500] (65 bytes)
    07[IKE] <lab|1> received AUTHENTICATION_FAILED notify error
    07[IKE] CHILD_SA net{2} established with SPIs c257_i cdff_o and TS a === b
    "lab" #1: sent IKE_SA_INIT request to 198.51.100.1:UDP/500
    "lab"[2] 198.51.100.1 #2: IKE_AUTH response rejected Child SA with TS_UNACCEPTABLE
    """
write([2, 0] + Array(daemonLines.utf8), "vici-message", "daemon-lines")

let logLine =
    #"{"Level":"info","LocalIP":"198.51.100.1","LocalPort":500,"Message":"unknown \u00efdentity 'x'","#
    + #""RemoteIP":"2001:db8::1","RemotePort":"4500","Timestamp":"2026-11-22T12:00:00Z"}"#
let renamedLine =
    #"{"ts":1795348800123456789,"sev":"warn","text":"NO_PROPOSAL_CHOSEN sent","peer":"192.0.2.1","a":null}"#
for (name, text) in [
    ("lines", "\(logLine)\r\n\(renamedLine)\n{\"Level\":\n\(logLine)"),
    ("batch", "{\"events\":[\n {\"info\":\(logLine)},\n {\"info\":\(renamedLine)}\n]}\n"),
    ("array", "\u{feff}[\(renamedLine),{\"a\":[1,-2.5e3,true,{}]}]"),
    ("csv", "Level,LocalIP,Message\ninfo,192.0.2.1,x\n"),
] {
    write([3] + Array(text.utf8), "ike-log", name)
}
