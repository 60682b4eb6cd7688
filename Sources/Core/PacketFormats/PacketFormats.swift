// PacketFormats: placeholder until its first type.
