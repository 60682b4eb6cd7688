import Testing

@testable import ESPAnalysis
