import CLinux
import CPcap
import CaptureFormats
import Glibc
import NetworkPrimitives

extension LiveCapture {
    /// Changes the filter; packets that wait already are judged by the new one.
    ///
    /// - Throws: `CaptureError` when no form of it can be used; the old one stays.
    public mutating func setFilter(_ filter: CaptureFilter) throws(CaptureError) {
        let (device, namespace) = (device, namespace)
        func install() throws(CaptureError) -> InstalledFilter {
            try unsafe InstalledFilter(
                filter, on: handle, isEthernet: linkType.rawValue == UInt32(DLT_EN10MB)
            ) { operation, text in
                CaptureError(
                    .filterRefused, device: device, namespace: namespace, operation: operation,
                    text: text)
            }
        }
        let installed = try install()
        expression = installed.expression
        precision = installed.precision
    }

    /// The form of a filter that the kernel took.
    struct InstalledFilter: Sendable {
        let expression: String
        let precision: CaptureFilter.Precision

        /// Tries the forms of a filter from the most precise on.
        ///
        /// One that the kernel does not take is none: libpcap would then filter in this process, and
        /// every packet of the device would go through the ring.
        init(
            _ filter: CaptureFilter, on handle: OpaquePointer, isEthernet: Bool,
            refusal: (_ operation: String, _ text: String) -> CaptureError
        ) throws(CaptureError) {
            var failure = refusal("pcap_compile", "")
            for precision in CaptureFilter.Precision.allCases
            where filter.leastInstructionCount(precision) <= Self.maximumInstructionCount {
                let expression = filter.expression(precision, isEthernet: isEthernet)
                var program = unsafe bpf_program()
                guard
                    unsafe pcap_compile(handle, &program, expression, 1, PCAP_NETMASK_UNKNOWN)
                        == 0
                else {
                    failure = refusal("pcap_compile", unsafe LiveCapture.text(of: handle))
                    continue
                }
                defer { unsafe pcap_freecode(&program) }
                if let reason = unsafe Self.objection(to: &program) {
                    failure = refusal("setsockopt(SO_ATTACH_FILTER)", reason)
                    continue
                }
                guard unsafe pcap_setfilter(handle, &program) == 0 else {
                    failure = refusal("pcap_setfilter", unsafe LiveCapture.text(of: handle))
                    continue
                }
                guard unsafe pcap_setdirection(handle, Self.direction(of: filter)) == 0 else {
                    failure = refusal("pcap_setdirection", unsafe LiveCapture.text(of: handle))
                    continue
                }
                self.expression = expression
                self.precision = precision
                return
            }
            throw failure
        }

        private static func direction(of filter: CaptureFilter) -> pcap_direction_t {
            switch filter.direction {
            case .inbound: PCAP_D_IN
            case .outbound: PCAP_D_OUT
            case nil: PCAP_D_INOUT
            }
        }

        /// The most instructions of a program: BPF_MAXINSNS of linux/bpf_common.h.
        static let maximumInstructionCount = 4096

        /// Why the kernel does not take a program; nil when it does.
        ///
        /// Tried on a socket that nothing uses: besides the number of instructions, the memory for
        /// what the kernel translates them to is limited, by net.core.optmem_max.
        private static func objection(to program: inout bpf_program) -> String? {
            let count = unsafe Int(program.bf_len)
            guard count <= maximumInstructionCount else { return "\(count) instructions" }
            let socket = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            // Without a socket to try it on, libpcap itself tries.
            guard socket >= 0 else { return nil }
            defer { close(socket) }
            guard unsafe cpcap_attach_filter(socket, &program) != 0 else { return nil }
            let code = errno
            guard let text = unsafe strerror(code) else { return "errno \(code)" }
            return unsafe "\(count) instructions: \(String(cString: text))"
        }
    }
}
