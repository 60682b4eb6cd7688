internal import NetworkPrimitives

extension ProbingSettings {
    /// Takes over the keys of `[defaults]` or of a `[[tunnel]]` that are there.
    mutating func read(_ table: TableReader, _ mistakes: inout Mistakes) {
        let second = Duration.seconds(1)
        let hour = Duration.seconds(3600)
        let day = Duration.seconds(86_400)
        let week = Duration.seconds(7 * 86_400)
        table.read(
            "interval", into: &interval, .duration(in: .milliseconds(10)...hour), &mistakes)
        table.read("reply_interval", into: &replyInterval, .duration(in: second...day), &mistakes)
        table.read(
            "timeout", into: &timeout, .duration(in: .milliseconds(10) ... .seconds(60)), &mistakes)
        // RFC 2474 §3: six bits.
        table.read("dscp", into: &dscp, .integer(in: 0...63), &mistakes)
        table.read(
            "degraded_minimum", into: &degradedMinimum, .duration(in: .zero...day), &mistakes)
        table.read("ike_probe", into: &ikeProbe, .ikeProbe, &mistakes)
        table.read("ike_initiate", into: &ikeInitiate, .boolean, &mistakes)
        // 8 octets tell probes apart and 2 more keep the checksum of a flow constant; the upper end
        // fits the jumbo frames in use.
        table.read("payload_bytes", into: &payloadBytes, .integer(in: 10...9000), &mistakes)
        table.read("pmtu_interval", into: &pmtuInterval, .duration(in: second...week), &mistakes)
        table.read(
            "reply_path_interval", into: &replyPathInterval, .duration(in: second...week),
            &mistakes)
        table.read("capture", into: &capture, .boolean, &mistakes)
        table.read(
            "capture_buffer", into: &captureBuffer,
            .size(in: ByteCount(bytes: 64 << 10) ... .mebibytes(1024)), &mistakes)
        table.read("replay_windows", into: &replayWindows, .replayWindows, &mistakes)
    }
}

extension TunnelConfiguration {
    /// Takes over the keys of a `[[tunnel]]` that are there; `name` and `remote` are set already.
    mutating func read(_ table: TableReader, _ mistakes: inout Mistakes) {
        table.read("role", into: &role, .choice, &mistakes)
        table.read("local", into: &local, .address, &mistakes)
        table.read("wan_interface", into: &wanInterface, .interface, &mistakes)
        table.read("tunnel_interface", into: &tunnelInterface, .interface, &mistakes)
        table.read("inside_source", into: &insideSource, .address, &mistakes)
        table.read("inside_target", into: &insideTarget, .address, &mistakes)
        table.read("inside_beyond", into: &insideBeyond, .address, &mistakes)
        readReflector(table, &mistakes)
        table.read("fwmark", into: &fwmark, .integer(in: 0 ... .max), &mistakes)
        table.read("netns", into: &netns, .optional(.namespaceName, empty: "for none"), &mistakes)
        table.read(
            "vici_socket", into: &viciSocket,
            .optional(.socketPath, empty: "to leave strongSwan alone"), &mistakes)
        if let expected = table.table("expect", schema: .expect, &mistakes) {
            expected.read("health_check_style", into: &expect.style, .choice, &mistakes)
            expected.read("health_check_direction", into: &expect.direction, .choice, &mistakes)
            expected.read("health_check_target", into: &expect.target, .address, &mistakes)
        }
        probing.read(table, &mistakes)
        checkOuterPair(table, &mistakes)
        checkInsideAddresses(table, &mistakes)
    }

    private mutating func readReflector(_ table: TableReader, _ mistakes: inout Mistakes) {
        var address: ReflectorAddress?
        var keyFile: String?
        table.read("reflector", into: &address, .optional(.reflector, empty: "for none"), &mistakes)
        table.read(
            "reflector_key_file", into: &keyFile, .optional(.path, empty: "for none"), &mistakes)
        guard let address else { return }
        guard let keyFile else {
            // A bad path has been told already.
            let written = table.node("reflector_key_file")
            if written == nil || written == .string("") {
                mistakes.add(
                    "\"reflector\" needs a key",
                    allowed: "reflector_key_file with an absolute path",
                    at: table.path + [.key("reflector")], .value)
            }
            return
        }
        reflector = Reflector(host: address.host, port: address.port, keyFile: keyFile)
    }

    private func checkOuterPair(_ table: TableReader, _ mistakes: inout Mistakes) {
        guard let local, case .address(let remote) = remote else { return }
        let path = table.path + [.key("local")]
        if local.family != remote.family {
            mistakes.add(
                "\"\(local)\" is \(local.family.name), but remote \"\(remote)\" is "
                    + remote.family.name,
                allowed: "an \(remote.family.name) address, or no \"local\" at all", at: path,
                .value)
        } else if local == remote, !local.isLoopback {
            mistakes.add(
                "\"\(local)\" is the remote address too",
                allowed: "this side's outer address, or no \"local\" at all", at: path, .value)
        }
    }

    private func checkInsideAddresses(_ table: TableReader, _ mistakes: inout Mistakes) {
        let all = [
            ("inside_source", insideSource), ("inside_target", insideTarget),
            ("inside_beyond", insideBeyond),
        ]
        let known = all.compactMap { key, address in address.map { (key: key, address: $0) } }
        guard let first = known.first else { return }
        for other in known.dropFirst() {
            let path = table.path + [.key(other.key)]
            if other.address.family != first.address.family {
                mistakes.add(
                    "\"\(other.address)\" is \(other.address.family.name), but \(first.key) "
                        + "\"\(first.address)\" is \(first.address.family.name)",
                    allowed: "one address family for all inside addresses", at: path, .value)
            } else if other.address == first.address, first.key == "inside_source" {
                mistakes.add(
                    "\"\(other.address)\" is inside_source too",
                    allowed: "an address of the far side", at: path, .value)
            }
        }
    }
}

extension ValueRule where Value == IPAddress? {
    /// The address of one host, or nothing.
    fileprivate static var address: ValueRule { .optional(.hostAddress, empty: "for the default") }
}

extension ValueRule where Value == String? {
    /// A network device, or nothing.
    fileprivate static var interface: ValueRule {
        .optional(.interfaceName, empty: "for the default")
    }
}

extension IPAddress.Family {
    /// The family in words.
    fileprivate var name: String { self == .v4 ? "IPv4" : "IPv6" }
}
