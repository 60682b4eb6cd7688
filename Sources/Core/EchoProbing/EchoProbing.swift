// EchoProbing: placeholder until its first type.
