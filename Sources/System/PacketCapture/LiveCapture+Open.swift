import CLinux
import CPcap
import CaptureFormats
import Glibc
import RawSockets

extension LiveCapture {
    /// What opening a device gives; plain numbers, since it may happen on another thread.
    @safe struct Opened: @unchecked Sendable {
        let handle: OpaquePointer
        let identity: DeviceIdentity
        let linkType: LinkType
        let descriptor: CInt
        let installed: InstalledFilter

        init(
            _ device: String, _ namespace: String?, _ settings: Settings, _ filter: CaptureFilter
        ) throws(CaptureError) {
            func error(
                _ code: CaptureError.Code, _ operation: String, _ text: String
            ) -> CaptureError {
                CaptureError(
                    code, device: device, namespace: namespace, operation: operation, text: text)
            }
            var text = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
            guard let handle = unsafe pcap_create(device, &text) else {
                throw error(.failed, "pcap_create", Self.string(text))
            }
            var isDone = false
            defer { if !isDone { unsafe pcap_close(handle) } }
            // These fail for an active handle only.
            unsafe pcap_set_snaplen(handle, CInt(clamping: settings.snapshotLength))
            unsafe pcap_set_promisc(handle, settings.isPromiscuous ? 1 : 0)
            unsafe pcap_set_timeout(handle, CInt(clamping: settings.handOver.milliseconds))
            unsafe pcap_set_buffer_size(handle, CInt(clamping: settings.bufferSize))
            unsafe pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO)
            let result = unsafe pcap_activate(handle)
            // What is greater than 0 is a warning, like that of a device without promiscuous mode.
            guard result >= 0 else {
                let code: CaptureError.Code =
                    switch result {
                    case PCAP_ERROR_NO_SUCH_DEVICE: .noSuchDevice
                    case PCAP_ERROR_PERM_DENIED, PCAP_ERROR_PROMISC_PERM_DENIED:
                        .notPermitted(capability: "CAP_NET_RAW")
                    case PCAP_ERROR_IFACE_NOT_UP: .deviceDown
                    default: .failed
                    }
                throw error(
                    code, "pcap_activate",
                    result == PCAP_ERROR
                        ? unsafe LiveCapture.text(of: handle)
                        : unsafe String(cString: pcap_statustostr(result)))
            }
            guard unsafe pcap_setnonblock(handle, 1, &text) == 0 else {
                throw error(.failed, "pcap_setnonblock", Self.string(text))
            }
            guard let identity = DeviceIdentity(of: device) else {
                throw error(.noSuchDevice, "ioctl(SIOCGIFINDEX)", "")
            }
            defer { if !isDone { close(identity.socket) } }
            let dataLink = unsafe pcap_datalink(handle)
            installed = try unsafe InstalledFilter(
                filter, on: handle, isEthernet: dataLink == DLT_EN10MB,
                refusal: { error(.filterRefused, $0, $1) })
            linkType = LinkType(dataLink: dataLink)
            unsafe self.handle = handle
            self.identity = identity
            descriptor = unsafe pcap_get_selectable_fd(handle)
            isDone = true
        }

        private static func string(_ text: [CChar]) -> String {
            String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }

    /// The result of `body` on a thread inside a namespace.
    static func inside<Value: Sendable>(
        _ namespace: String, _ device: String,
        _ body: @Sendable () throws(CaptureError) -> Value
    ) throws(CaptureError) -> Value {
        let outcome: Result<Value, CaptureError>
        do throws(SocketError) {
            outcome = try NetworkNamespace.run(namespace, body)
        } catch {
            let code: CaptureError.Code =
                switch error.code {
                case .noSuchNamespace: .noSuchNamespace
                case .notPermitted(let capability): .notPermitted(capability: capability)
                default: .failed
                }
            throw CaptureError(
                code, device: device, namespace: namespace, operation: error.operation,
                text: error.description)
        }
        return try outcome.get()
    }
}

extension LinkType {
    /// The link type of a live handle: DLT_ and LINKTYPE_ numbers are the same on Linux but for raw IP
    /// (pcap-linktype(7)).
    init(dataLink: CInt) {
        self.init(rawValue: dataLink == DLT_RAW ? 101 : UInt32(bitPattern: dataLink))
    }
}

extension Duration {
    fileprivate var milliseconds: Int {
        Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
