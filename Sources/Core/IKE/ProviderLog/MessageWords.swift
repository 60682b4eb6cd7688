/// The words of a text, in lower case, with what a reader sees between them.
struct MessageWords {
    struct Word {
        /// In lower case.
        var text: String
        /// As it stands.
        var original: String
        /// Which clause it is in: commas, semicolons and full stops end one.
        var clause: Int
        /// Whether it is part of a value: quoted, or of a name with a dot or an at sign in it.
        var isValue: Bool
        /// Whether it is an algorithm as IKE implementations write them.
        var isAlgorithm = false
    }

    private(set) var words: [Word] = []

    /// So many octets of a text are looked at.
    private static let limit = 1024

    init(_ text: String) {
        var clause = 0
        let octets = Array(text.utf8.prefix(Self.limit))
        for piece in octets.split(whereSeparator: { $0 <= 32 }) {
            var piece = piece
            // "name:" and "(name)" are words, "a.b" and "'c'" are values.
            let isQuoted = piece.first.map(Self.isQuote) ?? false
            var endsClause = false
            while let last = piece.last, [0x2c, 0x3b, 0x2e].contains(last) {
                piece.removeLast()
                endsClause = true
            }
            let isValue = isQuoted || piece.contains { $0 == 0x2e || $0 == 0x40 }
            append(piece, clause: clause, isValue: isValue)
            if endsClause { clause += 1 }
        }
    }

    private static func isQuote(_ octet: UInt8) -> Bool { [0x22, 0x27, 0x60].contains(octet) }

    private mutating func append(_ piece: ArraySlice<UInt8>, clause: Int, isValue: Bool) {
        // Algorithms keep their underscores: AES_GCM_16_256.
        for part in piece.split(whereSeparator: { !Self.isInName($0) }) {
            let name = String(decoding: part, as: UTF8.self)
            if !isValue, AlgorithmName.isOne(name) {
                words.append(
                    Word(
                        text: name.lowercased(), original: name, clause: clause, isValue: false,
                        isAlgorithm: true))
                continue
            }
            for word in Self.simpleWords(part) {
                let original = String(decoding: word, as: UTF8.self)
                words.append(
                    Word(
                        text: original.lowercased(), original: original, clause: clause,
                        isValue: isValue))
            }
        }
    }

    private static func isInName(_ octet: UInt8) -> Bool {
        isUpper(octet) || isLower(octet) || (0x30...0x39).contains(octet) || octet == 0x5f
            || octet == 0x2d || octet >= 0x80
    }

    private static func isUpper(_ octet: UInt8) -> Bool { (0x41...0x5a).contains(octet) }
    private static func isLower(_ octet: UInt8) -> Bool { (0x61...0x7a).contains(octet) }

    /// Words between underscores, hyphens and where a capital begins one: NoProposalChosen.
    private static func simpleWords(_ part: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var words: [ArraySlice<UInt8>] = []
        var start = part.startIndex
        for index in part.indices {
            let octet = part[index]
            if octet == 0x5f || octet == 0x2d {
                if index > start { words.append(part[start..<index]) }
                start = index + 1
            } else if index > start, isUpper(octet), isLower(part[index - 1]) {
                words.append(part[start..<index])
                start = index
            }
        }
        if start < part.endIndex { words.append(part[start...]) }
        return words
    }

    /// Whether words stand one after another, the first at `start`.
    func begin(at start: Int, with wanted: [String]) -> Bool {
        guard start + wanted.count <= words.count else { return false }
        return wanted.indices.allSatisfy { words[start + $0].text == wanted[$0] }
    }

    /// Whether words stand one after another anywhere.
    func hold(_ wanted: String...) -> Bool {
        words.indices.contains { begin(at: $0, with: wanted) }
    }

    func holdPrefix(_ prefix: String) -> Bool { words.contains { $0.text.hasPrefix(prefix) } }
}

/// Names of algorithms as strongSwan and others print them, like `AES_GCM_16_256` or `ECP_384`.
enum AlgorithmName {
    private static let prefixes = [
        "AES", "CHACHA20", "PRF", "HMAC", "MODP", "ECP", "CURVE", "X25519", "MLKEM", "ML_KEM",
        "ML-KEM", "KE1_", "ENCR_", "AUTH_HMAC", "CAMELLIA", "3DES", "NULL_",
    ]

    static func isOne(_ name: String) -> Bool {
        // A digit in it, since "AES" alone may be any word of a sentence.
        guard name.utf8.count >= 5, name.utf8.contains(where: { (0x30...0x39).contains($0) }) else {
            return false
        }
        let upper = name.uppercased()
        return prefixes.contains { upper.hasPrefix($0) }
    }
}
