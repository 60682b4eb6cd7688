// The one place in Core where memory is read without the compiler's own bounds check. Every
// accessor checks the range itself first, so an offset out of range is a trap, never an over-read.
// Parsers check lengths before they call; the precondition is the second lock.

extension RawSpan {
    /// The octet at `offset`.
    ///
    /// - Precondition: `offset` is inside the span.
    @inlinable
    public func uint8(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount, "octet outside the span")
        return unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// The 16-bit number in network order at `offset`.
    ///
    /// - Precondition: both octets are inside the span.
    @inlinable
    public func bigEndianUInt16(at offset: Int) -> UInt16 {
        precondition(offset >= 0 && offset <= byteCount - 2, "octets outside the span")
        return unsafe UInt16(
            bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// The 32-bit number in network order at `offset`.
    ///
    /// - Precondition: all four octets are inside the span.
    @inlinable
    public func bigEndianUInt32(at offset: Int) -> UInt32 {
        precondition(offset >= 0 && offset <= byteCount - 4, "octets outside the span")
        return unsafe UInt32(
            bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The 64-bit number in network order at `offset`.
    ///
    /// - Precondition: all eight octets are inside the span.
    @inlinable
    public func bigEndianUInt64(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset <= byteCount - 8, "octets outside the span")
        return unsafe UInt64(
            bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The IPv6 address in network order at `offset`.
    ///
    /// - Precondition: all sixteen octets are inside the span.
    @inlinable
    public func bigEndianUInt128(at offset: Int) -> UInt128 {
        UInt128(bigEndianUInt64(at: offset)) << 64 | UInt128(bigEndianUInt64(at: offset + 8))
    }
}

extension Array<UInt8> {
    /// Calls `body` with the array's octets as a span.
    @inlinable
    public func withRawSpan<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(self.span.bytes)
    }

    /// Appends all octets of a span.
    @inlinable
    public mutating func append(_ octets: RawSpan) {
        unsafe octets.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }

    /// Appends a 16-bit number in network order.
    @inlinable
    public mutating func append(bigEndian value: UInt16) {
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }

    /// Appends a 64-bit number in network order.
    @inlinable
    public mutating func append(bigEndian value: UInt64) {
        for shift in stride(from: 56, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }
}

extension ContiguousArray where Element == SIMD2<UInt64> {
    /// How many elements stand before the first that begins a cache line of 64 octets, 0...3.
    ///
    /// Reads no memory. It depends on where the array lies: true until it is copied.
    public var countBeforeCacheLine: Int {
        unsafe withUnsafeBufferPointer { buffer in
            -Int(bitPattern: buffer.baseAddress) & 63
        } / MemoryLayout<Element>.stride
    }
}
