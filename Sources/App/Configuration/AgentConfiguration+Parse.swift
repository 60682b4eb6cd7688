internal import NetworkPrimitives

extension AgentConfiguration {
    /// Reads and checks the text of an `agent.conf`.
    ///
    /// - Parameters:
    ///   - text: TOML 1.0.
    ///   - file: what messages call the text; it becomes `source`.
    /// - Returns: a configuration without a mistake.
    /// - Throws: all mistakes of the text, or its first syntax error.
    public static func parse(
        _ text: String, file: String
    ) throws(ConfigurationFailure) -> AgentConfiguration {
        let locator = KeyLocator(text)
        let document = try syntax(of: text, file: file, locator: locator)
        var mistakes = Mistakes(file: file, locator: locator)
        var configuration = AgentConfiguration()
        configuration.source = file
        configuration.read(document, &mistakes)
        guard mistakes.found.isEmpty else { throw ConfigurationFailure(mistakes.found) }
        return configuration
    }

    private static func syntax(
        of text: String, file: String, locator: KeyLocator
    ) throws(ConfigurationFailure) -> [TOMLEntry] {
        func failure(_ position: SourcePosition, _ problem: String) -> ConfigurationFailure {
            ConfigurationFailure([
                ConfigurationDiagnostic(
                    file: file, position: position, key: nil, problem: problem, allowed: nil)
            ])
        }
        // A NUL would end the text for toml++ and hide what follows.
        if let nul = SourcePosition(ofFirst: "\0", in: text) {
            throw failure(nul, "a NUL character; not a text file?")
        }
        if let objection = locator.objections.first {
            // The walk that objects may have been led astray by a syntax error further up, which is
            // then the mistake to tell.
            let above = text.utf8.lines(objection.position.line - 1)
            do throws(TOMLSyntaxError) {
                _ = try TOMLNode.document(String(decoding: above, as: UTF8.self))
            } catch {
                // Where the cut is in the middle of a value, its end is missing: no mistake.
                if !error.problem.hasSuffix("end-of-file") {
                    throw failure(error.position, error.problem)
                }
            }
            throw failure(objection.position, objection.problem)
        }
        do throws(TOMLSyntaxError) {
            guard case .table(let entries) = try TOMLNode.document(text) else {
                preconditionFailure("a TOML document is a table")
            }
            return entries
        } catch {
            throw failure(error.position, error.problem)
        }
    }

    private mutating func read(_ document: [TOMLEntry], _ mistakes: inout Mistakes) {
        let root = TableReader(document, at: [], schema: .root, mistakes: &mistakes)
        if let agent = root.table("agent", schema: .agent, &mistakes) {
            readAgent(agent, &mistakes)
        }
        if let defaults = root.table("defaults", schema: .defaults, &mistakes) {
            probing.read(defaults, &mistakes)
        }
        readTunnels(root, &mistakes)
    }

    private mutating func readAgent(_ table: TableReader, _ mistakes: inout Mistakes) {
        table.read(
            "listen", into: &listen, .optional(.listenAddress, empty: "to turn HTTP off"),
            &mistakes)
        table.read("web_config", into: &webConfig, .optional(.path, empty: "for none"), &mistakes)
        table.read("state_dir", into: &stateDirectory, .path, &mistakes)
        table.read("control_socket", into: &controlSocket, .socketPath, &mistakes)
        table.read("log_level", into: &logLevel, .choice, &mistakes)
        table.read("discover", into: &discover, .boolean, &mistakes)
        table.read(
            "charon_log", into: &charonLog, .optional(.charonLog, empty: "to read none"), &mistakes)
        table.read(
            "retention", into: &retention,
            .duration(in: .seconds(3600) ... .seconds(3650 * 86_400)),
            &mistakes)
        table.read(
            "retention_size", into: &retentionSize,
            .size(in: .mebibytes(1) ... .mebibytes(1 << 20)),
            &mistakes)
        table.read("slo", into: &slo, .percentage, &mistakes)
    }

    private mutating func readTunnels(_ root: TableReader, _ mistakes: inout Mistakes) {
        guard let node = root.node("tunnel") else { return }
        let path: [TOMLStep] = [.key("tunnel")]
        guard case .array(let elements) = node else {
            mistakes.add(
                "is \(node.typeName), not an array of tables",
                allowed: "each tunnel under a header [[tunnel]], in double brackets", at: path,
                .value)
            return
        }
        if elements.count > Self.maximumTunnelCount {
            mistakes.add(
                "\(elements.count) tunnels are too many",
                allowed: "at most \(Self.maximumTunnelCount)",
                at: path + [.index(Self.maximumTunnelCount)], .key, as: path)
        }
        var firstUse: [String: Int] = [:]
        for (index, element) in elements.enumerated() {
            let path = path + [.index(index)]
            guard case .table(let entries) = element else {
                mistakes.add(
                    "is \(element.typeName), not a table",
                    allowed: "each tunnel under a header [[tunnel]]", at: path, .value)
                continue
            }
            let table = TableReader(entries, at: path, schema: .tunnel, mistakes: &mistakes)
            let name = table.required("name", .tunnelName, &mistakes)
            if let name {
                if let first = firstUse[name] {
                    let used = mistakes.locator.nearestLocation(
                        of: [.key("tunnel"), .index(first), .key("name")])
                    mistakes.add(
                        "\"\(name)\" is the name of tunnel[\(first + 1)], line \(used.value.line)",
                        allowed: "a name of its own for each tunnel", at: path + [.key("name")],
                        .value)
                } else {
                    firstUse[name] = index
                }
            }
            let remote = table.required("remote", .remoteHost, &mistakes)
            // Without the two there is no tunnel, but the mistakes in its other keys are told too.
            var tunnel = TunnelConfiguration(
                name: name ?? "", remote: remote ?? .name(""), probing: probing)
            tunnel.read(table, &mistakes)
            tunnels.append(tunnel)
        }
    }
}

extension String.UTF8View {
    /// The first `count` lines, with their ends.
    fileprivate func lines(_ count: Int) -> SubSequence {
        var end = startIndex
        for _ in 0..<count {
            guard let newline = self[end...].firstIndex(of: UInt8(ascii: "\n")) else {
                return self[...]
            }
            end = index(after: newline)
        }
        return self[..<end]
    }
}

extension SourcePosition {
    /// The place of the first `scalar` in a text; nil when there is none.
    fileprivate init?(ofFirst scalar: Unicode.Scalar, in text: String) {
        var line = 1
        var column = 1
        for next in text.unicodeScalars {
            if next == scalar {
                self.init(line: line, column: column)
                return
            }
            if next == "\n" { (line, column) = (line + 1, 1) } else { column += 1 }
        }
        return nil
    }
}
