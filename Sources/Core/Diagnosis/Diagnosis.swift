// Diagnosis: placeholder until its first type.
