#pragma once
// libpcap, and what it leaves to its callers. No logic.
#include <pcap/pcap.h>
#include <sys/socket.h>

#ifndef SO_ATTACH_FILTER
#define SO_ATTACH_FILTER 26
#endif

// struct sock_fprog of linux/filter.h, which cannot be included beside pcap/bpf.h: they define the
// same macros. Instructions have one layout in both.
struct cpcap_sock_fprog {
    unsigned short len;
    const struct bpf_insn *filter;
};

// SO_ATTACH_FILTER of socket(7): 0 on success, -1 with errno.
static inline int cpcap_attach_filter(int descriptor, const struct bpf_program *program) {
    struct cpcap_sock_fprog filter = {(unsigned short)program->bf_len, program->bf_insns};
    return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}
