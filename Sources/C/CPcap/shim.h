#pragma once
// libpcap. No logic.
#include <pcap/pcap.h>
