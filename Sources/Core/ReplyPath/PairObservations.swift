public import NetworkPrimitives

/// What continuous reply pairs found at one hop.
public struct PairObservations: Hashable, Sendable {
    /// Controls (Echo Requests) sent.
    public var controlsSent: Int
    /// Controls that a router answered.
    public var controlsAnswered: Int
    /// Tests (Echo Replies) sent.
    public var testsSent: Int
    /// Tests that a router answered.
    public var testsAnswered: Int
    /// The router that answered last; nil for none.
    public var router: IPAddress?

    /// Makes observations.
    public init(
        controlsSent: Int, controlsAnswered: Int, testsSent: Int, testsAnswered: Int,
        router: IPAddress?
    ) {
        self.controlsSent = controlsSent
        self.controlsAnswered = controlsAnswered
        self.testsSent = testsSent
        self.testsAnswered = testsAnswered
        self.router = router
    }
}
