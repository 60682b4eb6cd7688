extension SmallFile {
    /// Writes a whole file, or none: a file of that name is replaced when the new one is whole.
    ///
    /// - Parameters:
    ///   - octets: what is in it.
    ///   - path: the file, absolute or from the working directory.
    ///   - mode: who may use it, whatever the process' mask is.
    /// - Throws: `FileError`, with the operation that failed and its errno.
    public static func write(_ octets: [UInt8], to path: String, mode: UInt32) throws(FileError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let folder = parts.dropLast().joined(separator: "/")
        let above = folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder
        try StateFolder(above).write(octets, to: String(parts.last ?? ""), mode: mode)
    }
}
