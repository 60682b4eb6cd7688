// swift-tools-version: 6.2
//
// What `scripts/bench analysis`, `capture` and `kernel` need besides the program under test. A
// package of its own, so that nothing of it is in the product.

import PackageDescription

let package = Package(
    name: "benchmarks",
    dependencies: [.package(name: "tunnel-probe", path: "..")],
    targets: [
        .executableTarget(
            name: "esp-traffic",
            dependencies: [.product(name: "ESPSimulation", package: "tunnel-probe")],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .treatAllWarnings(as: .error),
            ]),
        .executableTarget(
            name: "kernel-events",
            dependencies: [.product(name: "Netlink", package: "tunnel-probe")],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .treatAllWarnings(as: .error),
            ]),
    ])
