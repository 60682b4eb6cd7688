// Netlink: placeholder until its first type.
