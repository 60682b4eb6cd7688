import ArgumentParser

@main
struct Probe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "probe", abstract: "placeholder")
}
