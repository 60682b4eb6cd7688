internal import HostFacts

extension AgentConfiguration {
    /// The largest file that is read, in octets: room for `maximumTunnelCount` with many words
    /// about each.
    public static let maximumFileSize = ByteCount.mebibytes(4)

    /// The most tunnels that one file may hold.
    ///
    /// ICMP has 65 535 identifiers. Each tunnel takes one for each of its four roles, as many again
    /// in each examination, and those given up are kept out of use for a while, so that a late
    /// answer is not taken for another's: this leaves half of them free at the worst.
    public static let maximumTunnelCount = 2048

    /// Reads and checks a configuration file.
    ///
    /// - Parameter path: the file; messages call it just so.
    /// - Returns: a configuration without a mistake.
    /// - Throws: one diagnostic without a position where the file cannot be read, else as `parse`.
    public static func load(path: String) throws(ConfigurationFailure) -> AgentConfiguration {
        let contents: [UInt8]
        do throws(FileError) {
            contents = try SmallFile.read(path, limit: maximumFileSize.bytes)
        } catch {
            throw ConfigurationFailure([
                ConfigurationDiagnostic(
                    file: path, position: nil, key: nil, problem: "cannot read: \(error.reason)",
                    allowed: nil)
            ])
        }
        return try parse(contents, file: path)
    }

    /// Reads and checks the octets of a file, which must be UTF-8 (TOML 1.0, "Spec").
    static func parse(
        _ contents: [UInt8], file: String
    ) throws(ConfigurationFailure) -> AgentConfiguration {
        guard let text = String(validating: contents, as: UTF8.self) else {
            throw ConfigurationFailure([
                ConfigurationDiagnostic(
                    file: file, position: firstMalformedCharacter(in: contents), key: nil,
                    problem: "not UTF-8", allowed: nil)
            ])
        }
        return try parse(text, file: file)
    }

    private static func firstMalformedCharacter(in contents: [UInt8]) -> SourcePosition {
        var octets = contents.makeIterator()
        var decoder = UTF8()
        var line = 1
        var column = 1
        while case .scalarValue(let scalar) = decoder.decode(&octets) {
            if scalar == "\n" { (line, column) = (line + 1, 1) } else { column += 1 }
        }
        return SourcePosition(line: line, column: column)
    }
}
