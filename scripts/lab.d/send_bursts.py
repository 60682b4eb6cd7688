#!/usr/bin/python3
"""In the guest: edge 1 sends bursts of UDP through the tunnel, which routers may fragment.

usage: send_bursts.py PREFIX PACKETS SECONDS OCTETS [PID]

A process that is named gets no turn during a burst, as on a host that is too busy.
"""

import os
import signal
import socket
import sys
import time

from send_steadily import CUSTOMER, EDGE, PORT, udp

# linux/in.h; the socket module of Python 3.11 has neither.
IP_MTU_DISCOVER, IP_PMTUDISC_DONT = 10, 0


def main():
    sender, count, pause = udp(f"{sys.argv[1]}e1", EDGE), int(sys.argv[2]), float(sys.argv[3])
    sender.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
    payload = bytes(int(sys.argv[4]))
    busy = int(sys.argv[5]) if len(sys.argv) > 5 else None
    while True:
        if busy:
            os.kill(busy, signal.SIGSTOP)
        for _ in range(count):
            sender.sendto(payload, (CUSTOMER, PORT))
        if busy:
            os.kill(busy, signal.SIGCONT)
        time.sleep(pause)


main()
