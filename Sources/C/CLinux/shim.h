#pragma once
// Linux interfaces that Glibc's Swift module does not carry, and the function-like macros that
// Swift cannot import. No logic.
//
// As few headers as possible: a type of the C library that is included here belongs to this module
// too, and every file that uses it must then import both. The C library's come first: the kernel's
// then leave out what they define (libc-compat.h).
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include <linux/capability.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/net_tstamp.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <linux/xfrm.h>

// cmsg(3): Swift does not import function-like macros.
static inline struct cmsghdr *clinux_cmsg_firsthdr(const struct msghdr *message) {
    return CMSG_FIRSTHDR(message);
}
static inline struct cmsghdr *clinux_cmsg_nxthdr(struct msghdr *message, struct cmsghdr *header) {
    return CMSG_NXTHDR(message, header);
}
static inline const void *clinux_cmsg_data(const struct cmsghdr *header) {
    return CMSG_DATA(header);
}
static inline size_t clinux_cmsg_len(size_t byte_count) { return CMSG_LEN(byte_count); }
static inline size_t clinux_cmsg_space(size_t byte_count) { return CMSG_SPACE(byte_count); }

// What the headers declare under _GNU_SOURCE only. Defining that here would make types differ from
// those of Glibc's Swift module, which is built without it.
struct clinux_mmsghdr {
    struct msghdr msg_hdr;
    unsigned int msg_len;
};
struct clinux_in6_pktinfo {
    struct in6_addr ipi6_addr;
    unsigned int ipi6_ifindex;
};
static inline int clinux_setns(int descriptor, int type) {
    extern long syscall(long, ...);
    return (int)syscall(SYS_setns, descriptor, type);
}
static inline int clinux_recvmmsg(int descriptor, struct clinux_mmsghdr *messages, unsigned count,
                                  int flags) {
    extern long syscall(long, ...);
    return (int)syscall(SYS_recvmmsg, descriptor, messages, count, flags, (void *)0);
}
static inline int clinux_pthread_setname(pthread_t thread, const char *name) {
    extern int pthread_setname_np(pthread_t, const char *);
    return pthread_setname_np(thread, name);
}
// Both return static text and are safe in any thread, unlike strerror(3).
static inline const char *clinux_errno_name(int code) {
    extern const char *strerrorname_np(int);
    return strerrorname_np(code);
}
static inline const char *clinux_errno_text(int code) {
    extern const char *strerrordesc_np(int);
    return strerrordesc_np(code);
}

// struct sock_filter and sock_fprog of linux/filter.h, whose macros are those of pcap/bpf.h as well.
struct clinux_instruction {
    unsigned short code;
    unsigned char if_true;
    unsigned char if_false;
    unsigned int operand;
};
struct clinux_program {
    unsigned short count;
    const struct clinux_instruction *instructions;
};

// ioctl(2) is variadic.
static inline int clinux_ioctl(int descriptor, unsigned long request, void *argument) {
    extern int ioctl(int, unsigned long, ...);
    return ioctl(descriptor, request, argument);
}
