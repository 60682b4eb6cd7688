#pragma once
// libnl core, and the kernel's route and XFRM messages. No logic.
#include <netinet/in.h> // before linux/in6.h, which gives way to it (linux/libc-compat.h)
//
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// setns(2) is declared only under _GNU_SOURCE, and syscall(2) is variadic: Swift has neither.
static inline int cnetlink_enter_network_namespace(int descriptor) {
    return (int)syscall(SYS_setns, descriptor, 0x40000000 /* CLONE_NEWNET, linux/sched.h */);
}
