@testable import Agent
import Testing

@Suite struct FigureTextTests {
    @Test(arguments: [
        (0.0, "0 %"), (0.000_001, "<0.001 %"), (0.000_01, "0.001 %"), (0.000_95, "0.095 %"),
        (0.001, "0.10 %"), (0.014, "1.40 %"), (0.099_94, "9.99 %"), (0.099_96, "10.0 %"),
        (0.662, "66.2 %"), (0.9994, "99.9 %"), (0.9999, ">99.9 %"), (1, "100 %"),
    ])
    func `a share is neither rounded to nothing nor to all`(ratio: Double, text: String) {
        #expect(FigureText.percent(ratio) == text)
    }

    @Test(arguments: [
        (0.000_25, "250 us"), (0.001, "1.00 ms"), (0.0121, "12.1 ms"), (0.25, "250 ms"),
        (0.9996, "1.0 s"), (1.26, "1.3 s"), (59.96, "1 min 0 s"), (1249, "20 min 49 s"),
        (3600, "1 h 0 min"), (90_000, "1 d 1 h"),
    ])
    func `a time has the two largest of its units`(seconds: Double, text: String) {
        #expect(FigureText.duration(.seconds(seconds)) == text)
    }

    @Test(arguments: [
        (UInt64(0), "0 bytes"), (999, "999 bytes"), (1000, "1.00 kB"), (674_000_000, "674 MB"),
        (12_345_678, "12.3 MB"), (999_999, "1.00 MB"), (.max, "18.4 EB"),
    ])
    func `octets have decimal prefixes`(count: UInt64, text: String) {
        #expect(FigureText.octets(count) == text)
    }

    @Test(arguments: [(0.5, "0.50 /s"), (12.34, "12.3 /s"), (3850.4, "3850 /s")])
    func `rates have three digits or more`(rate: Double, text: String) {
        #expect(FigureText.rate(rate) == text)
    }

    @Test func `a number with decimals`() {
        #expect(FigureText.fixed(-0.004, 2) == "0.00")
        #expect(FigureText.fixed(-1.005, 1) == "-1.0")
        #expect(FigureText.fixed(1e300, 2) == "1e+300")
        #expect(FigureText.fixed(.nan, 2) == "nan")
    }
}

@Suite struct BarGlyphsTests {
    @Test func `what is not nothing shows, and no bar is wider than its room`() {
        for glyphs in [BarGlyphs.ascii, .blocks] {
            for share in [0, 1e-9, 0.01, 0.33, 0.5, 0.999, 1, 1.5] {
                let bar = glyphs.bar(share, width: 8)
                #expect(bar.count == 8)
                #expect((bar == "        ") == (share == 0))
                for other in [0, 1e-9, 0.3, 1] {
                    let (first, second, rest) = glyphs.bar(share, then: other, width: 8)
                    #expect(first.count + second.count + rest.count == 8, "\(share) \(other)")
                    #expect((rest.count == 8) == (share + other == 0), "\(share) \(other)")
                    #expect(first.isEmpty || share > 0)
                    #expect(second.isEmpty || other > 0)
                }
            }
        }
        #expect(BarGlyphs.ascii.bar(0.5, width: 4) == "##  ")
        #expect(BarGlyphs.blocks.bar(0.53125, width: 4) == "██▏ ")
        #expect(BarGlyphs.ascii.bar(0.25, then: 0.5, width: 4) == ("#", "==", " "))
    }
}
