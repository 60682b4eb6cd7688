import Foundation
import Testing

/// A random key that is never in memory as it is, so that finding it means that it was read.
struct MaskedKey {
    private static let mask: UInt8 = 0xa5
    private let masked = (0..<32).map { _ in UInt8.random(in: 0...255) }

    var plain: [UInt8] { masked.map { $0 ^ Self.mask } }

    var hexadecimal: String {
        masked.map { octet in
            let digits = String(octet ^ Self.mask, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    /// How often it is in the writable memory of this process.
    func occurrencesInThisProcess() throws -> Int {
        let maps = try Self.mappings()
        let memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC)
        try #require(memory >= 0)
        defer { close(memory) }
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        var count = 0
        for line in maps.split(separator: "\n") where line.contains(" rw") {
            let bounds = line.prefix { $0 != " " }.split(separator: "-").compactMap {
                UInt64($0, radix: 16)
            }
            guard bounds.count == 2 else { continue }
            var start = bounds[0]
            while start < bounds[1] {
                let wanted = min(chunk.count, Int(bounds[1] - start))
                let got = pread(memory, &chunk, wanted, off_t(start))
                // Some pages of devices cannot be read, and some go away meanwhile.
                guard got > 0 else {
                    start += 4096
                    continue
                }
                count += chunk.withUnsafeBytes { occurrences(in: .init(rebasing: $0[..<got])) }
                // A key on the border of two chunks is in the next one too, when there is one.
                start += UInt64(got == wanted && start + UInt64(got) < bounds[1] ? got - 31 : got)
            }
        }
        return count
    }

    /// The text of /proc/self/maps.
    ///
    /// The kernel hands it out a page at a time, and Foundation takes the first for all of it.
    private static func mappings() throws -> String {
        let descriptor = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var text: [UInt8] = []
        var page = [UInt8](repeating: 0, count: 4096)
        while true {
            let got = read(descriptor, &page, page.count)
            guard got > 0 else { break }
            text += page[..<got]
        }
        return String(decoding: text, as: UTF8.self)
    }

    private func occurrences(in octets: UnsafeRawBufferPointer) -> Int {
        guard octets.count >= masked.count else { return 0 }
        let first = masked[0] ^ Self.mask
        var count = 0
        for start in 0...(octets.count - masked.count) where octets[start] == first {
            if masked.indices.allSatisfy({ octets[start + $0] ^ Self.mask == masked[$0] }) {
                count += 1
            }
        }
        return count
    }
}

@Suite struct MaskedKeyTests {
    @Test func `finds a key in memory that is there, and none that is not`() throws {
        let key = MaskedKey()
        #expect(try key.occurrencesInThisProcess() == 0)
        let planted = key.plain
        #expect(try key.occurrencesInThisProcess() > 0)
        #expect(planted.count == 32)
    }
}
