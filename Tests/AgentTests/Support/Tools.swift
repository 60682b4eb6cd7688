import Foundation

/// Runs a program of this host; its output has its complaints in it.
func runTool(_ arguments: [String]) -> (status: Int32, output: String) {
    let quoted = arguments.map { "'" + $0.replacingOccurrences(of: "'", with: "'\\''") + "'" }
    guard let stream = popen("{ \(quoted.joined(separator: " ")); } 2>&1", "r") else {
        return (-1, "popen failed")
    }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = fread(&buffer, 1, buffer.count, stream)
        guard count > 0 else { break }
        output += buffer[..<count]
    }
    return (pclose(stream) >> 8 & 0xff, String(decoding: output, as: UTF8.self))
}
