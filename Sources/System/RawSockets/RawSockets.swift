// RawSockets: placeholder until its first type.
