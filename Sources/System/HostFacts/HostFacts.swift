// HostFacts: placeholder until its first type.
