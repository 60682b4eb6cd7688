/// Sizes that paths really have, and how common each is.
enum SizePriors {
    /// A path MTU and its share among paths that are limited below 1500 octets or at it.
    struct Prior {
        var byteCount: Int
        var weight: Double
    }

    /// Ethernet, PPPoE, tunnels and clamps of every kind, greatest first.
    static let all = [
        Prior(byteCount: 1500, weight: 0.62), Prior(byteCount: 1492, weight: 0.14),
        Prior(byteCount: 1480, weight: 0.04), Prior(byteCount: 1476, weight: 0.02),
        Prior(byteCount: 1472, weight: 0.02), Prior(byteCount: 1464, weight: 0.02),
        Prior(byteCount: 1460, weight: 0.03), Prior(byteCount: 1454, weight: 0.02),
        Prior(byteCount: 1452, weight: 0.01), Prior(byteCount: 1450, weight: 0.01),
        Prior(byteCount: 1448, weight: 0.01), Prior(byteCount: 1440, weight: 0.01),
        Prior(byteCount: 1430, weight: 0.01), Prior(byteCount: 1428, weight: 0.005),
        Prior(byteCount: 1420, weight: 0.01), Prior(byteCount: 1400, weight: 0.015),
        Prior(byteCount: 1380, weight: 0.005), Prior(byteCount: 1360, weight: 0.005),
        Prior(byteCount: 1358, weight: 0.005), Prior(byteCount: 1350, weight: 0.005),
        Prior(byteCount: 1300, weight: 0.005), Prior(byteCount: 1280, weight: 0.01),
    ]

    /// RFC 1191 §7.1, for routers that do not say what fits.
    static let plateaus = [
        65_535, 32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68,
    ]

    /// Whether `byteCount` is one of the common sizes.
    static func contains(_ byteCount: Int) -> Bool { all.contains { $0.byteCount == byteCount } }

    /// The size that halves what is likely strictly between `low` and `high`; nil where no common
    /// size lies there.
    static func median(above low: Int, below high: Int) -> Int? {
        let open = all.filter { low < $0.byteCount && $0.byteCount < high }
        let half = open.reduce(0) { $0 + $1.weight } / 2
        var passed = 0.0
        for prior in open {
            passed += prior.weight
            if passed >= half { return prior.byteCount }
        }
        return nil
    }

    /// Up to `count` sizes that divide what lies strictly between `low` and `high`, ascending.
    ///
    /// As few as leave no gap wider than the least that `count` allows, moved to common sizes where
    /// that costs nothing; then common ones for the places left.
    static func division(above low: Int, below high: Int, count: Int) -> [Int] {
        guard high - low > 1, count > 0 else { return [] }
        // A later round of the same width divides a gap of 20 into gaps of 2.
        var gap = (high - low + count) / (count + 1)
        let wide = min(20, count + 6)
        if gap > 2, high - low > wide * 2 { gap = max(gap, wide) }
        var sizes: [Int] = []
        var last = low
        while last + gap < high {
            let limit = last + gap
            let near = all.first { $0.byteCount <= limit && $0.byteCount > last + gap / 2 }
            sizes.append(near?.byteCount ?? limit)
            last = sizes[sizes.count - 1]
        }
        if sizes.count > count {
            gap = (high - low + count) / (count + 1)
            sizes = Array(stride(from: low + gap, to: high, by: gap))
        } else if gap > 2 {
            for prior in all where sizes.count < count {
                guard low < prior.byteCount, prior.byteCount < high else { continue }
                if !sizes.contains(prior.byteCount) { sizes.append(prior.byteCount) }
            }
        }
        return sizes.sorted()
    }
}
