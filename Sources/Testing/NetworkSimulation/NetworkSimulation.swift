// NetworkSimulation: placeholder until its first type.
