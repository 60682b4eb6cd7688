internal import Glibc

extension SmallFile {
    /// Whether something is at `path`, readable or not.
    public static func exists(_ path: String) -> Bool {
        // A path that may not be searched exists for all this process can tell: reading it says why.
        unsafe access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)
    }
}
