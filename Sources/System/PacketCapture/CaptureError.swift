import CPcap

/// Why a device is not captured on, with what would make it possible.
public struct CaptureError: Error, Hashable, Sendable {
    /// What to do about the error.
    public enum Code: Hashable, Sendable {
        /// The process lacks the named capability, like `CAP_NET_RAW`.
        case notPermitted(capability: String)
        /// No device has that name in the network namespace.
        case noSuchDevice
        /// `/run/netns` has no network namespace of that name.
        case noSuchNamespace
        /// The device is there and not up.
        case deviceDown
        /// The device that was captured on is no longer there, or has another name now.
        case deviceGone
        /// libpcap does not understand the filter, or no form of it fits into the kernel.
        case filterRefused
        /// Anything else; `text` says what.
        case failed
    }

    /// What to do about the error.
    public let code: Code
    /// The device, as it was asked for.
    public let device: String
    /// The named network namespace; nil for the process' own.
    public let namespace: String?
    /// The call that failed, like `pcap_activate`.
    public let operation: String
    /// What libpcap or the kernel said; may be empty.
    public let text: String

    /// Makes an error.
    public init(
        _ code: Code, device: String, namespace: String?, operation: String, text: String = ""
    ) {
        self.code = code
        self.device = device
        self.namespace = namespace
        self.operation = operation
        self.text = text
    }

    /// Whether waiting may mend it: a device that is missing or down comes back.
    public var isPassing: Bool {
        switch code {
        case .noSuchDevice, .noSuchNamespace, .deviceDown, .deviceGone: true
        case .notPermitted, .filterRefused, .failed: false
        }
    }
}

extension CaptureError: CustomStringConvertible {
    /// One line: what cannot be done, why, and what would be right.
    public var description: String {
        let place = namespace.map { "\(device) in namespace \($0)" } ?? device
        return switch code {
        case .notPermitted("CAP_SYS_ADMIN"):
            "cannot capture on \(place): entering a network namespace needs CAP_SYS_ADMIN"
        case .notPermitted(let capability):
            "cannot capture on \(place): this needs \(capability)"
        case .noSuchDevice: "cannot capture on \(place): there is no such device"
        case .noSuchNamespace: "cannot capture on \(place): there is no such namespace"
        case .deviceDown: "cannot capture on \(place): the device is down"
        case .deviceGone: "cannot capture on \(place): the device is gone"
        case .filterRefused, .failed:
            "cannot capture on \(place): \(operation)\(text.isEmpty ? "" : ": \(text)")"
        }
    }
}
