/// `ike-port-4500-blocked`.
enum IKEPort4500Blocked: Rule {
    static let entry = IKEPortBlocked.entry(.ikePort4500Blocked, port: 4500)
    static func judge(_ facts: TunnelFacts) -> Judgement {
        IKEPortBlocked.judge(facts, entry, port: 4500)
    }
}
