import Configuration
import HostFacts
import NetworkPrimitives
import Reflecting
import SupportBundle

/// The secrets that a configuration leads to, for the last look at what is handed on.
enum BundleSecrets {
    /// A search for all of them.
    ///
    /// What this process may not read is not looked for, and was not collected by it either.
    static func scan(of configuration: AgentConfiguration) -> SecretScan {
        var scan = SecretScan()
        for path in Set(configuration.tunnels.compactMap { $0.reflector?.keyFile }).sorted() {
            do throws(SecretFile.Failure) {
                scan = try SecretFile.read(path, byteCounts: ReflectionKeys.secretByteCounts) {
                    var next = scan
                    next.add($0, "the key of \(path)")
                    return next
                }
            } catch {
                continue
            }
        }
        if let path = configuration.webConfig { add(webConfiguration: path, to: &scan) }
        return scan
    }

    /// Every password's hash of a web configuration.
    private static func add(webConfiguration path: String, to scan: inout SecretScan) {
        let octets: [UInt8]
        do throws(FileError) {
            octets = try SmallFile.read(path, limit: 1 << 20)
        } catch {
            return
        }
        for line in octets.split(separator: UInt8(ascii: "\n")) {
            // Paths of certificates stand there too, and may be told.
            guard let start = line.firstIndex(of: UInt8(ascii: "$")) else { continue }
            let hash = line[start...].prefix { $0 > 0x20 && $0 != 0x22 && $0 != 0x27 }
            Array(hash).withRawSpan { scan.add($0, "a password's hash of \(path)") }
        }
    }
}
