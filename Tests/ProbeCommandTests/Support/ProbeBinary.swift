import Foundation

/// The binary under test: `probe`, as built beside the test bundle.
enum ProbeBinary {
    static let path: String = {
        // SwiftPM runs the bundle's executable itself, from the products' directory.
        let executable =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let directory = URL(fileURLWithPath: executable).deletingLastPathComponent()
        return directory.appendingPathComponent("probe").path
    }()
}
