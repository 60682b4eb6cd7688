/// The version of this program, as the changelog and the Debian package have it.
public enum Version {
    /// The current version, `MAJOR.MINOR.PATCH`.
    public static let current = "0.1.0"
}
