#!/usr/bin/python3
"""In the guest: two edges whose counters overtake each other on one SA.

usage: send_in_turns.py PREFIX PER_SECOND BESIDES LEAD CYCLE

Edge 1 sends at an even pace, and so many a second besides that others have it send. At the beginning of every CYCLE seconds edge 2 sends as many packets at once as bring
its counter LEAD ahead of that of edge 1, whose packets a replay window below LEAD then drops until it has
caught up. Both counters are the same at the start.
"""

import sys
import time

from send_steadily import CUSTOMER, EDGE, PORT, udp


def main():
    prefix, rate, besides, lead, cycle = sys.argv[1], *map(int, sys.argv[2:6])
    first, second = (udp(f"{prefix}e{k}", EDGE) for k in (1, 2))
    ahead = 0
    start = time.monotonic()
    for number in range(rate * 600):
        wait = start + number / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        if number % (rate * cycle) == rate * cycle // 2:
            while ahead < number * (rate + besides) / rate + lead:
                second.sendto(bytes(64), (CUSTOMER, PORT))
                ahead += 1
        first.sendto(bytes(64), (CUSTOMER, PORT))


main()
