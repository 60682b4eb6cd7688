// Metrics: placeholder until its first type.
