internal import CLinux
internal import Glibc

/// Core dumps of this process, which would put keys and packets on a disk.
public enum CoreDumps {
    /// A step that the kernel refused.
    public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        /// The step, like `setrlimit RLIMIT_CORE`.
        public let operation: String
        /// Its errno(3) value.
        public let code: Int32

        /// The step and the words of its errno.
        public var description: String { "\(operation): \(errorText(code))" }
    }

    /// Makes sure that a crash of this process leaves no core dump.
    ///
    /// The limit alone does not do it: core(5) says it is not enforced where core_pattern is a pipe,
    /// as with systemd-coredump. PR_SET_DUMPABLE 0 also keeps other processes of the same user from
    /// attaching with ptrace(2).
    ///
    /// - Throws: the first step that was refused; the other one has been tried all the same.
    public static func disable() throws(Refusal) {
        var refusal: Refusal?
        let none = rlimit(rlim_cur: 0, rlim_max: 0)
        if unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), [none]) != 0 {
            refusal = Refusal(operation: "setrlimit RLIMIT_CORE", code: errno)
        }
        if clinux_set_dumpable(0) != 0 {
            refusal = refusal ?? Refusal(operation: "prctl PR_SET_DUMPABLE", code: errno)
        }
        if let refusal { throw refusal }
    }
}
