// swift-tools-version: 6.2
//
// The map of the project. Imports go down only: App → System and Core; Core → lower Core.
// `pure` targets are values without input or output; `adapter` targets own descriptors.

import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// A target of `Sources/Core`: pure values, no Glibc, Foundation or Dispatch.
func pure(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/Core/\(name)", swiftSettings: strict)
}

/// A target of `Sources/Core` that handles millions of packets.
///
/// Optimised in debug builds too, since its tests replay hours of traffic; checks stay.
func hotPath(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/Core/\(name)",
        swiftSettings: strict + [.unsafeFlags(["-O"], .when(configuration: .debug))])
}

/// A target of `Sources/System`: owns descriptors, translates C to values.
func adapter(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/System/\(name)",
        swiftSettings: strict)
}

/// The tests of one target, in `Tests/<Target>Tests`; `exclude` are folders without source.
func tests(
    of name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.byName(name: name)] + dependencies,
        exclude: exclude,
        swiftSettings: [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")])
}

let package = Package(
    name: "tunnel-probe",
    products: [
        .executable(name: "probe", targets: ["probe"]),
        // For the package in Benchmarks/.
        .library(
            name: "ESPSimulation",
            targets: ["ESPSimulation", "NetworkPrimitives", "NetworkSimulation"]),
        .library(
            name: "Netlink", targets: ["KernelState", "Netlink", "NetworkPrimitives", "RawSockets"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: [
        // C: module maps and static-inline shims, no logic.
        .systemLibrary(name: "CCrypt", path: "Sources/C/CCrypt", pkgConfig: "libcrypt"),
        .systemLibrary(name: "CLinux", path: "Sources/C/CLinux"),
        .systemLibrary(name: "CNetlink", path: "Sources/C/CNetlink", pkgConfig: "libnl-3.0"),
        .systemLibrary(name: "CPcap", path: "Sources/C/CPcap", pkgConfig: "libpcap"),
        .systemLibrary(name: "CSQLite", path: "Sources/C/CSQLite", pkgConfig: "sqlite3"),
        .systemLibrary(name: "CYAML", path: "Sources/C/CYAML", pkgConfig: "yaml-0.1"),
        .systemLibrary(name: "CZlib", path: "Sources/C/CZlib", pkgConfig: "zlib"),

        // Core: pure engines.
        pure("NetworkPrimitives"),
        hotPath("PacketFormats", ["NetworkPrimitives"]),
        hotPath("CaptureFormats", ["NetworkPrimitives"]),
        hotPath("FlightRecording", ["NetworkPrimitives", "PacketFormats"]),
        hotPath(
            "ESPAnalysis",
            [
                "NetworkPrimitives", "PacketFormats",
                .product(name: "RealModule", package: "swift-numerics"),
            ]),
        pure("EchoProbing", ["NetworkPrimitives", "PacketFormats"]),
        pure(
            "TunnelHealth",
            ["NetworkPrimitives", .product(name: "RealModule", package: "swift-numerics")]),
        // Its tests shift thousands of histories a thousand times each.
        hotPath(
            "Flapping",
            ["NetworkPrimitives", .product(name: "RealModule", package: "swift-numerics")]),
        pure("KernelState", ["NetworkPrimitives"]),
        hotPath("JSONText", ["NetworkPrimitives"]),
        pure("IKE", ["JSONText", "NetworkPrimitives", "PacketFormats"]),
        hotPath("Rekeying", ["NetworkPrimitives"]),
        // Its tests search tens of thousands of paths.
        hotPath("PathMTU", ["NetworkPrimitives"]),
        pure(
            "ReplyPath",
            [
                "NetworkPrimitives", "PacketFormats",
                .product(name: "RealModule", package: "swift-numerics"),
            ]),
        hotPath("ProviderChecks", ["NetworkPrimitives"]),
        pure("PacketSizes", ["NetworkPrimitives", "PacketFormats"]),
        hotPath("Reflecting", ["NetworkPrimitives", "PacketFormats"]),
        hotPath("SupportBundle", ["NetworkPrimitives"]),
        pure("Diagnosis", ["KernelState", "NetworkPrimitives"]),
        pure("History", ["NetworkPrimitives"]),
        pure("Metrics"),

        // System: adapters, one C dependency each.
        adapter("RawSockets", ["CLinux", "NetworkPrimitives"]),
        adapter("Netlink", ["CNetlink", "KernelState", "NetworkPrimitives", "RawSockets"]),
        adapter("KeyDaemon", ["CLinux", "HostFacts", "IKE", "NetworkPrimitives", "RawSockets"]),
        adapter("HostFacts", ["CLinux"]),
        adapter("EventStore", ["CSQLite", "HostFacts", "NetworkPrimitives"]),
        adapter(
            "PacketCapture",
            [
                "CLinux", "CPcap", "CZlib", "CaptureFormats", "NetworkPrimitives", "PacketFormats",
                "RawSockets",
            ]),
        adapter(
            "HTTP",
            [
                "CCrypt", "CYAML",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),

        // App: composition and the command.
        .target(
            name: "Configuration",
            dependencies: ["HostFacts", "NetworkPrimitives", "TOMLKit"],
            path: "Sources/App/Configuration", swiftSettings: strict),
        .target(
            name: "Agent",
            dependencies: [
                "CaptureFormats", "Configuration", "Diagnosis", "ESPAnalysis", "EchoProbing",
                "Flapping", "EventStore", "FlightRecording", "HTTP", "History",
                "HostFacts", "IKE", "JSONText", "KernelState", "KeyDaemon", "Metrics", "Netlink",
                "NetworkPrimitives", "PacketCapture", "PacketFormats", "PacketSizes", "PathMTU",
                "ProviderChecks",
                "RawSockets", "Reflecting", "Rekeying", "ReplyPath", "SupportBundle",
                "TunnelHealth",
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Sources/App/Agent", swiftSettings: strict),
        .executableTarget(
            name: "probe",
            dependencies: [
                "Agent", "Configuration", "HTTP", "HostFacts", "KernelState", "NetworkPrimitives",
                "RawSockets",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Sources/App/probe", swiftSettings: strict),

        // Testing: a network without a network.
        .target(
            name: "NetworkSimulation",
            dependencies: ["NetworkPrimitives", "PacketFormats"],
            path: "Sources/Testing/NetworkSimulation", swiftSettings: strict),
        .target(
            name: "ESPSimulation",
            dependencies: [
                "ESPAnalysis", "NetworkPrimitives", "NetworkSimulation", "PacketFormats",
                .product(name: "RealModule", package: "swift-numerics"),
            ],
            path: "Sources/Testing/ESPSimulation",
            swiftSettings: strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]),
        .executableTarget(
            name: "write-events", dependencies: ["EventStore", "HostFacts", "NetworkPrimitives"],
            path: "Sources/Testing/write-events", swiftSettings: strict),
        .executableTarget(
            name: "simulate-esp", dependencies: ["ESPSimulation", "HostFacts"],
            path: "Sources/Testing/simulate-esp",
            swiftSettings: strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]),

        tests(of: "NetworkPrimitives", ["NetworkSimulation"]),
        tests(of: "PacketFormats", ["NetworkPrimitives", "NetworkSimulation"]),
        tests(
            of: "EchoProbing",
            ["NetworkPrimitives", "NetworkSimulation", "PacketFormats", "TunnelHealth"]),
        tests(of: "TunnelHealth", ["NetworkPrimitives"]),
        tests(of: "Flapping", ["NetworkPrimitives", "NetworkSimulation"]),
        tests(of: "PacketSizes", ["NetworkPrimitives", "PacketFormats"]),
        tests(of: "KernelState", ["NetworkPrimitives"]),
        tests(of: "JSONText", ["NetworkPrimitives"]),
        tests(of: "Diagnosis", ["KernelState", "NetworkPrimitives"]),
        tests(of: "History", ["NetworkPrimitives"]),
        tests(of: "PathMTU", ["NetworkPrimitives", "NetworkSimulation", "PacketFormats"]),
        tests(of: "ReplyPath", ["NetworkPrimitives", "NetworkSimulation", "PacketFormats"]),
        tests(of: "IKE", ["NetworkPrimitives", "PacketFormats"], exclude: ["Fixtures"]),
        tests(of: "ProviderChecks", ["NetworkPrimitives", "NetworkSimulation"]),
        tests(of: "Reflecting", ["NetworkPrimitives", "NetworkSimulation", "PacketFormats"]),
        tests(of: "Rekeying", ["ESPSimulation", "NetworkPrimitives", "NetworkSimulation"]),
        tests(of: "KeyDaemon", ["IKE", "NetworkPrimitives"]),
        tests(of: "CaptureFormats", ["ESPSimulation", "NetworkPrimitives"]),
        tests(of: "FlightRecording", ["NetworkPrimitives", "PacketFormats"]),
        tests(of: "SupportBundle", ["NetworkPrimitives"]),
        tests(
            of: "ESPAnalysis",
            ["ESPSimulation", "NetworkPrimitives", "NetworkSimulation", "PacketFormats"]),
        tests(
            of: "PacketCapture",
            [
                "CPcap", "CZlib", "CaptureFormats", "ESPSimulation", "NetworkPrimitives",
                "NetworkSimulation", "PacketFormats", "RawSockets",
            ], exclude: ["Fixtures"]),
        tests(of: "Metrics"),
        tests(of: "RawSockets", ["NetworkPrimitives", "PacketFormats"]),
        tests(of: "Netlink", ["KernelState", "NetworkPrimitives"]),
        tests(of: "HostFacts"),
        tests(of: "EventStore", ["NetworkPrimitives", "write-events"]),
        tests(of: "HTTP"),
        tests(of: "Configuration", ["NetworkPrimitives"]),
        tests(
            of: "Agent",
            [
                "CaptureFormats", "Configuration", "Diagnosis", "ESPAnalysis", "ESPSimulation",
                "EchoProbing", "Flapping", "EventStore", "FlightRecording", "HTTP", "History",
                "HostFacts", "IKE",
                "JSONText", "KernelState", "KeyDaemon", "Metrics",
                "NetworkPrimitives", "NetworkSimulation", "PacketCapture", "PacketFormats",
                "PacketSizes", "PathMTU",
                "ProviderChecks", "RawSockets", "Reflecting", "Rekeying", "ReplyPath",
                "SupportBundle", "TunnelHealth",
            ],
            exclude: ["Reporting/Golden"]),
        // End to end: runs the built binary, found beside the test bundle.
        .testTarget(
            name: "ProbeCommandTests",
            dependencies: ["ESPSimulation", "NetworkPrimitives", "probe"],
            swiftSettings: [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]),
    ])
