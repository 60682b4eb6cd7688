import Agent
import ArgumentParser
import Configuration
import HostFacts
import NetworkPrimitives

/// How an analysis is written, and what of it.
struct AnalysisOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Only the stream with this SPI, like 0xc0de0001.", valueName: "spi"),
        transform: { text throws in
            guard let spi = SPI(text: text) else {
                throw ValidationError("an SPI is a number of at most 32 bits, like 0xc0de0001")
            }
            return spi
        })
    var stream: SPI?

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    @Flag(name: .long, help: "Print no colours; NO_COLOR does the same.")
    var noColor = false

    @Flag(name: .long, help: "Print every stream, and more of each.")
    var verbose = false

    var format: ReportFormat {
        ReportFormat(
            isJSON: json,
            isColored: !noColor && !json && Terminal.standardOutput.allowsColor,
            isVerbose: verbose, hasBlocks: Terminal.showsUnicode)
    }
}

extension SPI {
    /// Reads `0x` and hexadecimal digits, or a decimal number.
    fileprivate init?(text: String) {
        let isHexadecimal = text.hasPrefix("0x") || text.hasPrefix("0X")
        let number =
            isHexadecimal ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text, radix: 10)
        guard let number else { return nil }
        self.init(rawValue: number)
    }
}

/// The analysis of files as commands run it: with progress, and with their exit statuses.
struct FileAnalysis {
    /// The capture; nil for a log alone.
    var path: String?
    /// The provider's IKE log.
    var ikeLog: String?
    var windows: [Int]
    /// The tunnel that was asked for, which the configuration must have.
    var tunnel: String?
    var source: ConfigurationOptions
    var options: AnalysisOptions

    /// Analyses the file and keeps the stream that was asked for.
    func run() throws(CommandFailure) -> AnalysisReport {
        let tunnels = try tunnels()
        if let tunnel, !tunnels.names.contains(tunnel) {
            let known = tunnels.names.joined(separator: ", ")
            throw CommandFailure(
                message: "there is no tunnel '\(tunnel)'"
                    + (known.isEmpty ? ", nor any other" : "; there are: \(known)"),
                status: CommandExit.usage)
        }
        var report = try read(tunnels)
        for complaint in report.complaints { Output.complain(complaint) }
        if let spi = options.stream, !report.select(spi: spi), !report.spis.isEmpty {
            let known = report.spis.prefix(10).map(\.description).joined(separator: ", ")
            let more = report.spis.count > 10 ? ", ..." : ""
            throw CommandFailure(
                message: "there is no stream with SPI \(spi); there are: \(known)\(more)",
                status: CommandExit.usage)
        }
        return report
    }

    /// Reads the files that there are.
    private func read(_ tunnels: KnownTunnels) throws(CommandFailure) -> AnalysisReport {
        let line = ProgressLine()
        // A terminal at the far end of a slow line has other things to do.
        var next = ContinuousClock.now
        func show(_ progress: CaptureAnalysis.Progress) {
            let now = ContinuousClock.now
            guard now >= next else { return }
            next = now + .milliseconds(100)
            line.show(progress.share, progress.text)
        }
        do throws(CaptureAnalysis.CannotOpen) {
            defer { line.clear() }
            let log =
                if let ikeLog {
                    try IKELogAnalysis(tunnels: tunnels).run(path: ikeLog, progress: show)
                } else {
                    IKELogReport?.none
                }
            guard let path else {
                guard let log else { preconditionFailure("a command names a file or a log") }
                return AnalysisReport(ikeLog: log)
            }
            let analysis = CaptureAnalysis(tunnels: tunnels, namedWindows: windows)
            var report = try analysis.run(path: path, progress: show)
            report.ikeLog = log
            return report
        } catch {
            throw CommandFailure(message: error.description, status: CommandExit.noInput)
        }
    }

    /// The tunnels by which streams get a direction; a file needs none.
    private func tunnels() throws(CommandFailure) -> KnownTunnels {
        let file = source.file
        do throws(ConfigurationFailure) {
            let configuration = try file.load()
            guard configuration.source != nil else {
                return KnownTunnels(absentBecause: "there is no \(file.path)")
            }
            return KnownTunnels(of: configuration)
        } catch {
            // An operator's own file must be right; the installed one may be another user's.
            guard !file.isRequired else {
                throw CommandFailure(message: "\(error)", status: CommandExit.configuration)
            }
            return KnownTunnels(absentBecause: error.diagnostics[0].description)
        }
    }
}
