import CZlib
public import CaptureFormats

/// Decompresses gzip (RFC 1952) from memory to memory, as much at a time as there is.
///
/// Members that follow each other are one stream, and zeros after the last are ignored, as gzip(1)
/// does. What comes out before damage is good.
@safe public struct GzipInflater: ~Copyable {
    /// Where a stream stands after a step.
    public enum Status: Hashable, Sendable {
        /// Give it more input, or more room.
        case unfinished
        /// All input is read, and the last member was whole.
        case finished
        /// It cannot be decompressed from here on.
        case damaged(CaptureDamage.Kind)
    }

    /// How far a step came.
    public struct Outcome: Hashable, Sendable {
        /// Octets of the input that were read.
        public var consumed: Int
        /// Octets that were written.
        public var produced: Int
        /// Where the stream stands.
        public var status: Status
    }

    // zlib keeps a pointer to the structure, so it must stay where it is.
    private let stream: UnsafeMutablePointer<z_stream>
    private var isInMember = false
    private var hasEndedMember = false

    /// A decompressor at the start of a stream.
    public init() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // 15 is the largest window, 16 asks for gzip; checksum and length are then checked by zlib.
        let status = unsafe inflateInit2_(
            stream, 15 + 16, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib has another version than its header, or no memory")
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deinitialize(count: 1)
        unsafe stream.deallocate()
    }

    /// Decompresses what it can.
    ///
    /// - Parameters:
    ///   - input: compressed octets that were not consumed before.
    ///   - isFinal: whether no more follow.
    ///   - output: where to write.
    /// - Returns: how far it came.
    public mutating func inflate(
        _ input: UnsafeRawBufferPointer, isFinal: Bool, into output: UnsafeMutableRawBufferPointer
    ) -> Outcome {
        var outcome = Outcome(consumed: 0, produced: 0, status: .unfinished)
        while outcome.status == .unfinished, outcome.produced < output.count {
            if !isInMember {
                guard unsafe beginMember(input, isFinal: isFinal, &outcome) else { break }
            }
            let left = unsafe UnsafeRawBufferPointer(rebasing: input[outcome.consumed...])
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: output[outcome.produced...])
            guard unsafe step(left, isFinal: isFinal, room, &outcome) else { break }
        }
        return outcome
    }

    /// Looks for a member's magic number; false when there is none, or not yet.
    private mutating func beginMember(
        _ input: UnsafeRawBufferPointer, isFinal: Bool, _ outcome: inout Outcome
    ) -> Bool {
        if hasEndedMember {
            while outcome.consumed < input.count, unsafe input[outcome.consumed] == 0 {
                outcome.consumed += 1
            }
        }
        let left = input.count - outcome.consumed
        guard left >= 2 || isFinal else { return false }
        if left == 0 {
            outcome.status = hasEndedMember ? .finished : .damaged(.gzipCut)
            return false
        }
        let isMagic = unsafe Self.isMagic(
            UnsafeRawBufferPointer(rebasing: input[outcome.consumed...]))
        guard isMagic else {
            outcome.status = .damaged(hasEndedMember ? .gzipTrailingOctets : .gzipCorrupt)
            return false
        }
        isInMember = true
        return true
    }

    /// Whether octets begin with gzip's magic number.
    static func isMagic(_ octets: UnsafeRawBufferPointer) -> Bool {
        unsafe octets.count >= 2 && octets[0] == 0x1f && octets[1] == 0x8b
    }

    /// Runs zlib once; false when it needs more input.
    private mutating func step(
        _ input: UnsafeRawBufferPointer, isFinal: Bool, _ output: UnsafeMutableRawBufferPointer,
        _ outcome: inout Outcome
    ) -> Bool {
        // zlib does not write to its input; the header has no const there.
        unsafe stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        unsafe stream.pointee.avail_in = uInt(clamping: input.count)
        unsafe stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_out = uInt(clamping: output.count)
        let given = unsafe (stream.pointee.avail_in, stream.pointee.avail_out)
        let status = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
        let consumed = Int(unsafe given.0 - stream.pointee.avail_in)
        let produced = Int(unsafe given.1 - stream.pointee.avail_out)
        outcome.consumed += consumed
        outcome.produced += produced
        switch status {
        case Z_STREAM_END:
            isInMember = false
            hasEndedMember = true
            unsafe inflateReset(stream)
            return true
        case Z_OK, Z_BUF_ERROR:
            // "Z_BUF_ERROR if no progress was possible": the output has room, so input is missing.
            if consumed > 0 || produced > 0 { return true }
            if isFinal { outcome.status = .damaged(.gzipCut) }
            return false
        default:
            outcome.status = .damaged(isChecksumError ? .gzipChecksum : .gzipCorrupt)
            return false
        }
    }

    /// Whether zlib's last error is about the eight octets after a member: "incorrect data check"
    /// or "incorrect length check".
    ///
    /// zlib gives the same number for every kind of wrong data; the text tells them apart.
    private var isChecksumError: Bool {
        guard let message = unsafe stream.pointee.msg else { return false }
        let text = unsafe String(cString: message)
        return text == "incorrect data check" || text == "incorrect length check"
    }
}
