import CLinux
import Glibc

/// How a captured device is.
public enum DeviceCondition: Hashable, Sendable {
    /// It is up.
    case up
    /// It is there, and not up.
    case down
    /// It is gone, or another device has its name.
    case gone
    /// It has another name now.
    case renamed(String)

    /// What a capture on such a device fails with; nil while it can go on.
    var failure: CaptureError.Code? {
        switch self {
        case .up: nil
        case .down: .deviceDown
        case .gone, .renamed: .deviceGone
        }
    }
}

/// Which device a capture is of, for as long as it is captured on: a name may pass to another device.
struct DeviceIdentity: Sendable {
    /// A socket to ask by (netdevice(7)), which whoever holds the value closes.
    ///
    /// It answers for its own network namespace, whatever thread asks.
    let socket: CInt
    /// The device's index.
    let index: CInt

    /// Looks the device up in the calling thread's network namespace; nil when it is not there.
    init?(of device: String) {
        let socket = Glibc.socket(
            AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return nil }
        guard let index = Self.index(of: device, socket) else {
            close(socket)
            return nil
        }
        self.socket = socket
        self.index = index
    }

    func condition(of device: String) -> DeviceCondition {
        guard let current = Self.index(of: device, socket), current == index else {
            return name.map { .renamed($0) } ?? .gone
        }
        var request = unsafe Self.request(device)
        guard unsafe clinux_ioctl(socket, UInt(SIOCGIFFLAGS), &request) == 0 else { return .gone }
        return unsafe Int32(request.ifr_ifru.ifru_flags) & Int32(IFF_UP) == 0
            ? .down : .up
    }

    /// The name that the device has now; nil when it is gone.
    private var name: String? {
        var request = unsafe ifreq()
        unsafe request.ifr_ifru.ifru_ivalue = index
        guard unsafe clinux_ioctl(socket, UInt(SIOCGIFNAME), &request) == 0 else { return nil }
        return unsafe withUnsafeBytes(of: request.ifr_ifrn.ifrn_name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    private static func index(of device: String, _ socket: CInt) -> CInt? {
        // What does not fit is no device's name, and cut it might be.
        guard device.utf8.count < Int(IF_NAMESIZE) else { return nil }
        var request = unsafe Self.request(device)
        guard unsafe clinux_ioctl(socket, UInt(SIOCGIFINDEX), &request) == 0 else { return nil }
        return unsafe request.ifr_ifru.ifru_ivalue
    }

    /// A request about a device.
    private static func request(_ device: String) -> ifreq {
        var request = unsafe ifreq()
        unsafe withUnsafeMutableBytes(of: &request.ifr_ifrn.ifrn_name) { bytes in
            unsafe bytes.copyBytes(from: device.utf8.prefix(bytes.count - 1))
        }
        return unsafe request
    }
}
