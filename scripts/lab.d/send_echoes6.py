#!/usr/bin/python3
"""In the guest: ICMPv6 echoes with a hop limit, which hping3 cannot send; what Time Exceeded answers them.

usage: send_echoes6.py request|reply DESTINATION HOPS
"""

import os
import socket
import struct
import sys
import time

TYPES = {"request": 128, "reply": 129}


def main():
    style, destination, hops = sys.argv[1], sys.argv[2], int(sys.argv[3])
    raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
    identifier = os.getpid() & 0xFFFF
    for number in range(1):
        try:
            raw.sendto(struct.pack(">BBHHH", TYPES[style], 0, 0, identifier, number) + bytes(24), (destination, 0))
        except PermissionError:
            print("not sent")
        end = time.monotonic() + 1
        while (left := end - time.monotonic()) > 0:
            raw.settimeout(left)
            try:
                data, (router, *_) = raw.recvfrom(2048)
            except TimeoutError:
                break
            # Eight octets, the quoted IPv6 header, the quoted echo.
            if data[0] == 3 and len(data) >= 56 and data[48] == TYPES[style] and \
                    struct.unpack_from(">H", data, 52)[0] == identifier:
                print(f"TTL 0 during transit from ip={router}")


main()
