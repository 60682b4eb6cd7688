#!/usr/bin/python3
"""In the guest, at a router: keeps ESP packets on their way to the customer, and sends some again later.

usage: inject_old.py DEVICE CUSTOMER SECONDS

Every fifth packet that comes in by DEVICE is sent once more, SECONDS later and otherwise the same.
"""

import collections
import socket
import sys
import time

ESP = 50


def main():
    device, customer, age = sys.argv[1], socket.inet_aton(sys.argv[2]), float(sys.argv[3])
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    tap.bind((device, 0x0800))
    tap.settimeout(0.2)
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    kept = collections.deque(maxlen=1000)
    seen = again = 0
    while True:
        try:
            packet, where = tap.recvfrom(65535)
        except TimeoutError:
            packet = b""
        if packet and where[2] != socket.PACKET_OUTGOING and packet[9] == ESP and packet[16:20] == customer:
            seen += 1
            if seen % 5 == 0:
                # The hop limit that the original arrived with.
                kept.append((time.monotonic(), packet[:8] + bytes([packet[8] - 1]) + packet[9:]))
        while kept and kept[0][0] + age <= time.monotonic():
            out.sendto(kept.popleft()[1], (socket.inet_ntoa(customer), 0))
            again += 1
            print(f"{again} again of {seen}", flush=True)


main()
