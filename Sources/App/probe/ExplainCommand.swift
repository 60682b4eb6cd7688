import Agent
import ArgumentParser
import HostFacts

/// `probe explain`: the finding catalogue.
struct ExplainCommand: ProbeCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Says what findings mean, what they rest on, and what to do.",
        discussion: "Without an id it lists the catalogue. Exit status: 0, 64 for an unknown id.")

    @Argument(help: ArgumentHelp("Ids of findings; the list if left out.", valueName: "id"))
    var ids: [String] = []

    @Flag(name: .long, help: "Print JSON (schema tunnelprobe.catalogue/1).")
    var json = false

    @Flag(name: .long, help: "Print no colours; NO_COLOR does the same.")
    var noColor = false

    func perform() async throws(CommandFailure) -> Int32 {
        let catalogue: Catalogue
        do throws(Catalogue.Unknown) {
            catalogue = try Catalogue(ids)
        } catch {
            throw CommandFailure(message: error.description, status: CommandExit.usage)
        }
        let isColored = !noColor && Terminal.standardOutput.allowsColor
        let columns = Terminal.standardOutput.columns ?? 80
        if json {
            Output.print(catalogue.json)
        } else if ids.isEmpty {
            Output.print(Array(catalogue.list(isColored: isColored, columns: columns).utf8))
        } else {
            Output.print(Array(catalogue.text(isColored: isColored, columns: columns).utf8))
        }
        return 0
    }
}
