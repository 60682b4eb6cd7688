/// Capabilities that this process lacks, and what an operator can type to change that.
public struct MissingPrivilege: Error, Hashable, Sendable {
    /// What is missing, in the order it was asked for, not empty.
    public let capabilities: [Capability]
    /// Ways to get it, the simplest first; each is a command with, perhaps, a comment behind it.
    public let remedies: [String]

    /// Finds what is missing for a command; nil when nothing is.
    ///
    /// - Parameters:
    ///   - needed: what the command needs.
    ///   - capabilities: what the process has.
    ///   - command: the command as the operator typed it, like `probe now`.
    ///   - executable: the path of the binary.
    ///   - isRoot: whether the effective user is root; a root without capabilities is in a container.
    public init?(
        of needed: [Capability], in capabilities: Capabilities, command: String,
        executable: String = "/usr/bin/probe", isRoot: Bool = Host.isRoot
    ) {
        let missing = needed.filter { !capabilities.has($0) }
        guard !missing.isEmpty else { return nil }
        self.capabilities = missing
        guard !isRoot else {
            let additions = missing.map { "--cap-add \($0.name.dropFirst("CAP_".count))" }
            remedies = [
                "docker run \(additions.joined(separator: " ")) …"
                    + "  # this root was stripped of capabilities; give them to its container"
            ]
            return
        }
        var remedies = ["sudo \(command)"]
        if missing.contains(.sysAdmin) {
            // Next to root itself: nothing to put on a file that every user may run.
            remedies.append(
                "sudo systemctl start tunnel-probe@NETNS"
                    + "  # an agent inside the namespace, which needs no CAP_SYS_ADMIN")
        } else {
            let names = missing.map { $0.name.lowercased() }.joined(separator: ",")
            remedies.append("sudo setcap \(names)+ep \(executable)")
        }
        remedies.append(
            "sudo usermod -aG tunnel-probe $USER"
                + "  # then log in again, to use the running agent")
        self.remedies = remedies
    }
}

extension MissingPrivilege: CustomStringConvertible {
    /// What is missing and, one a line, what helps.
    public var description: String {
        let names = capabilities.map(\.name).joined(separator: " and ")
        let verb = capabilities.count == 1 ? "is" : "are"
        let ways = remedies.map { "\n  \($0)" }.joined()
        return "\(names) \(verb) missing; one of these helps:\(ways)"
    }
}
