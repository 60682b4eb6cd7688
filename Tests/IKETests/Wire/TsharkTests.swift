import Foundation
import IKE
import Testing

/// The parser against Wireshark's on the same captures.
@Suite struct TsharkTests {
    private static let tshark = "/usr/bin/tshark"
    private static let fields = [
        "frame.number", "isakmp.ispi", "isakmp.rspi", "isakmp.exchangetype", "isakmp.flags",
        "isakmp.messageid", "isakmp.length", "isakmp.typepayload", "isakmp.tf.type",
        "isakmp.tf.id.encr", "isakmp.tf.id.prf", "isakmp.tf.id.integ", "isakmp.tf.id.dh",
        "isakmp.ike2.attr.key_length", "isakmp.key_exchange.dh_group",
        "isakmp.key_exchange.data", "isakmp.nonce", "isakmp.notify.msgtype",
        "isakmp.frag.number", "isakmp.frag.total", "isakmp.payloadlength",
    ]

    /// The recorded answers of a capture's messages, a line each, without the file's name.
    private static func recorded(_ name: String) throws -> [String] {
        let text = try String(
            contentsOf: CapturedIKE.folder.appending(path: "tshark.tsv"), encoding: .utf8)
        return text.split(separator: "\n").filter { $0.hasPrefix("\(name).pcap\t") }
            .map { String($0.drop { $0 != "\t" }.dropFirst()) }
    }

    @Test(arguments: CapturedIKE.names)
    func `a message is read as tshark reads it`(name: String) throws {
        let messages = try CapturedIKE(name).messages().filter { !$0.message.isIKEv1 }
        let recorded = try Self.recorded(name)
        #expect(messages.count == recorded.count)
        for ((number, message), line) in zip(messages, recorded) {
            #expect(message.extent == .complete)
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
                .map(String.init)
            // Of keys and nonces only the length is kept.
            let expected = columns.enumerated().map { index, text in
                [15, 16].contains(index) && !text.isEmpty ? "\(text.count / 2)" : text
            }
            #expect(Self.columns(number, message) == expected.dropLast(), "\(name) \(number)")
            // tshark puts the lengths of proposals and transforms between those of payloads.
            var lengths = (expected.last ?? "").split(separator: ",").map { Int($0) ?? 0 }
            let kinds = (expected[7]).split(separator: ",").map { Int($0) ?? 0 }
            lengths = zip(kinds, lengths).filter { $0.0 > 3 }.map(\.1)
            #expect(message.payloads.map(\.length) == lengths, "\(name) \(number)")
        }
    }

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: tshark)),
        arguments: CapturedIKE.names)
    func `tshark still says what is recorded`(name: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: Self.tshark)
        process.arguments =
            [
                "-r", CapturedIKE.folder.appending(path: "\(name).pcap").path, "-Y",
                "isakmp.ispi && !icmp && isakmp.version == 0x20", "-T", "fields",
            ] + Self.fields.flatMap { ["-e", $0] }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(text.split(separator: "\n").map(String.init) == (try Self.recorded(name)))
    }

    private static func columns(_ number: Int, _ message: IKEMessage) -> [String] {
        let header = message.header
        func hexadecimal(_ value: some BinaryInteger, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: digits - text.count) + text
        }
        let transforms = message.proposals.flatMap(\.transforms)
        func numbers(_ kind: IKETransform.Kind) -> String {
            list(transforms.filter { $0.kind == kind }.map { Int($0.number) })
        }
        func list(_ numbers: [Int]) -> String {
            numbers.map { "\($0)" }.joined(separator: ",")
        }
        let kinds = message.payloads.flatMap { payload in
            guard payload.kind == .securityAssociation else { return [Int(payload.kind.rawValue)] }
            return [33] + message.proposals.flatMap { [2] + $0.transforms.map { _ in 3 } }
        }
        let fragment = message.encrypted?.fragment
        return [
            "\(number)", hexadecimal(header.initiatorSPI, 16), hexadecimal(header.responderSPI, 16),
            "\(header.exchange.rawValue)", "0x\(hexadecimal(header.flags, 2))",
            "0x\(hexadecimal(header.messageID, 8))", "\(header.length)", list(kinds),
            list(transforms.map { Int($0.kind.rawValue) }), numbers(.encryption),
            numbers(.pseudorandomFunction), numbers(.integrity), numbers(.keyExchange),
            list(transforms.compactMap { $0.keyLength.map(Int.init) }),
            message.keyExchange.map { "\($0.group.rawValue)" } ?? "",
            message.keyExchange.map { "\($0.length)" } ?? "",
            message.nonceLength.map { "\($0)" } ?? "",
            list(message.notifies.map { Int($0.kind.rawValue) }),
            fragment.map { "\($0.number)" } ?? "", fragment.map { "\($0.total)" } ?? "",
        ]
    }
}
