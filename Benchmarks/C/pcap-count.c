// Counts the packets of a capture file with pcap_loop, and does nothing else: what reading costs.

#include <pcap/pcap.h>
#include <stdio.h>

static void count(u_char *counter, const struct pcap_pkthdr *header, const u_char *frame)
{
    (void)header;
    (void)frame;
    ++*(unsigned long *)counter;
}

int main(int argc, char **argv)
{
    char error[PCAP_ERRBUF_SIZE];
    unsigned long packets = 0;
    pcap_t *file = argc == 2 ? pcap_open_offline(argv[1], error) : NULL;
    if (!file) {
        fprintf(stderr, "pcap-count: %s\n", argc == 2 ? error : "usage: pcap-count FILE");
        return 64;
    }
    if (pcap_loop(file, -1, count, (u_char *)&packets) < 0) {
        fprintf(stderr, "pcap-count: %s\n", pcap_geterr(file));
        return 1;
    }
    printf("%lu\n", packets);
    return 0;
}
