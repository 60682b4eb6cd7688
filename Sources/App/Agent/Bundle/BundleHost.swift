import HostFacts
import NetworkPrimitives

/// Facts about this host that do not belong to a network namespace.
enum BundleHost {
    private static let limit = 1 << 20

    /// Kernel, distribution, uptime, clock, modules that bear on ESP.
    static func facts(at time: WallTime) -> JSONValue {
        var object = JSONObject()
        func text(_ key: String, _ value: String?, _ reason: String) {
            object.put(key, value.map { JSONValue.string($0) }, orBecause: reason)
        }
        text("hostname", Host.name, "gethostname failed")
        object.put("time", time.description)
        text("kernel", Host.system, "uname failed")
        text("machine", Host.machine, "uname failed")
        text("kernel_version", lines("/proc/version").first, "/proc/version cannot be read")
        object.put("distribution", JSONValue.object(distribution))
        let uptime = lines("/proc/uptime").first?.split(separator: " ").first
        object.put(
            "uptime_seconds", uptime.flatMap { Double($0) }.map { JSONValue.number($0) },
            orBecause: "/proc/uptime cannot be read")
        text("load", lines("/proc/loadavg").first, "/proc/loadavg cannot be read")
        let clock = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
        text("clock_source", lines(clock).first, "the kernel does not say")
        object.put("modules", JSONValue.array(modules.map { .string($0) }))
        return object.value
    }

    /// What os-release(5) says, these keys alone.
    private static var distribution: [(key: String, value: JSONValue)] {
        let wanted = ["PRETTY_NAME", "ID", "VERSION_ID", "VERSION_CODENAME"]
        return lines("/etc/os-release").compactMap { line in
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, wanted.contains(parts[0]) else { return nil }
            return (key: parts[0].lowercased(), value: .string(parts[1].filter { $0 != "\"" }))
        }
    }

    /// Loaded modules of IPsec and tunnels, those that offload ESP among them.
    private static var modules: [String] {
        let parts = ["esp", "xfrm", "vti", "gre", "ah4", "ah6", "ipcomp", "tunnel", "nf_conntrack"]
        return lines("/proc/modules").compactMap { line in
            line.split(separator: " ").first.map(String.init)
        }.filter { name in parts.contains { name.contains($0) } }.sorted()
    }

    private static func lines(_ path: String) -> [String] {
        do throws(FileError) {
            let octets = try SmallFile.read(path, limit: limit)
            return String(decoding: octets, as: UTF8.self).split(separator: "\n").map(String.init)
        } catch {
            return []
        }
    }
}
