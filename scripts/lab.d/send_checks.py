#!/usr/bin/python3
"""In the guest: sends health checks as the provider does, with any addresses.

usage: send_checks.py request|reply SOURCE DESTINATION PER_SECOND SECONDS TRIES

Every check has an identifier of its own; one that fails is repeated with it at once, so that TRIES is 1 for
checks that will be answered and 3 for others.
"""

import os
import socket
import struct
import sys
import time


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def main():
    style, source, destination = sys.argv[1:4]
    rate, seconds, tries = map(int, sys.argv[4:7])
    sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    identifier = os.getpid() & 0xFFFF
    start = time.monotonic()
    for number in range(rate * seconds):
        wait = start + number / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        echo = struct.pack(">BBHHH", 8 if style == "request" else 0, 0, 0,
                           identifier + number // tries & 0xFFFF, number % tries)
        payload = struct.pack(">Q", time.time_ns()) + bytes(range(16, 40))
        echo = echo[:2] + struct.pack(">H", checksum(echo + payload)) + echo[4:]
        # The kernel fills in the length, the identification and the header's checksum.
        header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_ICMP, 0,
                             socket.inet_aton(source), socket.inet_aton(destination))
        sender.sendto(header + echo + payload, (destination, 0))


main()
