import CLinux
import Glibc
import NetworkPrimitives

/// The kernel's part in telling answers from what answers other programs.
///
/// A raw socket gets a copy of every Echo Reply to this host: a measurement beside a thousand probed
/// tunnels would be woken by each of theirs.
extension EchoSocket {
    /// Keeps Echo Replies out that `peer` did not send; errors may come from anyone.
    ///
    /// A filter of the kernel (`SO_ATTACH_FILTER`, linux/filter.h), in the classic instructions. It runs
    /// where a raw IPv4 socket's packet begins with the IP header and an ICMPv6 one's with ICMPv6 (raw(7),
    /// RFC 3542 §3); the IPv6 header is then reached by its offset from the network layer.
    static func admitReplies(
        of peer: IPAddress, on socket: CInt
    ) throws(SocketError) {
        let program = instructions(for: peer)
        let outcome = unsafe program.withUnsafeBufferPointer { instructions in
            var filter = unsafe clinux_program(
                count: UInt16(instructions.count), instructions: instructions.baseAddress)
            return systemCall {
                unsafe setsockopt(
                    socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
                    socklen_t(MemoryLayout<clinux_program>.size))
            }
        }
        if case .failure(let code) = outcome {
            throw SocketError(
                code, operation: "setsockopt(SO_ATTACH_FILTER)", object: "ICMP socket")
        }
    }

    private static func instructions(for peer: IPAddress) -> [clinux_instruction] {
        let type: [clinux_instruction]
        let source: [(place: UInt32, word: UInt32)]
        let reply: UInt32
        switch peer {
        case .v4(let address):
            // X = the length of the IP header, A = the octet behind it.
            type = [.loadHeaderLength, .loadOctetBehindHeader]
            reply = UInt32(ICMP_ECHOREPLY)
            source = [(12, address)]
        case .v6(let address):
            type = [.loadFirstOctet]
            reply = UInt32(ICMPV6_ECHO_REPLY)
            source = (0..<4).map { index in
                (
                    networkHeader + 8 + UInt32(index) * 4,
                    UInt32(truncatingIfNeeded: address >> (96 - 32 * index))
                )
            }
        }
        let compared = UInt8(2 * source.count)
        var program = type
        program.append(.ifEqual(reply, otherwiseSkip: compared))
        for (index, part) in source.enumerated() {
            program.append(.loadWord(at: part.place))
            // Behind the remaining comparisons, and behind the instruction that admits.
            program.append(.ifEqual(part.word, otherwiseSkip: compared - UInt8(2 * index) - 1))
        }
        return program + [.admit, .refuse]
    }

    /// Where places in the network header begin: SKF_NET_OFF of linux/filter.h.
    private static let networkHeader = UInt32(bitPattern: -0x100000)
}

extension clinux_instruction {
    /// X = 4 × the low half of octet 0 (BPF_LDX | BPF_B | BPF_MSH).
    fileprivate static let loadHeaderLength = Self(code: 0xb1, if_true: 0, if_false: 0, operand: 0)
    /// A = octet X (BPF_LD | BPF_B | BPF_IND).
    fileprivate static let loadOctetBehindHeader = Self(
        code: 0x50, if_true: 0, if_false: 0, operand: 0)
    /// A = octet 0 (BPF_LD | BPF_B | BPF_ABS).
    fileprivate static let loadFirstOctet = Self(code: 0x30, if_true: 0, if_false: 0, operand: 0)
    /// The whole packet (BPF_RET | BPF_K).
    fileprivate static let admit = Self(code: 0x06, if_true: 0, if_false: 0, operand: .max)
    /// Nothing of it.
    fileprivate static let refuse = Self(code: 0x06, if_true: 0, if_false: 0, operand: 0)

    /// A = the four octets at `place` (BPF_LD | BPF_W | BPF_ABS).
    fileprivate static func loadWord(at place: UInt32) -> Self {
        Self(code: 0x20, if_true: 0, if_false: 0, operand: place)
    }

    /// Goes on where A is `value`, else `skipped` instructions later (BPF_JMP | BPF_JEQ | BPF_K).
    fileprivate static func ifEqual(_ value: UInt32, otherwiseSkip skipped: UInt8) -> Self {
        Self(code: 0x15, if_true: 0, if_false: skipped, operand: value)
    }
}
