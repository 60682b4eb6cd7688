import CLinux
import Glibc

/// The one owner of an open descriptor; closes it when it goes away.
struct Descriptor: ~Copyable {
    /// The descriptor's number, for system calls.
    let number: CInt

    /// Takes over `number`, which nobody else may close.
    init(owning number: CInt) {
        self.number = number
    }

    deinit {
        // close(2): "Retrying the close() after a failure return is the wrong thing to do", EINTR
        // included.
        _ = close(number)
    }
}

/// The result of a system call, or `errno` where it returned -1; repeats it on EINTR.
func systemCall(_ call: () -> CInt) -> Result<CInt, Errno> {
    while true {
        let result = call()
        if result != -1 { return .success(result) }
        let code = Errno(errno)
        if code.number != EINTR { return .failure(code) }
    }
}

/// Sets a socket option to the value of a C type.
func setOption<Value: BitwiseCopyable>(
    _ descriptor: CInt, level: CInt, name: CInt, to value: Value
) -> Errno? {
    let result = unsafe withUnsafeBytes(of: value) { bytes in
        unsafe setsockopt(
            descriptor, level, name, bytes.baseAddress, socklen_t(bytes.count))
    }
    return result == 0 ? nil : Errno(errno)
}

/// A number of errno(3).
struct Errno: Error, Hashable {
    let number: CInt

    init(_ number: CInt) {
        self.number = number
    }

    /// Like `EPERM (Operation not permitted)`; a number that the C library does not know is given
    /// as it is.
    var description: String {
        guard let name = unsafe clinux_errno_name(number),
            let text = unsafe clinux_errno_text(number)
        else { return "errno \(number)" }
        return unsafe "\(String(cString: name)) (\(String(cString: text)))"
    }
}
