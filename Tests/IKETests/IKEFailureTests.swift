import IKE
import Testing

@Suite struct IKEFailureTests {
    @Test func `names are those of the interface page`() {
        #expect(
            IKEFailure.allCases.map(\.rawValue) == [
                "no_response", "no_proposal", "authentication", "identity", "temporary_failure",
                "child_refused",
            ])
    }
}
