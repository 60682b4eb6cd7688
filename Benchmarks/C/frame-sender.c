// Sends the frames of a capture file on a device at an even pace, over and over, past every queue.
//
// usage: frame-sender DEVICE FILE PER_SECOND SECONDS [LENGTH]
//
// Frames are sent LENGTH octets long (default: as captured), padded with what follows in memory.
// Prints how many were sent, how many the device refused, and the pace that was kept.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 32 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static void fail(const char *what)
{
    fprintf(stderr, "frame-sender: %s: %s\n", what, strerror(errno));
    exit(70);
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: frame-sender DEVICE FILE PER_SECOND SECONDS [LENGTH]\n");
        return 64;
    }
    double pace = atof(argv[3]), seconds = atof(argv[4]);
    size_t length = argc > 5 ? strtoul(argv[5], NULL, 10) : 0;

    // All frames in one block of memory, each in a slot of its own.
    char error[PCAP_ERRBUF_SIZE];
    pcap_t *file = pcap_open_offline(argv[2], error);
    if (!file) {
        fprintf(stderr, "frame-sender: %s\n", error);
        return 64;
    }
    size_t slot = (size_t)pcap_snapshot(file), frames = 0, room = 1 << 16;
    if (slot < length) slot = length;
    unsigned char *memory = calloc(room, slot);
    size_t *lengths = calloc(room, sizeof *lengths);
    struct pcap_pkthdr *header;
    const unsigned char *octets;
    while (pcap_next_ex(file, &header, &octets) == 1) {
        if (frames == room) {
            room *= 2;
            memory = realloc(memory, room * slot);
            lengths = realloc(lengths, room * sizeof *lengths);
        }
        if (!memory || !lengths) fail("memory");
        memset(memory + frames * slot, 0, slot);
        memcpy(memory + frames * slot, octets, header->caplen);
        lengths[frames++] = length ? length : header->caplen;
    }
    if (!frames) fail("the file has no frames");

    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    if (fd < 0) fail("socket");
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = (int)if_nametoindex(argv[1])};
    int yes = 1;
    if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes)) fail("PACKET_QDISC_BYPASS");
    if (bind(fd, (struct sockaddr *)&address, sizeof address)) fail(argv[1]);

    struct mmsghdr batch[BATCH];
    struct iovec parts[BATCH];
    memset(batch, 0, sizeof batch);
    for (int k = 0; k < BATCH; k++) batch[k].msg_hdr = (struct msghdr){.msg_iov = &parts[k], .msg_iovlen = 1};

    unsigned long sent = 0, refused = 0, position = 0;
    double start = now(), behind = 0;
    for (;;) {
        double elapsed = now() - start;
        if (elapsed >= seconds) break;
        double due = elapsed * pace - (double)(sent + refused);
        if (due < BATCH) {
            // Shorter than the time a batch takes at 200 000 a second.
            struct timespec pause = {.tv_nsec = 20000};
            nanosleep(&pause, NULL);
            continue;
        }
        if (due / pace > behind) behind = due / pace;
        for (int k = 0; k < BATCH; k++) {
            parts[k].iov_base = memory + position * slot;
            parts[k].iov_len = lengths[position];
            position = position + 1 == frames ? 0 : position + 1;
        }
        int done = sendmmsg(fd, batch, BATCH, 0);
        if (done < 0 && errno != ENOBUFS && errno != EAGAIN) fail("sendmmsg");
        if (done < 0) done = 0;
        sent += (unsigned long)done;
        if (done < BATCH) refused += (unsigned long)(BATCH - done);
    }
    double elapsed = now() - start;
    printf("{\"sent\": %lu, \"refused\": %lu, \"seconds\": %.3f, \"per_second\": %.0f, \"most_behind\": %.4f}\n",
           sent, refused, elapsed, (double)sent / elapsed, behind);
    return 0;
}
