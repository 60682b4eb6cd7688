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
