import Testing

@testable import Diagnosis

@Suite struct `Settings by vendor` {
    @Test func `every vendor that cannot turn its check off is told what stands in for it`() {
        let lines = VendorTable.remedies(.antiReplayOff)
        let unable = VendorTable.vendors.filter {
            if case .cannot = $0.settings[.antiReplayOff] { true } else { false }
        }
        #expect(!unable.isEmpty)
        for vendor in unable { #expect(lines.last?.contains(vendor.name) == true) }
        #expect(lines.last?.contains("replay protection on") == true)
    }

    @Test func `what runs on this host is listed on request alone`() {
        #expect(!VendorTable.remedies(.antiReplayOff).contains { $0.hasPrefix("strongSwan") })
        #expect(
            VendorTable.remedies(.antiReplayOff, withLinux: true)
                .contains { $0.hasPrefix("libreswan: replay-window=0") })
    }

    @Test func `each vendor stands once and each setting has its source`() {
        #expect(Set(VendorTable.vendors.map(\.name)).count == VendorTable.vendors.count)
        for vendor in VendorTable.vendors {
            #expect(!vendor.settings.isEmpty, "\(vendor.name)")
            for setting in vendor.settings.values { #expect(!setting.source.isEmpty) }
        }
    }

    @Test(arguments: VendorTable.Topic.allCases)
    func `every topic has a step for somebody`(_ topic: VendorTable.Topic) {
        #expect(!VendorTable.remedies(topic, withLinux: true).isEmpty)
    }
}

@Suite struct `Facts of the provider` {
    @Test func `two statements that disagree both stand and name each other`() {
        #expect(ProviderFacts.childLifetime.contradiction != nil)
        #expect(ProviderFacts.childLifetimeByReference.contradiction != nil)
        #expect(
            ProviderFacts.childLifetime.value.lowerBound
                > ProviderFacts.childLifetimeByReference.value.lowerBound)
        #expect(ProviderFacts.childLifetime.source != ProviderFacts.childLifetimeByReference.source)
    }

    @Test func `a citation names the page and when it was read`() {
        #expect(
            ProviderFacts.replayWindow.citation
                == "provider's page \"Anti-replay protection\", \(ProviderFacts.readOn)")
    }
}
