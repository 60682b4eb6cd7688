#!/usr/bin/python3
"""In the guest: every edge sends UDP to the customer at an even pace, through whatever SA it has.

usage: send_steadily.py PREFIX EDGES PER_SECOND SECONDS
"""

import ctypes
import socket
import sys
import time

CUSTOMER, EDGE, PORT = "10.252.0.1", "10.252.0.0", 4789
CLONE_NEWNET = 0x40000000


def udp(namespace, address):
    """A UDP socket in a network namespace."""
    with open(f"/run/netns/{namespace}", "rb") as file:
        # os.setns is of Python 3.12.
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, 0))
    return made


def main():
    prefix, edges, rate, seconds = sys.argv[1], *map(int, sys.argv[2:5])
    sockets = [udp(f"{prefix}e{k}", EDGE) for k in range(1, edges + 1)]
    start = time.monotonic()
    unsent = 0
    for index in range(rate * seconds * edges):
        wait = start + index / (rate * edges) - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        try:
            sockets[index % edges].sendto(bytes(64), (CUSTOMER, PORT))
        except OSError:
            # Between two SAs there may be none.
            unsent += 1
    print(f"{rate * seconds * edges - unsent} sent, {unsent} unsent")


if __name__ == "__main__":
    main()
