import CLinux
import Glibc
public import NetworkPrimitives

/// Asks the system's resolver (nsswitch, /etc/hosts, DNS) for a name's addresses.
public enum HostLookup {
    /// The addresses of a name.
    public struct Failure: Error, Equatable, CustomStringConvertible, Sendable {
        /// What getaddrinfo(3) said.
        public let description: String
    }

    /// Looks a name up; blocks until the resolver answers, which may take half a minute.
    ///
    /// - Returns: the addresses in the resolver's order (RFC 6724), without duplicates.
    /// - Throws: `Failure` with the resolver's words.
    public static func addresses(of name: String) throws(Failure) -> [IPAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_RAW.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(name, nil, &hints, &list)
        guard status == 0 else {
            throw Failure(description: unsafe String(cString: gai_strerror(status)))
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let address = unsafe address(of: entry.pointee.ai_addr), !addresses.contains(address)
            {
                addresses.append(address)
            }
            unsafe next = entry.pointee.ai_next
        }
        guard !addresses.isEmpty else { throw Failure(description: "it has no IP address") }
        return addresses
    }

    private static func address(of socketAddress: UnsafeMutablePointer<sockaddr>?) -> IPAddress? {
        guard let socketAddress = unsafe socketAddress else { return nil }
        switch unsafe CInt(socketAddress.pointee.sa_family) {
        case AF_INET:
            return unsafe socketAddress.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                .v4(UInt32(bigEndian: unsafe $0.pointee.sin_addr.s_addr))
            }
        case AF_INET6:
            return unsafe socketAddress.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                unsafe withUnsafeBytes(of: $0.pointee.sin6_addr) { unsafe IPAddress(octets: $0) }
            }
        default: return nil
        }
    }
}
