import HostFacts
import Reflecting

/// The file with the secret that an agent and its reflector share.
enum ReflectorKeyFile {
    /// The keys that the file's secret gives.
    ///
    /// - Throws: `SecretFile.Failure`, with what is wrong with the file.
    static func keys(at path: String) throws(SecretFile.Failure) -> ReflectionKeys {
        let keys = try SecretFile.read(path, byteCounts: ReflectionKeys.secretByteCounts) {
            ReflectionKeys(secret: $0)
        }
        guard let keys else { preconditionFailure("a secret of the right length gave no keys") }
        return keys
    }
}
