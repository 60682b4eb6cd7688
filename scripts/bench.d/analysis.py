"""`scripts/bench analysis`: what `probe analyze` costs beside a program that only reads, and beside tshark.

All figures are ratios of one run: the programs take turns on the same file in the page cache, and of
each its best turn counts, by wall time. CPU time stands beside it: `probe` reads on one thread and
analyses on another, so on a busy machine its wall time grows more than that of the others.
"""

import argparse
import json
import os
import re
import signal
import sys
import tempfile

from tools import BenchFailure, Goals, Run, Tools, Traffic, best, limit_files

# (senders, IV mode, most times the bare pcap_loop)
KINDS = ((50, "seqiv", 3), (50, "random", 15), (2000, "seqiv", 5), (2000, "random", 15))
LEAST_FASTER_THAN_TSHARK = 40
# A packet that allocates would show as 1; what remains is two for each batch of 512 that one thread
# hands to the other, tables that grow, and the report.
MOST_ALLOCATIONS = 0.01
# A bounded program has the same peak after twice the flood.
MOST_GROWTH = 4
# What an attacker's packet may cost: about what one of thousands of benign senders costs.
MOST_FLOOD_TIME = 3


def analyze(options, path, **more):
    """One `probe analyze`; which statuses say what is the interface page's."""
    return Run([options.probe, "analyze", "--json", path], accepted=(0, 1), **more)


def check_said(run, packets, streams=None):
    """What is measured must also be right."""
    document = json.loads(run.out)
    if document["packets"] != packets:
        raise BenchFailure(f"probe analyze read {document['packets']} packets of {packets}")
    if streams is not None and len(document["streams"]) != streams:
        raise BenchFailure(f"probe analyze found {len(document['streams'])} streams of {streams}")
    return document


def speed(options, tools, traffic, goals):
    """Time beside a bare pcap_loop and beside tshark."""
    count = tools.c("pcap-count", "-lpcap")
    for senders, iv, most in KINDS:
        kind = ("--senders", senders, "--iv", iv)
        print(f"\n{senders} senders, {'IVs that name them' if iv == 'seqiv' else 'random IVs'}:", flush=True)
        with traffic.file("--packets", options.packets, *kind) as path:
            probes, bare = [], []
            for _ in range(options.rounds):
                bare.append(Run([count, path]))
                probes.append(analyze(options, path))
        probe, bare = best(probes), best(bare)
        if int(bare.out) != options.packets:
            raise BenchFailure(f"pcap_loop read {bare.out.strip()} packets of {options.packets}")
        found = check_said(probe, options.packets, 1)["streams"][0]["senders"]
        print(f"  {'':20}{'CPU':>9}{'time':>9}{'per packet':>13}{'peak':>10}")
        for who, run in (("pcap_loop", bare), ("probe analyze", probe)):
            print(f"  {who:<20}{run.cpu:>7.2f} s{run.wall:>7.2f} s{run.wall / options.packets * 1e9:>10.0f} ns"
                  f"{run.peak:>6.0f} MiB")
        print(f"  it says: {found['estimate']} senders by {found['method']}, at least {found['at_least']}")
        if not options.no_tshark:
            with traffic.file("--packets", options.tshark_packets, *kind) as path:
                fields = ["tshark", "-n", "-r", path, "-T", "fields", "-e", "esp.spi", "-e", "esp.sequence"]
                tshark = Run(fields)
            if tshark.out.count("\n") != options.tshark_packets:
                raise BenchFailure("tshark printed another number of packets")
            each = tshark.wall / options.tshark_packets
            print(f"  {'tshark':<20}{tshark.cpu:>7.2f} s{tshark.wall:>7.2f} s{each * 1e9:>10.0f} ns"
                  f"{tshark.peak:>6.0f} MiB   ({options.tshark_packets} packets, once)")
        goals.at_most("time / that of a bare pcap_loop", probe.wall / bare.wall, most, "×")
        print(f"  {'CPU time / that of a bare pcap_loop':<58} {probe.cpu / bare.cpu:>9.4g}×")
        if not options.no_tshark:
            goals.at_least("tshark's time for each packet / its own",
                           each / (probe.wall / options.packets),
                           LEAST_FASTER_THAN_TSHARK, "×")


def allocations(options, tools, traffic, goals):
    """Allocations of a file and of one twice as long: the difference is what the packets cost."""
    counter = tools.c("malloc-count", "-shared", "-fPIC")
    packets = options.packets // 4
    for senders, iv, _ in KINDS:
        print(f"\nallocations, {senders} senders, {iv}:", flush=True)
        calls = []
        for length in (packets, 2 * packets):
            with traffic.file("--packets", length, "--senders", senders, "--iv", iv) as path:
                run = analyze(options, path, environment={"LD_PRELOAD": counter})
            check_said(run, length, 1)
            found = re.search(r"malloc-count: (\d+) calls", run.err)
            if not found:
                raise BenchFailure("malloc-count said nothing")
            calls.append(int(found[1]))
        print(f"  {packets} packets: {calls[0]} allocations; {2 * packets}: {calls[1]}")
        goals.at_most("allocations for each further packet", (calls[1] - calls[0]) / packets, MOST_ALLOCATIONS)


def floods(options, traffic, goals):
    """Memory and time where somebody sends what grows tables."""
    packets = options.packets // 2
    base = ("--senders", 50, "--iv", "random")

    def measure(length, *kind):
        with traffic.file("--packets", length, *kind) as path:
            run = best([analyze(options, path) for _ in range(options.rounds)])
        check_said(run, length)
        return run

    print("\nmemory, and floods (every second packet is forged):", flush=True)
    benign = measure(packets, *base)
    rows = [("50 senders on 1 SA", benign)]
    for senders, streams in ((500, 10), (5000, 10)):
        for iv in ("seqiv", "random"):
            rows.append((f"{senders} senders on each of {streams} SAs, {iv}",
                         measure(packets, "--senders", senders, "--streams", streams, "--iv", iv)))
    for what, run in rows:
        print(f"  {what:<58} {run.peak:>6.0f} MiB {run.cpu / packets * 1e9:>8.0f} ns")
    for flood, name in (("spi", "random SPIs"), ("sequence", "random numbers on one SA")):
        once, twice = (measure(length, *base, "--flood", flood) for length in (packets, 2 * packets))
        print(f"  {'flood of ' + name:<58} {once.peak:>6.0f} MiB {once.cpu / packets * 1e9:>8.0f} ns")
        goals.at_most(f"{name}: further memory after twice the packets", max(0, twice.peak - once.peak),
                      MOST_GROWTH, " MiB")
        goals.at_most(f"{name}: time for a packet / benign", once.cpu / benign.cpu, MOST_FLOOD_TIME, "×")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench analysis", add_help=False)
    parser.add_argument("--probe", required=True)
    parser.add_argument("--packets", type=int, default=5_000_000)
    parser.add_argument("--tshark-packets", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-tshark", action="store_true")
    parser.add_argument("--folder")
    try:
        options = parser.parse_args()
    except SystemExit:
        return 64
    if options.packets < 1000 or options.tshark_packets < 1000 or options.rounds < 1:
        print("bench: --packets and --tshark-packets take 1000 or more, --rounds 1 or more", file=sys.stderr)
        return 64
    # As for SIGINT: what was made is taken away again.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    limit_files()
    goals = Goals()
    print(f"{options.packets} frames of 140-octet ESP, 128 octets kept; best of {options.rounds} turns; "
          f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as folder:
            tools = Tools(folder)
            traffic = Traffic(tools)
            speed(options, tools, traffic, goals)
            allocations(options, tools, traffic, goals)
            floods(options, traffic, goals)
    except (BenchFailure, OSError, ValueError, KeyError) as failure:
        print(f"bench: {failure!r}", file=sys.stderr)
        return 70
    print(f"\nload now {os.getloadavg()[0]:.1f}; "
          + (f"{goals.missed} goals missed" if goals.missed else "every goal met"))
    return 1 if goals.missed else 0


if __name__ == "__main__":
    sys.exit(main())
