import CZlib
import CaptureFormats
import Glibc

/// The octets of a capture file, decompressed where the file is gzip'd.
@safe struct CaptureSource: ~Copyable {
    /// Octets of the file that were read, before decompression.
    private(set) var octetsRead = 0
    /// How many octets the file has from where reading began; nil where it is no regular file.
    let octetsTotal: Int?
    /// Damage of the compression; the octets before it were given.
    private(set) var damage: CaptureDamage?
    /// Whether the file is gzip'd; known after the first fill.
    var isGzipped: Bool { inflater != nil }

    private let path: String
    private let descriptor: CInt
    private var inflater: GzipInflater?
    private var isFileAtEnd = false
    private var isAtEnd = false
    /// What was read of the file and not handed on yet: the first octets, or compressed ones.
    private let input: UnsafeMutableRawBufferPointer
    private var inputStart = 0
    private var inputEnd = 0
    private var hasBegun = false

    private static let inputCapacity = 128 << 10

    init(path: String) throws(CaptureFileError) {
        let descriptor: CInt
        if path == CaptureFile.standardInput {
            descriptor = STDIN_FILENO
        } else {
            // A path that C would cut at a NUL names another file than the caller meant.
            guard !path.utf8.contains(0) else {
                throw CaptureFileError(operation: "open", path: path, code: ENOENT)
            }
            descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
            guard descriptor >= 0 else {
                throw CaptureFileError(operation: "open", path: path, code: errno)
            }
        }
        self.path = path
        self.descriptor = descriptor
        var status = stat()
        if unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
            // Standard input may stand in the middle of a file.
            octetsTotal = max(0, Int(status.st_size) - max(0, lseek(descriptor, 0, SEEK_CUR)))
            _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        } else {
            octetsTotal = nil
        }
        unsafe input = .allocate(byteCount: Self.inputCapacity, alignment: 16)
    }

    deinit {
        unsafe input.deallocate()
        if descriptor != STDIN_FILENO { _ = close(descriptor) }
    }

    /// Fills some of `output`, which must not be empty; 0 means the end, `damage` then says if it is a
    /// good one.
    mutating func fill(
        _ output: UnsafeMutableRawBufferPointer
    ) throws(CaptureFileError) -> Int {
        if !hasBegun { try begin() }
        if isAtEnd { return 0 }
        if inflater != nil { return unsafe try inflate(into: output) }
        if inputStart < inputEnd {
            let count = min(inputEnd - inputStart, output.count)
            unsafe output.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: input[inputStart..<(inputStart + count)]))
            inputStart += count
            return count
        }
        let count = unsafe try read(into: output)
        isAtEnd = count == 0
        return count
    }

    /// Reads the two octets that tell whether the file is gzip'd.
    private mutating func begin() throws(CaptureFileError) {
        while inputEnd < 2, !isFileAtEnd { try refill() }
        hasBegun = true
        let isGzip = unsafe GzipInflater.isMagic(
            UnsafeRawBufferPointer(rebasing: input[..<inputEnd]))
        if isGzip { inflater = GzipInflater() }
    }

    private mutating func inflate(
        into output: UnsafeMutableRawBufferPointer
    ) throws(CaptureFileError) -> Int {
        while true {
            let compressed = unsafe UnsafeRawBufferPointer(rebasing: input[inputStart..<inputEnd])
            guard
                let outcome = unsafe inflater?.inflate(
                    compressed, isFinal: isFileAtEnd, into: output)
            else { return 0 }
            inputStart += outcome.consumed
            switch outcome.status {
            case .finished:
                isAtEnd = true
                return outcome.produced
            case .damaged(let kind):
                isAtEnd = true
                let offset = octetsRead - (inputEnd - inputStart)
                damage = CaptureDamage(offset: offset, kind: kind, isGzipped: true)
                return outcome.produced
            case .unfinished:
                if outcome.produced > 0 { return outcome.produced }
                try refill()
            }
        }
    }

    /// Reads more of the file behind what is left in `input`, which is moved to its front.
    private mutating func refill() throws(CaptureFileError) {
        let left = inputEnd - inputStart
        if inputStart > 0, left > 0 {
            unsafe input.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: input[inputStart..<inputEnd]))
        }
        inputStart = 0
        inputEnd = left
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: input[left...])
        let count = unsafe try read(into: room)
        inputEnd += count
        isFileAtEnd = count == 0
    }

    /// read(2), repeated on EINTR.
    private mutating func read(
        into output: UnsafeMutableRawBufferPointer
    ) throws(CaptureFileError) -> Int {
        while true {
            let count = unsafe Glibc.read(descriptor, output.baseAddress, output.count)
            if count >= 0 {
                octetsRead += count
                return count
            }
            guard errno == EINTR else {
                throw CaptureFileError(operation: "read", path: path, code: errno)
            }
        }
    }
}
