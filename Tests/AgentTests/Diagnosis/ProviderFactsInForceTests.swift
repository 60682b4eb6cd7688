import Diagnosis
import Testing
import TunnelHealth

@testable import History
@testable import ProviderChecks

/// The engines that go by the provider's figures have those that the dated table names.
@Suite struct ProviderFactsInForceTests {
    @Test func `the state machine's thresholds are the published ones`() {
        let thresholds = HealthStateMachine.Thresholds()
        #expect(thresholds.degradedWindow == ProviderFacts.degradedSpan.value)
        #expect(thresholds.degradedFailures == ProviderFacts.degradedFailures.value)
        #expect(thresholds.degradedRatio == ProviderFacts.degradedShare.value)
        #expect(thresholds.downSamples == ProviderFacts.downFailures.value)
        #expect(thresholds.recoverySuccesses == ProviderFacts.recoverySuccesses.value)
        #expect(thresholds.healthySuccesses == ProviderFacts.healthyProbes.value)
        #expect(thresholds.degradedMinimum == ProviderFacts.degradedStay.value)
    }

    @Test func `what the provider makes of its own checks goes by the same`() {
        #expect(PredictedHealth.window == ProviderFacts.degradedSpan.value)
        #expect(PredictedHealth.samples == ProviderFacts.healthyProbes.value)
    }

    @Test func `burn rates are of the alert's windows`() {
        #expect(TunnelHistory.burnWindows == ProviderFacts.alertWindows.value)
    }
}
