import Testing

@testable import Configuration

@Suite struct ByteCountTests {
    @Test(arguments: [
        ("0B", 0), ("1B", 1), ("512KiB", 524_288), ("4MiB", 4_194_304), ("200MiB", 209_715_200),
        ("1GiB", 1_073_741_824), ("1TiB", 1_099_511_627_776), ("3kB", 3000), ("5MB", 5_000_000),
        ("2GB", 2_000_000_000), ("1TB", 1_000_000_000_000), ("8388607TiB", 8_388_607 << 40),
    ])
    func `reads a size`(text: String, bytes: Int) {
        #expect(ByteCount(text)?.bytes == bytes)
    }

    @Test(arguments: [
        "", "B", "MiB", "4", "4 MiB", "4mib", "4Mib", "4MIB", "4M", "4K", "4KB", "-1MiB", "+1MiB",
        "1.5MiB", "0x4MiB", "8388608TiB", "9223372036854775808B", "٣MiB",
    ])
    func `refuses what is no size`(text: String) {
        #expect(ByteCount(text) == nil)
    }

    @Test(arguments: [
        ("0B", 0), ("4MiB", 4 << 20), ("1500B", 1500), ("3kB", 3000), ("1GiB", 1 << 30),
    ])
    func `writes a size with the largest unit that fits, and reads it back`(
        text: String, bytes: Int
    ) {
        #expect(ByteCount(bytes: bytes).description == text)
        #expect(ByteCount(text) == ByteCount(bytes: bytes))
    }
}
