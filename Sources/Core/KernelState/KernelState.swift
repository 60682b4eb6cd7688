// KernelState: placeholder until its first type.
