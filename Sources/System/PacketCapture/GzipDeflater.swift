import CZlib

/// Compresses to gzip (RFC 1952), without a name and without a time: equal octets in, equal octets out.
public enum GzipDeflater {
    /// The compressed octets, one member.
    public static func compress(_ octets: [UInt8]) -> [UInt8] {
        // zlib keeps a pointer to the structure, so it must stay where it is.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        defer {
            unsafe deflateEnd(stream)
            unsafe stream.deinitialize(count: 1)
            unsafe stream.deallocate()
        }
        // 15 is the largest window, 16 asks for gzip; 8 is zlib's usual memory.
        let status = unsafe deflateInit2_(
            stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            CInt(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib has another version than its header, or no memory")
        var output: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 1 << 16)
        var input = octets
        unsafe input.withUnsafeMutableBufferPointer { input in
            unsafe stream.pointee.next_in = input.baseAddress
            var left = input.count
            var result = Z_OK
            while result == Z_OK || result == Z_BUF_ERROR {
                // zlib counts in 32 bits.
                if unsafe stream.pointee.avail_in == 0 {
                    let step = min(left, 1 << 30)
                    unsafe stream.pointee.avail_in = uInt(step)
                    left -= step
                }
                let count = unsafe room.withUnsafeMutableBufferPointer { room in
                    unsafe stream.pointee.next_out = room.baseAddress
                    unsafe stream.pointee.avail_out = uInt(room.count)
                    result = unsafe deflate(stream, left == 0 ? Z_FINISH : Z_NO_FLUSH)
                    return room.count - Int(unsafe stream.pointee.avail_out)
                }
                output += room[..<count]
            }
            precondition(result == Z_STREAM_END, "deflate ends when all is given and there is room")
        }
        return output
    }
}
