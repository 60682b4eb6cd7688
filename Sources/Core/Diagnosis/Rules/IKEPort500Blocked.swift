/// `ike-port-500-blocked`.
enum IKEPort500Blocked: Rule {
    static let entry = IKEPortBlocked.entry(.ikePort500Blocked, port: 500)
    static func judge(_ facts: TunnelFacts) -> Judgement {
        IKEPortBlocked.judge(facts, entry, port: 500)
    }
}
