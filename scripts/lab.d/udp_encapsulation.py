#!/usr/bin/python3
"""In the guest: opens UDP port 4500 for ESP (RFC 3948) in network namespaces, and sleeps until it is ended.

usage: udp_encapsulation.py 4|6 NAMESPACE…
"""

import ctypes
import os
import signal
import socket
import sys

CLONE_NEWNET = 0x40000000
UDP_ENCAP, UDP_ENCAP_ESPINUDP = 100, 2


def main():
    family = socket.AF_INET6 if sys.argv[1] == "6" else socket.AF_INET
    sockets = []
    for name in sys.argv[2:]:
        with open(f"/run/netns/{name}", "rb") as file:
            # os.setns is of Python 3.12.
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"setns {name}")
        made = socket.socket(family, socket.SOCK_DGRAM)
        made.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)
        made.bind(("", 4500))
        sockets.append(made)
    print("open", flush=True)
    os.close(1)
    signal.pause()


main()
