// Agent: placeholder until its first type.
