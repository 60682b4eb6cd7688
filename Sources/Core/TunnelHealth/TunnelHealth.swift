// TunnelHealth: placeholder until its first type.
