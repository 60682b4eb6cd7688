import Testing

@testable import Configuration

/// One bad file a rule, with the exact message.
@Suite struct BadConfigurationTests {
    private func messages(_ text: String) -> [String] {
        do throws(ConfigurationFailure) {
            _ = try AgentConfiguration.parse(text, file: "f")
            return []
        } catch {
            return error.diagnostics.map(\.description)
        }
    }

    // MARK: - Syntax

    @Test(arguments: [
        ("x", "f:1:2: TOML key-value pair: encountered end-of-file"),
        ("a = 1\na = 2", "f:2:5: TOML key-value pair: cannot redefine existing integer 'a'"),
        ("[a]\n[a]", "f:2:1: TOML table header: cannot redefine existing table 'a'"),
        ("[agent\n", "f:1:7: TOML table header: expected ']', saw '\\n'"),
        ("a = 1 b", "f:1:7: TOML key-value pair: expected a comment or whitespace, saw 'b'"),
        ("a = \"\\q\"", "f:1:7: TOML string: unknown escape sequence '\\q'"),
        ("a = 01", "f:1:7: TOML decimal integer: leading zeroes are prohibited"),
        ("a = tru\u{1}", "f:1:8: TOML boolean: expected 'true', saw 'tru\\u0001'"),
        ("a = 1\n[ .b]", "f:2:3: TOML table header: expected a key"),
        ("a = 1\n[[=", "f:2:3: TOML table header: expected a key"),
        ("[[", "f:1:3: TOML table header: encountered end-of-file"),
        ("[]", "f:1:2: TOML table header: tables with blank bare keys are explicitly prohibited"),
        (
            "a = \"\nb = 1\n[#]",
            "f:1:6: TOML string: unescaped control characters other than TAB (U+0009) are explicitly prohibited"
        ),
        ("a = \"\"\"\n\\u0000\"\"\"", "f:2:1: a NUL character"),
        ("role = endpoint", "f:1:8: TOML value: expected a value; strings stand in quotes"),
        ("a =\nb = 1", "f:1:4: TOML value: expected a value; strings stand in quotes"),
        ("a = [1, }", "f:1:9: TOML value: expected a value; strings stand in quotes"),
        ("a = [\u{2028}]", "f:1:6: TOML value: expected a value; strings stand in quotes"),
        (
            "a = 1 1\nb = [}",
            "f:1:7: TOML key-value pair: expected a comment or whitespace, saw '1'"
        ),
        ("\n a\0 = 1", "f:2:3: a NUL character; not a text file?"),
        ("# ok\na = \"x\\u0000\"", "f:2:7: a NUL character"),
        ("a = " + String(repeating: "[", count: 40), "f:1:37: nested more than 32 levels deep"),
        (
            "[[tunnel]]\n[tunnel]\n",
            "f:2:1: TOML table header: cannot redefine existing array 'tunnel' as table"
        ),
    ])
    func `a syntax error has its place`(text: String, message: String) {
        #expect(messages(text) == [message])
    }

    // MARK: - Structure

    @Test(arguments: [
        ("agent = 1", "f:1:9: agent: is an integer, not a table; allowed: [agent]"),
        ("defaults = []", "f:1:12: defaults: is an array, not a table; allowed: [defaults]"),
        (
            "\n[tunnel]\nname = \"a\"",
            "f:2:1: tunnel: is a table, not an array of tables; "
                + "allowed: each tunnel under a header [[tunnel]], in double brackets"
        ),
        (
            "tunnel = [7]",
            "f:1:11: tunnel[1]: is an integer, not a table; "
                + "allowed: each tunnel under a header [[tunnel]]"
        ),
        ("[agnet]", "f:1:1: agnet: unknown key; did you mean \"agent\"?"),
        ("[colour]", "f:1:1: colour: unknown key; allowed: agent, defaults, tunnel"),
        (
            "[agent]\nlisetn = \"\"",
            "f:2:1: agent.lisetn: unknown key; did you mean \"listen\"?"
        ),
        (
            "[agent]\n\"li sten\\n\" = 1",
            "f:2:1: agent.\"li sten\\n\": unknown key; did you mean \"listen\"?"
        ),
        (
            "[defaults]\nintrval = 1",
            "f:2:1: defaults.intrval: unknown key; did you mean \"interval\"?"
        ),
        (
            "[defaults]\nlocal = 1",
            "f:2:1: defaults.local: unknown key here; it belongs in [[tunnel]]"
        ),
        (
            "[defaults]\nlisten = 1",
            "f:2:1: defaults.listen: unknown key here; it belongs in [agent]"
        ),
        (
            "[agent]\ninterval = 1",
            "f:2:1: agent.interval: unknown key here; it belongs in [defaults] or [[tunnel]]"
        ),
        (
            "health_check_style = 1",
            "f:1:1: health_check_style: unknown key here; "
                + "it is \"expect.health_check_style\" in [[tunnel]]"
        ),
    ])
    func `a key or table in the wrong place`(text: String, message: String) {
        #expect(messages(text) == [message])
    }

    @Test(arguments: [2049, 5000])
    func `more tunnels than there are identifiers for`(count: Int) {
        let text = (1...count).map {
            "[[tunnel]]\nname = \"t\($0)\"\nremote = \"192.0.2.1\"\n"
        }.joined()
        // Shown where the first one too many begins.
        #expect(
            messages(text) == [
                "f:6145:1: tunnel: \(count) tunnels are too many; allowed: at most 2048"
            ])
    }

    // MARK: - [agent]

    @Test(arguments: [
        (
            "listen = 9817",
            "is an integer, not a string; allowed: \"ADDRESS:PORT\", \"[IPv6]:PORT\" or "
                + "\"NAME:PORT\", or \"\" to turn HTTP off"
        ),
        (
            "listen = \"127.0.0.1\"",
            "\"127.0.0.1\" has no port; allowed: \"ADDRESS:PORT\", \"[IPv6]:PORT\" or "
                + "\"NAME:PORT\", or \"\" to turn HTTP off"
        ),
        (
            "listen = \":9817\"",
            "\":9817\" has no host; allowed: \"ADDRESS:PORT\", \"[IPv6]:PORT\" or "
                + "\"NAME:PORT\", or \"\" to turn HTTP off"
        ),
        (
            "listen = \"::1\"",
            "\"::1\" is an IPv6 address without brackets; allowed: \"ADDRESS:PORT\", "
                + "\"[IPv6]:PORT\" or \"NAME:PORT\", or \"\" to turn HTTP off"
        ),
        (
            "listen = \"[::1\"",
            "\"[::1\" has no closing bracket; allowed: \"ADDRESS:PORT\", "
                + "\"[IPv6]:PORT\" or \"NAME:PORT\", or \"\" to turn HTTP off"
        ),
        (
            "listen = \"[127.0.0.1]:1\"",
            "\"127.0.0.1\" is no IPv6 address; allowed: \"ADDRESS:PORT\", "
                + "\"[IPv6]:PORT\" or \"NAME:PORT\", or \"\" to turn HTTP off"
        ),
        ("listen = \"[::1]9817\"", "\"9817\" is no port; allowed: \":\" and a port of 1 to 65535"),
        ("listen = \"localhost:0\"", "\"0\" is no port; allowed: a port of 1 to 65535"),
        ("listen = \"localhost:65536\"", "\"65536\" is no port; allowed: a port of 1 to 65535"),
        ("listen = \"localhost:http\"", "\"http\" is no port; allowed: a port of 1 to 65535"),
        (
            "listen = \"239.1.1.1:80\"",
            "\"239.1.1.1\" is no address to listen on; allowed: \"ADDRESS:PORT\", "
                + "\"[IPv6]:PORT\" or \"NAME:PORT\", or \"\" to turn HTTP off"
        ),
        (
            "listen = \"127.0.0.300:80\"",
            "\"127.0.0.300\" is no address to listen on; allowed: \"ADDRESS:PORT\", "
                + "\"[IPv6]:PORT\" or \"NAME:PORT\", or \"\" to turn HTTP off"
        ),
        (
            "web_config = \"web.yml\"",
            "\"web.yml\" is no absolute path; allowed: an absolute path, or \"\" for none"
        ),
        ("state_dir = \"\"", "\"\" is no absolute path; allowed: an absolute path"),
        (
            "control_socket = \"/\(String(repeating: "x", count: 107))\"",
            "\"/\(String(repeating: "x", count: 59))\"… is longer than 107 octets; "
                + "allowed: an absolute path of at most 107 octets"
        ),
        (
            "log_level = \"verbose\"",
            "\"verbose\" is unknown; allowed: \"trace\", \"debug\", \"info\", \"notice\", "
                + "\"warning\", \"error\", \"critical\""
        ),
        ("discover = \"yes\"", "is a string, not a boolean; allowed: true or false"),
        ("discover = 1", "is an integer, not a boolean; allowed: true or false"),
        (
            "charon_log = \"syslog\"",
            "\"syslog\" is no absolute path; allowed: \"journal\" or an absolute path, or \"\" "
                + "to read none"
        ),
        ("retention = \"59m\"", "\"59m\" is too short; allowed: 1h to 3650d"),
        ("retention = \"3651d\"", "\"3651d\" is too long; allowed: 1h to 3650d"),
        (
            "retention = 30",
            "is an integer, not a string; allowed: 1h to 3650d, a number and a unit in quotes, "
                + "like \"1h\""
        ),
        (
            "retention = 2026-11-22",
            "is a date, not a string; allowed: 1h to 3650d, a number and a unit in quotes, "
                + "like \"1h\""
        ),
        ("retention_size = \"1023KiB\"", "\"1023KiB\" is too small; allowed: 1MiB to 1TiB"),
        ("retention_size = \"2TiB\"", "\"2TiB\" is too large; allowed: 1MiB to 1TiB"),
        (
            "retention_size = \"200 MB\"",
            "\"200 MB\" is no size; allowed: 1MiB to 1TiB, in B, kB, MB, GB, TB, KiB, MiB, GiB or "
                + "TiB, like \"4MiB\""
        ),
        (
            "retention_size = 200",
            "is an integer, not a string; allowed: 1MiB to 1TiB, a number and a unit in quotes, "
                + "like \"4MiB\""
        ),
        ("slo = 0", "0.0 is out of range; allowed: more than 0 and less than 100"),
        ("slo = 100.0", "100.0 is out of range; allowed: more than 0 and less than 100"),
        ("slo = nan", "nan is out of range; allowed: more than 0 and less than 100"),
        ("slo = \"98\"", "is a string, not a float; allowed: more than 0 and less than 100"),
    ])
    func `a bad setting of the agent`(line: String, message: String) throws {
        let key = try #require(line.split(separator: " ").first)
        let column = key.count + 4
        #expect(messages("[agent]\n\(line)") == ["f:2:\(column): agent.\(key): \(message)"])
    }

    // MARK: - [defaults] and [[tunnel]]

    @Test(arguments: [
        ("interval = \"5ms\"", "\"5ms\" is too short; allowed: 10ms to 1h"),
        ("interval = \"61m\"", "\"61m\" is too long; allowed: 10ms to 1h"),
        (
            "interval = \"1 s\"",
            "\"1 s\" is no duration; allowed: 10ms to 1h, in d, h, m, s and ms, like \"1m30s\""
        ),
        (
            "interval = 1.5",
            "is a float, not a string; allowed: 10ms to 1h, a number and a unit in quotes, "
                + "like \"10ms\""
        ),
        ("reply_interval = \"999ms\"", "\"999ms\" is too short; allowed: 1s to 1d"),
        ("timeout = \"0s\"", "\"0s\" is too short; allowed: 10ms to 1m"),
        ("timeout = \"61s\"", "\"61s\" is too long; allowed: 10ms to 1m"),
        ("dscp = 64", "64 is out of range; allowed: 0 to 63"),
        ("dscp = -1", "-1 is out of range; allowed: 0 to 63"),
        ("dscp = 1.0", "is a float, not an integer; allowed: 0 to 63"),
        ("dscp = 07:32:00", "is a time, not an integer; allowed: 0 to 63"),
        ("dscp = 1979-05-27T07:32:00Z", "is a date-time, not an integer; allowed: 0 to 63"),
        ("degraded_minimum = \"25h\"", "\"25h\" is too long; allowed: 0s to 1d"),
        (
            "ike_probe = \"always\"",
            "\"always\" is no duration; allowed: \"on-demand\", \"never\", or a duration of 1s to 1d"
        ),
        (
            "ike_probe = \"10ms\"",
            "\"10ms\" is too short; allowed: \"on-demand\", \"never\", or a duration of 1s to 1d"
        ),
        (
            "ike_probe = false",
            "is a boolean, not a string; allowed: \"on-demand\", \"never\", or a duration of 1s to 1d"
        ),
        ("ike_initiate = 0", "is an integer, not a boolean; allowed: true or false"),
        ("payload_bytes = 9", "9 is out of range; allowed: 10 to 9000"),
        ("payload_bytes = 9001", "9001 is out of range; allowed: 10 to 9000"),
        ("pmtu_interval = \"8d\"", "\"8d\" is too long; allowed: 1s to 7d"),
        ("reply_path_interval = \"0s\"", "\"0s\" is too short; allowed: 1s to 7d"),
        ("capture = {}", "is a table, not a boolean; allowed: true or false"),
        ("capture_buffer = \"63KiB\"", "\"63KiB\" is too small; allowed: 64KiB to 1GiB"),
        (
            "replay_windows = 32",
            "is an integer, not an array of integers; allowed: at most 32 different integers of "
                + "1 to 1048576"
        ),
    ])
    func `a bad probing setting, in both places it may stand`(line: String, message: String) throws
    {
        let key = try #require(line.split(separator: " ").first)
        let column = key.count + 4
        #expect(messages("[defaults]\n\(line)") == ["f:2:\(column): defaults.\(key): \(message)"])
        #expect(
            messages("[[tunnel]]\nname = \"a\"\nremote = \"192.0.2.1\"\n\(line)")
                == ["f:4:\(column): tunnel[1].\(key): \(message)"])
    }

    @Test(arguments: [
        ("[32, 0]", "f:2:23: defaults.replay_windows[2]: 0 is out of range"),
        ("[ 1048577 ]", "f:2:20: defaults.replay_windows[1]: 1048577 is out of range"),
        ("[32, 64, 32]", "f:2:27: defaults.replay_windows[3]: 32 is there twice"),
        ("[32, \"64\"]", "f:2:23: defaults.replay_windows[2]: is a string, not an integer"),
        (
            "[\((1...33).map(String.init).joined(separator: ","))]",
            "f:2:18: defaults.replay_windows: has 33 windows"
        ),
    ])
    func `a bad replay window is pointed at`(value: String, message: String) {
        #expect(
            messages("[defaults]\nreplay_windows = \(value)")
                == ["\(message); allowed: at most 32 different integers of 1 to 1048576"])
    }

    @Test(arguments: [
        (
            "role = \"router\"", 8,
            "role: \"router\" is unknown; allowed: \"endpoint\", \"observer\""
        ),
        (
            "local = \"2001:db8::1\"", 9,
            "local: \"2001:db8::1\" is IPv6, but remote \"198.51.100.1\" is IPv4; "
                + "allowed: an IPv4 address, or no \"local\" at all"
        ),
        (
            "local = \"198.51.100.1\"", 9,
            "local: \"198.51.100.1\" is the remote address too; "
                + "allowed: this side's outer address, or no \"local\" at all"
        ),
        (
            "local = \"10.0.0.0/8\"", 9,
            "local: \"10.0.0.0/8\" is no IP address; "
                + "allowed: an IPv4 or IPv6 address of one host, or \"\" for the default"
        ),
        (
            "local = \"0.0.0.0\"", 9,
            "local: \"0.0.0.0\" is the unspecified address; "
                + "allowed: an IPv4 or IPv6 address of one host, or \"\" for the default"
        ),
        (
            "inside_target = \"ff02::1\"", 17,
            "inside_target: \"ff02::1\" is a multicast or broadcast address; "
                + "allowed: an IPv4 or IPv6 address of one host, or \"\" for the default"
        ),
        (
            "wan_interface = \"a/b\"", 17,
            "wan_interface: \"a/b\" cannot be a device; allowed: a device name of 1 to 15 octets "
                + "without space, \"/\" and \":\", or \"\" for the default"
        ),
        (
            "tunnel_interface = \"sixteencharacter\"", 20,
            "tunnel_interface: \"sixteencharacter\" is longer than 15 octets; allowed: a device "
                + "name of 1 to 15 octets without space, \"/\" and \":\", or \"\" for the default"
        ),
        (
            "inside_source = \"10.0.0.1\"\ninside_target = \"fd00::1\"", 17,
            "inside_target: \"fd00::1\" is IPv6, but inside_source \"10.0.0.1\" is IPv4; "
                + "allowed: one address family for all inside addresses"
        ),
        (
            "inside_target = \"fd00::1\"\ninside_beyond = \"10.0.0.1\"", 17,
            "inside_beyond: \"10.0.0.1\" is IPv4, but inside_target \"fd00::1\" is IPv6; "
                + "allowed: one address family for all inside addresses"
        ),
        (
            "inside_source = \"10.0.0.1\"\ninside_target = \"10.0.0.1\"", 17,
            "inside_target: \"10.0.0.1\" is inside_source too; allowed: an address of the far side"
        ),
        (
            "reflector = \"192.0.2.7\"", 13,
            "reflector: \"reflector\" needs a key; "
                + "allowed: reflector_key_file with an absolute path"
        ),
        (
            "reflector_key_file = \"/k\"\nreflector = \"224.0.0.1:80\"", 13,
            "reflector: \"224.0.0.1\" is a multicast or broadcast address; "
                + "allowed: \"HOST\", \"HOST:PORT\" or \"[IPv6]:PORT\", or \"\" for none"
        ),
        (
            "fwmark = 4294967296", 10,
            "fwmark: 4294967296 is out of range; allowed: 0 to 4294967295"
        ),
        (
            "netns = \"../blue\"", 9,
            "netns: \"../blue\" is no plain file name; "
                + "allowed: a name as `ip netns list` prints it, without \"/\", or \"\" for none"
        ),
        (
            "vici_socket = \"charon.vici\"", 15,
            "vici_socket: \"charon.vici\" is no absolute path; allowed: an absolute path of at "
                + "most 107 octets, or \"\" to leave strongSwan alone"
        ),
        (
            "expect = true", 10,
            "expect: is a boolean, not a table; allowed: a table like [tunnel.expect], or dotted "
                + "keys like expect.health_check_style"
        ),
        (
            "expect.health_check_style = \"ping\"", 29,
            "expect.health_check_style: \"ping\" is unknown; "
                + "allowed: \"request\", \"reply\", \"auto\""
        ),
        (
            "[tunnel.expect]\nhealth_check_direction = \"both\"", 26,
            "expect.health_check_direction: \"both\" is unknown; "
                + "allowed: \"bidirectional\", \"unidirectional\", \"auto\""
        ),
        (
            "expect.health_check_target = \"default\"", 30,
            "expect.health_check_target: \"default\" is no IP address; "
                + "allowed: an IPv4 or IPv6 address of one host, or \"\" for the default"
        ),
        (
            "expect.health_check_stile = \"auto\"", 8,
            "expect.health_check_stile: unknown key; did you mean \"health_check_style\"?"
        ),
    ])
    func `a bad setting of a tunnel`(lines: String, column: Int, message: String) {
        let head = "[[tunnel]]\nname = \"a\"\nremote = \"198.51.100.1\"\n"
        // The mistake is in the last line.
        let line = 3 + lines.split(separator: "\n").count
        #expect(messages(head + lines) == ["f:\(line):\(column): tunnel[1].\(message)"])
    }

    @Test(arguments: [
        ("", "\"\" is empty"),
        ("a b", "\"a b\" holds \" \", not safe in labels, file and unit names"),
        ("a/b", "\"a/b\" holds \"/\", not safe in labels, file and unit names"),
        ("tünnel", "\"tünnel\" holds \"ü\", not safe in labels, file and unit names"),
        ("-x", "\"-x\" starts with \"-\""),
        (".x", "\".x\" starts with \".\""),
        (
            String(repeating: "x", count: 65),
            "\"\(String(repeating: "x", count: 60))\"… is longer than 64 characters"
        ),
    ])
    func `a name that cannot be a label`(name: String, problem: String) {
        #expect(
            messages("[[tunnel]]\nname = \"\(name)\"\nremote = \"192.0.2.1\"") == [
                "f:2:8: tunnel[1].name: \(problem); "
                    + "allowed: 1 to 64 of A-Z a-z 0-9 _ . : - and first no . : -"
            ])
    }

    @Test(arguments: [
        ("", "\"\" is neither an address nor a name"),
        ("198.51.100.256", "\"198.51.100.256\" is neither an address nor a name"),
        ("198.51.100", "\"198.51.100\" is neither an address nor a name"),
        ("2001:db8:::1", "\"2001:db8:::1\" is neither an address nor a name"),
        ("fe80::1%eth0", "\"fe80::1%eth0\" is neither an address nor a name"),
        ("gw..example.net", "\"gw..example.net\" is neither an address nor a name"),
        ("-gw.example.net", "\"-gw.example.net\" is neither an address nor a name"),
        ("https://gw", "\"https://gw\" is neither an address nor a name"),
        ("0.0.0.0", "\"0.0.0.0\" is the unspecified address"),
        ("::", "\"::\" is the unspecified address"),
        ("255.255.255.255", "\"255.255.255.255\" is a multicast or broadcast address"),
    ])
    func `a far end that cannot be one`(remote: String, problem: String) {
        #expect(
            messages("[[tunnel]]\nname = \"a\"\nremote = \"\(remote)\"") == [
                "f:3:10: tunnel[1].remote: \(problem); "
                    + "allowed: an IPv4 address, an IPv6 address or a DNS name"
            ])
    }

    @Test(arguments: [
        "gw.example.net", "gw.example.net.", "localhost", "xn--mller-kva.de", "a_b.net",
    ])
    func `a DNS name is a far end`(remote: String) throws {
        let text = "[[tunnel]]\nname = \"a\"\nremote = \"\(remote)\""
        #expect(
            try AgentConfiguration.parse(text, file: "f").tunnels.first?.remote == .name(remote))
    }

    @Test func `a tunnel needs a name and a far end`() {
        #expect(
            messages("# first\n\n  [[tunnel]]\n") == [
                "f:3:3: tunnel[1].name: missing; "
                    + "allowed: 1 to 64 of A-Z a-z 0-9 _ . : - and first no . : -",
                "f:3:3: tunnel[1].remote: missing; "
                    + "allowed: an IPv4 address, an IPv6 address or a DNS name",
            ])
    }

    @Test func `two tunnels have two names`() {
        let tunnel = "[[tunnel]]\nname = \"a\"\nremote = \"192.0.2.1\"\n"
        #expect(
            messages(tunnel + tunnel) == [
                "f:5:8: tunnel[2].name: \"a\" is the name of tunnel[1], line 2; "
                    + "allowed: a name of its own for each tunnel"
            ])
    }

    @Test func `the far end may be this host itself`() {
        let text = "[[tunnel]]\nname = \"a\"\nremote = \"127.0.0.1\"\nlocal = \"127.0.0.1\""
        #expect(messages(text) == [])
    }

    @Test func `a bad key file does not hide behind a reflector, nor is it told twice`() {
        let text = """
            [[tunnel]]
            name = "a"
            remote = "192.0.2.1"
            reflector = "192.0.2.7"
            reflector_key_file = "key"
            """
        #expect(
            messages(text) == [
                "f:5:22: tunnel[1].reflector_key_file: \"key\" is no absolute path; "
                    + "allowed: an absolute path, or \"\" for none"
            ])
    }

    @Test func `all mistakes of a file are told at once, in the order of its lines`() {
        let text = """
            [[tunnel]]
            interval = "1ms"     # 2
            name = "a b"         # 3
            remote = 5           # 4
            speed = "fast"       # 5

            [agent]
            listen = "nowhere"   # 8
            sloo = 98.0          # 9

            [[tunnel]]           # 11, no name
            remote = "192.0.2.1"
            dscp = 99            # 13
            expect.x = 1         # 14

            [defaults]
            timeout = "never"    # 17
            """
        let places = messages(text).map {
            $0.split(separator: ":").prefix(3).joined(separator: ":")
        }
        #expect(
            places == [
                "f:2:12", "f:3:8", "f:4:10", "f:5:1", "f:8:10", "f:9:1", "f:11:1", "f:13:8",
                "f:14:8", "f:17:11",
            ])
    }
}

@Suite struct EditDistanceTests {
    @Test(arguments: [
        ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("abc", "abd", 1),
        ("abc", "acb", 1), ("abc", "bc", 1), ("interval", "intrval", 1), ("kitten", "sitting", 3),
        ("ca", "abc", 3),
    ])
    func `counts the slips between two words`(left: String, right: String, distance: Int) {
        #expect(editDistance(Array(left.utf8), Array(right.utf8)) == distance)
    }
}
