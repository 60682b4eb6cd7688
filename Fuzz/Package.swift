// swift-tools-version: 6.2
// Fuzz targets, one for each way in from outside. `scripts/check fuzz` builds and runs them.
//
// A package of its own, so that the product is never built with a fuzzer's instrumentation. It
// takes the product's sources through the links `Sources` and `Tests`, and only those that parsers
// need: all of them are instrumented.
//
// Corpus/<target> holds the seeds; `FUZZ_SEEDS=1 swift run make-seeds` writes
// those that are not there because of a crash.

import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// A target of the product; `sources` are the files to take, nil for all.
func product(
    _ name: String, _ dependencies: [Target.Dependency], in folder: String,
    sources: [String]? = nil, testable: Bool = false
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: folder, sources: sources,
        swiftSettings: strict + (testable ? [.unsafeFlags(["-enable-testing"])] : []))
}

/// A fuzz target, whose `main` is libFuzzer's.
func fuzzer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: ["Octets"] + dependencies, path: "Targets/\(name)",
        swiftSettings: [
            .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
            .unsafeFlags(["-parse-as-library"]),
        ])
}

/// What writes the seeds: a program with a `main` of its own cannot be built with a fuzzer's.
let seeds: [Target] =
    Context.environment["FUZZ_SEEDS"] == nil
    ? []
    : [
        product(
            "FrameSamples", ["NetworkPrimitives", "PacketFormats"],
            in: "Tests/PacketFormatsTests", sources: ["FrameSamples.swift"], testable: true),
        product(
            "CapturedMessages", [], in: "Tests/KernelStateTests",
            sources: ["CapturedMessages.swift"], testable: true),
        product(
            "ViciSamples", [], in: "Tests/IKETests", sources: ["KeyDaemon/ViciSample.swift"],
            testable: true),
        .executableTarget(
            name: "make-seeds",
            dependencies: [
                "CZlib", "CapturedMessages", "FrameSamples", "NetworkPrimitives", "PacketFormats",
                "ViciSamples",
            ], path: "Targets/make-seeds", swiftSettings: [.swiftLanguageMode(.v6)]),
    ]

let package = Package(
    name: "fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1")
    ],
    targets: [
        .systemLibrary(name: "CLinux", path: "Sources/C/CLinux"),
        .systemLibrary(name: "CPcap", path: "Sources/C/CPcap", pkgConfig: "libpcap"),
        .systemLibrary(name: "CZlib", path: "Sources/C/CZlib", pkgConfig: "zlib"),
        product("NetworkPrimitives", [], in: "Sources/Core/NetworkPrimitives"),
        product("PacketFormats", ["NetworkPrimitives"], in: "Sources/Core/PacketFormats"),
        product(
            "FlightRecording", ["NetworkPrimitives", "PacketFormats"],
            in: "Sources/Core/FlightRecording"),
        product("JSONText", ["NetworkPrimitives"], in: "Sources/Core/JSONText"),
        product(
            "IKE", ["JSONText", "NetworkPrimitives", "PacketFormats"], in: "Sources/Core/IKE"),
        product("CaptureFormats", ["NetworkPrimitives"], in: "Sources/Core/CaptureFormats"),
        product(
            "ESPAnalysis",
            [
                "NetworkPrimitives", "PacketFormats",
                .product(name: "RealModule", package: "swift-numerics"),
            ], in: "Sources/Core/ESPAnalysis"),
        product(
            "Reflecting", ["NetworkPrimitives", "PacketFormats"], in: "Sources/Core/Reflecting",
            testable: true),
        product(
            "TunnelHealth",
            ["NetworkPrimitives", .product(name: "RealModule", package: "swift-numerics")],
            in: "Sources/Core/TunnelHealth"),
        product("KernelState", ["NetworkPrimitives"], in: "Sources/Core/KernelState"),
        product(
            "RawSockets", ["CLinux", "NetworkPrimitives"], in: "Sources/System/RawSockets"),
        product(
            "PacketCapture",
            [
                "CLinux", "CPcap", "CZlib", "CaptureFormats", "NetworkPrimitives", "PacketFormats",
                "RawSockets",
            ], in: "Sources/System/PacketCapture"),
        // Without what needs TOMLKit.
        product(
            "Configuration", [], in: "Sources/App/Configuration",
            sources: [
                "ConfigurationDiagnostic.swift", "TOML/DocumentWalk.swift",
                "TOML/KeyLocator.swift", "TOML/TOMLText.swift",
            ], testable: true),

        // From the frame to the streams, without what needs a network.
        product(
            "Agent", ["ESPAnalysis", "IKE", "NetworkPrimitives", "PacketFormats"],
            in: "Sources/App/Agent/Analysis",
            sources: [
                "CaptureClock.swift", "ESPObservation+Datagram.swift", "FrameReading.swift",
            ], testable: true),

        // What is made of the texts of this host's kernel and of nft.
        product(
            "HostText", ["JSONText", "NetworkPrimitives"], in: "Sources/App/Agent",
            sources: [
                "Kernel/FirewallReading.swift", "Reporting/JSONValue.swift",
                "Reporting/JSONValue+Parse.swift",
            ], testable: true),

        .target(name: "Octets", path: "Targets/Octets", swiftSettings: strict),
        fuzzer("frame-decoder", ["FlightRecording", "PacketFormats"]),
        fuzzer("capture-reader", ["CaptureFormats"]),
        fuzzer("gzip-stream", ["CaptureFormats", "PacketCapture"]),
        fuzzer("ike", ["IKE", "NetworkPrimitives", "PacketFormats"]),
        fuzzer("ike-log", ["IKE", "NetworkPrimitives"]),
        fuzzer("icmp-message", ["NetworkPrimitives", "PacketFormats"]),
        fuzzer("netlink-message", ["KernelState"]),
        fuzzer("host-text", ["HostText", "KernelState", "NetworkPrimitives"]),
        fuzzer("tcp-segment", ["PacketFormats"]),
        fuzzer("reflection", ["NetworkPrimitives", "Reflecting"]),
        fuzzer("toml-walk", ["Configuration"]),
        fuzzer("vici-message", ["IKE", "NetworkPrimitives"]),
        fuzzer("packet-path", ["Agent", "CaptureFormats", "ESPAnalysis", "PacketFormats"]),
    ] + seeds)
