/// Probes of an agent and its reflector, for who watches other echo messages.
public enum ReflectionProbe {
    /// Whether an echo message with this payload looks like one; genuine it need not be.
    ///
    /// - Parameter payload: the octets after the ICMP header, any at all.
    /// - Returns: whether mark, version and origin are such a probe's.
    public static func looksLike(_ payload: RawSpan) -> Bool { ProbeMark(parsing: payload) != nil }
}
