"""Compares the rekeys that the agent, an observer and `probe analyze` timed with tcpdump's packets.

The points are found here by their definition, in quadratic time, from what tcpdump recorded in the same
run. Prints a line for each check, as judge_replay.py does.
"""

import datetime
import json
import sys

import capture
from judge_live import Metrics
from judge_replay import Kernel, check, same, text

FIRST_SPI = 0xC0DE0002
SPIS = [FIRST_SPI + 256 * k for k in range(4)]

# Both read the same kernel stamps; tcpdump's file has microseconds.
EXACT = 0.000_01
# At the mirror port another device stamps a copy.
MIRRORED = 0.001
# The kernel's event is read a little after the kernel has the SA, on a busy machine not so little, and
# times have milliseconds.
EVENT = 0.5


def seconds(stamp):
    """Seconds since 1970 of an RFC 3339 time."""
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


class Truth:
    """One rekey as tcpdump saw it."""

    def __init__(self, packets, number):
        new = set(SPIS[number:])
        self.first = next(p.time for p in packets if p.spi == SPIS[number])
        flags = [(p.spi in new, p.time) for p in packets if p.time >= self.first]
        self.tail = [time for is_new, time in flags if not is_new]
        self.points = {share: self.point(flags, share) for share in (50, 99)}
        self.old = [p.time / 1e9 for p in packets if p.spi == SPIS[number - 1]]

    @staticmethod
    def point(flags, share):
        """The first packet from which on every stretch has so many percent on the new SPI."""
        for start in range(len(flags)):
            new = 0
            for end in range(start, len(flags)):
                new += flags[end][0]
                if new * 100 < share * (end - start + 1):
                    break
            else:
                return flags[start][1]
        return None


def close(what, value, truth, tolerance=EXACT):
    check(value is not None and abs(value - truth) <= tolerance, what, f"{value} = {truth:.6f}")


def compare(who, rekeys, truths, seen_by, tolerance=EXACT):
    if not same(f"{who}: rekeys", [r["spi"] for r in rekeys], [f"0x{spi:08x}" for spi in SPIS[1:]]):
        return
    for number, (rekey, truth) in enumerate(zip(rekeys, truths), 1):
        name = f"{who}: rekey {number}:"
        same(f"{name} seen by", rekey["seen_by"], seen_by)
        same(f"{name} ending", rekey["ending"], "finished")
        same(f"{name} former SPI", rekey["former_spi"], f"0x{SPIS[number - 1]:08x}")
        same(f"{name} packets on the old SPI", rekey["tail_packets"], len(truth.tail))
        close(f"{name} tail", rekey["tail_seconds"], (truth.tail[-1] - truth.first) / 1e9, tolerance)
        for key, share in (("half", 50), ("convergence", 99)):
            close(f"{name} {share} % after the first packet",
                  rekey[f"{key}_seconds"] - rekey["first_packet_seconds"],
                  (truth.points[share] - truth.first) / 1e9, tolerance)
        close(f"{name} first packet", seconds(rekey["installed_at"]) + rekey["first_packet_seconds"],
              truth.first / 1e9, 0.002)


def main():
    everything = [p for p in capture.read("rekeys.pcap") if p.kind == capture.ESP]
    inbound = sorted((p for p in everything if p.spi in SPIS), key=lambda p: p.time)
    truths = [Truth(inbound, number) for number in (1, 2, 3)]
    check(all(len(t.tail) > 20 for t in truths), "edges lagged", [len(t.tail) for t in truths])

    tunnel, = json.loads(text("status.json"))["tunnels"]
    rekeys = tunnel["rekeys"]
    compare("agent", rekeys, truths, "kernel")
    installed = [list(map(int, line.split())) for line in text("rekeys.installed").splitlines()]
    deleted = least = most = 0
    for (number, before, after), rekey, truth in zip(installed, rekeys, truths):
        at = seconds(rekey["installed_at"])
        check(before / 1e9 - 0.002 <= at <= after / 1e9 + EVENT, f"agent: rekey {number}: installed when ip said so",
              f"{before / 1e9:.3f} ≤ {at} ≤ {after / 1e9:.3f}")
        removed = seconds(rekey["former_deleted_at"])
        low = sum(time > removed + 0.002 for time in truth.old)
        high = sum(time > removed - EVENT for time in truth.old)
        count = rekey["packets_for_deleted_spi"]
        check(low <= count <= high and count > 0, f"agent: rekey {number}: packets for the deleted SPI", f"{low} ≤ {count} ≤ {high}")
        deleted, least, most = deleted + count, least + low, most + high
        check(rekey["probes_sent"] > 0 and 0 <= rekey["probes_lost"] <= rekey["probes_sent"],
              f"agent: rekey {number}: probes", (rekey["probes_sent"], rekey["probes_lost"]))
    before, after = (Kernel(f"rekeys.{when}") for when in ("before", "after"))
    refused = after.errors["XfrmInNoStates"] - before.errors["XfrmInNoStates"]
    check(deleted <= refused <= most, "kernel: XfrmInNoStates, told of a little before the events are read",
          f"{deleted} ≤ {refused} ≤ {most}")

    observer, = json.loads(text("observer.json"))["tunnels"]
    compare("observer", observer["rekeys"], truths, "wire", MIRRORED)
    analysis = [r for r in json.loads(text("rekeys.json"))["rekeys"] if r["destination"] == inbound[0].destination]
    compare("analyze", analysis, truths, "wire")
    for who, name, found in (("agent", "rekeys", rekeys), ("observer", "observer", observer["rekeys"])):
        metrics = Metrics(name)
        same(f"{who}: rekey_convergence_seconds_count", metrics("rekey_convergence_seconds_count", tunnel="lab"), 3)
        close(f"{who}: rekey_convergence_seconds_sum", metrics("rekey_convergence_seconds_sum", tunnel="lab"),
              sum(r["convergence_seconds"] for r in found))


if __name__ == "__main__":
    main()
    import judge_replay
    sys.exit(1 if judge_replay.failed else 0)
