import NetworkPrimitives

extension CaptureDamage.LikelyContents {
    /// How many octets are looked at; with fewer the guess is worse.
    static let lookahead = 512

    /// Guesses what octets are that begin no capture.
    init(startOf octets: RawSpan, from start: Int) {
        let count = min(octets.byteCount - start, Self.lookahead)
        func begins(_ magic: [UInt8], at offset: Int = 0) -> Bool {
            guard offset + magic.count <= count else { return false }
            return magic.indices.allSatisfy {
                octets.uint8(at: start + offset + $0) == magic[$0]
            }
        }
        let magics: [(Self, Int, [UInt8])] = [
            (.gzip, 0, [0x1f, 0x8b]), (.bzip2, 0, [0x42, 0x5a, 0x68]),
            (.xz, 0, [0xfd, 0x37, 0x7a, 0x58, 0x5a]), (.zstd, 0, [0x28, 0xb5, 0x2f, 0xfd]),
            (.lz4, 0, [0x04, 0x22, 0x4d, 0x18]), (.zip, 0, [0x50, 0x4b, 3, 4]),
            (.elf, 0, [0x7f, 0x45, 0x4c, 0x46]),
            (.snoop, 0, [0x73, 0x6e, 0x6f, 0x6f, 0x70, 0]),
            (.netmon, 0, [0x47, 0x4d, 0x42, 0x55]), (.netmon, 0, [0x52, 0x54, 0x53, 0x53]),
            // "ustar" in the first header of POSIX and GNU archives.
            (.tar, 257, [0x75, 0x73, 0x74, 0x61, 0x72]),
        ]
        if let found = magics.first(where: { begins($0.2, at: $0.1) }) {
            self = found.0
            return
        }
        var isText = true
        var isZero = true
        for offset in start..<(start + count) {
            let octet = octets.uint8(at: offset)
            isZero = isZero && octet == 0
            // Tab to carriage return, printable ASCII, and what UTF-8 and Latin-1 letters use.
            isText = isText && ((9...13).contains(octet) || octet >= 32 && octet != 127)
        }
        self = isZero ? .zeros : isText ? .text : .unknown
    }
}
