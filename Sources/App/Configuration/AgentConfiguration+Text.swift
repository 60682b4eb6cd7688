import NetworkPrimitives

extension AgentConfiguration {
    /// The configuration as TOML, every key written from its value: no comment of the file, and
    /// nothing that is no key of `agent.conf`, comes along.
    ///
    /// Files that hold secrets are named, never read. `parse` reads the same configuration back, apart
    /// from `source`.
    public var text: String {
        var lines = ["[agent]"]
        func string(_ key: String, _ value: String?) {
            lines.append("\(key) = \(TOMLText.basicString(value ?? ""))")
        }
        string("listen", listen?.description)
        string("web_config", webConfig)
        string("state_dir", stateDirectory)
        string("control_socket", controlSocket)
        string("log_level", logLevel.rawValue)
        lines.append("discover = \(discover)")
        switch charonLog {
        case .journal: string("charon_log", "journal")
        case .file(let path): string("charon_log", path)
        case nil: string("charon_log", "")
        }
        string("retention", DurationText.format(retention))
        string("retention_size", retentionSize.description)
        lines.append("slo = \(slo)")
        lines += ["", "[defaults]"] + probing.textLines
        for tunnel in tunnels { lines += ["", "[[tunnel]]"] + tunnel.textLines }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension ProbingSettings {
    fileprivate var textLines: [String] {
        func duration(_ key: String, _ value: Duration) -> String {
            "\(key) = \"\(DurationText.format(value))\""
        }
        let ike =
            switch ikeProbe {
            case .onDemand: "on-demand"
            case .never: "never"
            case .every(let interval): DurationText.format(interval)
            }
        return [
            duration("interval", interval), duration("reply_interval", replyInterval),
            duration("timeout", timeout), "dscp = \(dscp)",
            duration("degraded_minimum", degradedMinimum), "ike_probe = \"\(ike)\"",
            "ike_initiate = \(ikeInitiate)", "payload_bytes = \(payloadBytes)",
            duration("pmtu_interval", pmtuInterval),
            duration("reply_path_interval", replyPathInterval), "capture = \(capture)",
            "capture_buffer = \"\(captureBuffer)\"", "replay_windows = \(replayWindows)",
        ]
    }
}

extension TunnelConfiguration {
    fileprivate var textLines: [String] {
        var lines: [String] = []
        func string(_ key: String, _ value: String?) {
            guard let value else { return }
            lines.append("\(key) = \(TOMLText.basicString(value))")
        }
        string("name", name)
        string("role", role.rawValue)
        string("remote", remote.description)
        string("local", local?.description)
        string("wan_interface", wanInterface)
        string("tunnel_interface", tunnelInterface)
        string("inside_source", insideSource?.description)
        string("inside_target", insideTarget?.description)
        string("inside_beyond", insideBeyond?.description)
        if let reflector {
            string("reflector", reflector.text)
            string("reflector_key_file", reflector.keyFile)
        }
        lines.append("fwmark = \(fwmark)")
        string("netns", netns ?? "")
        string("vici_socket", viciSocket ?? "")
        string("expect.health_check_style", expect.style.rawValue)
        string("expect.health_check_direction", expect.direction.rawValue)
        string("expect.health_check_target", expect.target?.description ?? "")
        return lines + probing.textLines
    }
}

extension Reflector {
    /// As `reflector` has it: with a port in brackets around an IPv6 address, where there is one.
    fileprivate var text: String {
        guard let port else { return host.description }
        let name = host.description
        return name.utf8.contains(UInt8(ascii: ":")) ? "[\(name)]:\(port)" : "\(name):\(port)"
    }
}
