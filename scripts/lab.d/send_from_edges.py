#!/usr/bin/python3
"""In the guest: every edge sends UDP to the customer through its own end of the tunnel, all at once.

usage: send_from_edges.py PREFIX EDGES PACKETS SEED

ECMP leads one address pair over one edge, so traffic of the customer's would meet a single counter.
Here each edge starts on its own: two by two at the same rate, each two slower than the two before,
every third edge later than the others, in random order and sizes. One process for all, since a
process takes 100 ms in the guest.

Prints JSON: how many packets each edge was given, and how many the customer's socket got.
"""

import ctypes
import json
import random
import socket
import sys
import time

CUSTOMER, EDGE, PORT = "10.252.0.1", "10.252.0.0", 4789
PER_SECOND = 2000
CLONE_NEWNET = 0x40000000


def enter(namespace):
    """Moves this process into a network namespace; sockets made there stay there."""
    with open(f"/run/netns/{namespace}", "rb") as file:
        # os.setns is of Python 3.12.
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {namespace}")


def udp(namespace, address, port=0):
    """A UDP socket in a namespace."""
    enter(namespace)
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, port))
    return made


def drain(sink):
    """How many datagrams a socket holds."""
    count = 0
    while True:
        try:
            sink.recv(2048)
        except BlockingIOError:
            return count
        count += 1


def main():
    prefix, edges, packets, seed = sys.argv[1], *map(int, sys.argv[2:5])
    chance = random.Random(seed)
    sink = udp(f"{prefix}c", CUSTOMER, PORT)
    sink.setblocking(False)
    sockets = [udp(f"{prefix}e{k}", EDGE) for k in range(1, edges + 1)]
    weights = [1 / (k // 2 + 1) ** 0.7 for k in range(edges)]
    sent = [0] * edges
    received = 0
    start = time.monotonic()
    for index in range(packets):
        # Every third edge comes in when a quarter has gone out, as servers do that take over a tunnel.
        late = index < packets / 4
        edge, = chance.choices(range(edges), [
            0 if late and k % 3 == 2 else weight for k, weight in enumerate(weights)])
        sockets[edge].sendto(bytes(chance.choice((32, 64, 64, 512))), (CUSTOMER, PORT))
        sent[edge] += 1
        if index % 32 == 0:
            received += drain(sink)
            wait = start + index / PER_SECOND - time.monotonic()
            if wait > 0:
                time.sleep(wait)
    # A number is lost when it has not come for half a second: one more packet decides nearly all of them.
    time.sleep(0.7)
    for edge, socket_ in enumerate(sockets):
        socket_.sendto(bytes(64), (CUSTOMER, PORT))
        sent[edge] += 1
    # What netem holds back is on its way for some milliseconds.
    time.sleep(0.3)
    received += drain(sink)
    print(json.dumps({"sent": sent, "received": received}))


main()
