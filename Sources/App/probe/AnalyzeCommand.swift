import Agent
import ArgumentParser
import Configuration

/// `probe analyze`: the analysis of a capture file.
struct AnalyzeCommand: ProbeCommand {
    static let configuration = CommandConfiguration(
        commandName: "analyze",
        abstract: "Analyses the ESP and IKE in a capture file.",
        discussion: """
            Reads pcap and pcapng, gzip too; needs no root and no agent. With --ike-log it reads \
            the provider's IKE log as well, or alone: the Logpush dataset ipsec_logs as JSON, in \
            any of its time formats, gzip too. Exit status: 0 read and \
            nothing wrong (several senders alone are nothing wrong), 1 path reordering or a replay \
            found, or a window named with --window would drop packets, or IKE fails in a file \
            without ESP, or the log ends with a failed negotiation, 3 neither ESP nor IKE in it, \
            no record in the log, or corrupt in the middle, 64 wrong usage, 66 cannot open, \
            78 bad configuration.
            """)

    @Argument(
        help: ArgumentHelp(
            "The capture file; - for standard input. May be left out with --ike-log.",
            valueName: "file"),
        completion: .file(extensions: ["pcap", "pcapng", "cap", "gz"]))
    var file: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The provider's IKE log, JSON of the dataset ipsec_logs; - for standard input.",
            valueName: "file"),
        completion: .file(extensions: ["json", "ndjson", "log", "gz"]))
    var ikeLog: String?

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp(
            "A replay window to judge by, 1 to 1048576 packets; may be repeated.",
            valueName: "packets"))
    var window: [Int] = []

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var options: AnalysisOptions

    func validate() throws {
        guard window.allSatisfy({ CaptureAnalysis.windowSizes.contains($0) }) else {
            throw ValidationError("--window must be a number from 1 to 1048576")
        }
        guard Set(window).count <= 32 else {
            throw ValidationError("--window can be given 32 times")
        }
        guard file != nil || ikeLog != nil else {
            throw ValidationError("a capture file is missing, or --ike-log FILE")
        }
        guard file != "-" || ikeLog != "-" else {
            throw ValidationError("standard input is one file: either the capture or the log")
        }
        guard file != nil || window.isEmpty && options.stream == nil else {
            throw ValidationError("--window and --stream go with a capture file")
        }
    }

    func perform() async throws(CommandFailure) -> Int32 {
        let report = try FileAnalysis(
            path: file, ikeLog: ikeLog, windows: window, source: source, options: options
        ).run()
        let rendered = report.rendered(options.format)
        Output.print(rendered.document)
        return CommandExit.status(ofVerdict: rendered.verdict)
    }
}
