import Glibc
import Testing

@testable import RawSockets

@Suite struct SendFailureTests {
    @Test(
        arguments: [
            (EPERM, .denied), (EACCES, .denied), (ENODEV, .noDevice), (ENXIO, .noDevice),
            (ENETDOWN, .noDevice), (ENETUNREACH, .noRoute), (EHOSTUNREACH, .noRoute),
            (EADDRNOTAVAIL, .sourceUnavailable), (EMSGSIZE, .tooBig), (ENOBUFS, .buffersFull),
            (EAGAIN, .buffersFull), (EINVAL, .other), (EIO, .other),
        ] as [(CInt, SendFailure.Kind)])
    func `classifies the errno`(errno: CInt, kind: SendFailure.Kind) {
        #expect(SendFailure(errno: errno, hasSource: false).kind == kind)
    }

    @Test func `EINVAL blames the source if one was given`() {
        #expect(SendFailure(errno: EINVAL, hasSource: true).kind == .sourceUnavailable)
    }

    @Test func `says the errno in words`() {
        let failure = SendFailure(errno: EPERM, hasSource: false)
        #expect(
            failure.description
                == "refused by the local firewall, or for lack of privilege: "
                + "EPERM (Operation not permitted)")
        #expect(SendFailure(errno: 9999, hasSource: false).description.hasSuffix("errno 9999"))
    }
}

@Suite struct StampSupportTests {
    @Test func `falls back to receive stamps, with the kernel's reason`() {
        let number = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(number) }
        let support = StampSupport.enable(on: number, flags: 0x8000_0000)
        guard case .receiveOnly(let reason) = support else {
            Issue.record("\(support)")
            return
        }
        #expect(reason.contains("EINVAL"))
    }

    @Test func `says why there are none`() {
        var pair: [CInt] = [0, 0]
        #expect(pipe(&pair) == 0)
        defer { for end in pair { close(end) } }
        guard case .none(let reason) = StampSupport.enable(on: pair[0]) else {
            Issue.record("expected none")
            return
        }
        #expect(reason.contains("ENOTSOCK"))
    }
}

@Suite struct IPv4FramingTests {
    /// RFC 791 §3.1.
    private let header: [UInt8] = [
        0x45, 0xb8,  // version 4, 5 words; EF
        0x00, 0x1c,  // total length
        0x12, 0x34, 0x00, 0x00,  // identification, no fragment
        0x3f, 0x01,  // time to live 63, ICMP
        0xab, 0xcd,  // checksum, which the kernel verified
        192, 0, 2, 1,  // source
        198, 51, 100, 7,  // destination
    ]

    @Test func `reads a header, options skipped`() throws {
        var octets = header
        let plain = try #require(octets.withRawSpan { IPv4Framing($0) })
        #expect(plain.byteCount == 20)
        #expect(plain.source == .v4(0xc000_0201))
        #expect(plain.destination == .v4(0xc633_6407))
        #expect(plain.timeToLive == 63)
        #expect(plain.differentiatedServices == 0xb8)
        octets[0] = 0x47
        octets += [UInt8](repeating: 1, count: 8)
        #expect(octets.withRawSpan { IPv4Framing($0) }?.byteCount == 28)
    }

    @Test(arguments: 0..<20)
    func `rejects every truncation`(length: Int) {
        #expect(Array(header.prefix(length)).withRawSpan { IPv4Framing($0) } == nil)
    }

    @Test(arguments: [(0, 0x65), (0, 0x44), (0, 0x46), (9, 17)] as [(Int, UInt8)])
    func `rejects another version, a bad length and another protocol`(offset: Int, value: UInt8) {
        var octets = header
        octets[offset] = value
        #expect(octets.withRawSpan { IPv4Framing($0) } == nil)
    }
}
