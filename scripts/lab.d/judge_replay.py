"""Compares what `probe` predicts from a capture with what the customer's kernel dropped, packet for packet.

Reads what senders.sh left of one case: the kernel's counters, the edges' counters, the capture, and
what `probe analyze` and `probe senders` made of the capture. A reference of its own, written as simply
as can be, stands between the two: where it differs from the kernel, the capture or the lab is at
fault, and where `probe` differs from both, `probe` is.

Prints a line for each check, `ok` or `FAIL`, and ends with status 1 when one failed.
"""

import argparse
import collections
import json
import re
import sys

import capture

# The customer's inbound SA, as in topology.sh.
SPI_TO_CUSTOMER = 0xC0DE0002

# For a number to come before it is lost, in nanoseconds.
PATIENCE = 500_000_000

# Fewer drops of a kind than this prove nothing.
LEAST = 20

failed = False


def check(good, what, detail=""):
    """Prints one comparison."""
    global failed
    failed = failed or not good
    print(f"{'ok  ' if good else 'FAIL'} {what}{': ' + str(detail) if detail != '' else ''}")
    return good


def same(what, *values):
    """Checks that values are equal."""
    return check(len(set(map(str, values))) == 1, what, " = ".join(map(str, values)))


def text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Kernel:
    """What one namespace's kernel says: /proc/net/xfrm_stat, and one SA as `ip -s` prints it."""

    def __init__(self, path):
        said = text(path)
        self.errors = {name: int(count) for name, count in re.findall(r"^(Xfrm\w+)\s+(\d+)$", said, re.M)}
        # Without an SA, none of these.
        drops = re.search(r"stats:\s+replay-window (\d+) replay (\d+) failed (\d+)", said)
        self.too_old, self.already_seen, self.failed = map(int, drops.groups() if drops else (0, 0, 0))
        packets = re.search(r"lifetime current:\s+\d+\(bytes\), (\d+)\(packets\)", said)
        self.packets = int(packets[1]) if packets else 0
        # Of netem; absent where the edge has none.
        lost = re.search(r"dropped (\d+), overlimits", said)
        self.lost = int(lost[1]) if lost else 0


class Reference:
    """Anti-replay and RFC 4737 by their definitions."""

    def __init__(self, packets, window):
        self.too_old = self.already_seen = 0
        highest, accepted = 0, set()
        for packet in packets:
            number = packet.sequence
            if number <= highest and highest - number >= window:
                self.too_old += 1
            elif number in accepted:
                self.already_seen += 1
            else:
                accepted.add(number)
                highest = max(highest, number)
        # seqiv sends the number XORed with a salt of each SA's own, so this names the edge.
        self.senders = collections.defaultdict(list)
        for packet in packets:
            self.senders[packet.iv ^ packet.sequence].append(packet.sequence)
        self.reordered = {
            name: sum(number < max(numbers[:k], default=0) for k, number in enumerate(numbers))
            for name, numbers in self.senders.items()}
        # A number that is missing for half a second is lost; one that went missing later is undecided.
        self.lost = dict.fromkeys(self.senders, 0)
        last = max((p.time for p in packets), default=0)
        missing, tops = {}, {}
        for packet in packets:
            name, number = packet.iv ^ packet.sequence, packet.sequence
            top = tops.setdefault(name, number)
            for skipped in range(top + 1, number):
                missing[name, skipped] = packet.time
            missing.pop((name, number), None)
            tops[name] = max(top, number)
        for (name, _), since in missing.items():
            self.lost[name] += last - since > PATIENCE


def compare_kernel(options, packets, reference):
    """The capture is whole, and the kernel did what the reference says. Returns its counters."""
    before, after = (Kernel(f"{options.case}.{when}") for when in ("before", "after"))
    edges = [Kernel(f"{options.case}.e{k}") for k in range(1, options.edges + 1)]
    given = json.loads(text(f"{options.case}.sent"))
    same("each edge's SA sent what it was given", [e.packets for e in edges], given["sent"])
    same("packets captured = sent by the edges' SAs − lost in their cables", len(packets),
         sum(e.packets - e.lost for e in edges))
    changed = {name: count - before.errors[name] for name, count in after.errors.items()
               if count != before.errors[name]}
    drops = changed.pop("XfrmInStateSeqError", 0)
    same("no other IPsec error", changed, {})
    same("the SA was new", before.packets + before.too_old + before.already_seen + before.failed, 0)
    same("kernel: XfrmInStateSeqError = replay_window + replay", drops, after.too_old + after.already_seen)
    same("kernel: captured = accepted + dropped", len(packets), after.packets + drops)
    same("kernel: accepted = what the customer's socket got", after.packets, given["received"])
    same("reference: replay_window, replay", (reference.too_old, reference.already_seen),
         (after.too_old, after.already_seen))
    # A case in which a window drops nothing of a kind would agree with anything.
    check(after.too_old >= LEAST and after.already_seen >= LEAST, "the window dropped both kinds",
          f"{after.too_old} too old, {after.already_seen} already seen")
    return drops, after, edges


def compare_analysis(options, packets, reference, drops, after):
    """`probe analyze` against the kernel."""
    document = json.loads(text(f"{options.case}.json"))
    same("analyze: schema", document["schema"], "tunnelprobe.analysis/1")
    same("analyze: exit status, for a named window that drops", text(f"{options.case}.status").strip(), 1)
    check(document["truncated"] is False, "analyze: the file is whole")
    streams = document["streams"]
    if not check(len(streams) == 1, "analyze: one stream", len(streams)):
        return
    stream, = streams
    same("analyze: packets = captured", document["packets"], stream["packets"], len(packets))
    same("analyze: SPI", stream["spi"], f"0x{SPI_TO_CUSTOMER:08x}")
    rows = [row for row in stream["replay_windows"] if row["window"] == options.window]
    if check(len(rows) == 1, f"analyze: one row for window {options.window}", len(rows)):
        row, = rows
        same("analyze: would_drop = the kernel's XfrmInStateSeqError", row["would_drop"], drops)
        same("analyze: too_old = the SA's replay_window", row["too_old"], after.too_old)
        same("analyze: already_seen = the SA's replay", row["already_seen"], after.already_seen)
    senders = stream["senders"]
    same("analyze: senders = edges", senders["estimate"], options.edges)
    check(1 < senders["at_least"] <= options.edges, "analyze: provable senders ≤ edges",
          f"{senders['at_least']} ≤ {options.edges}")
    same("analyze: told apart by their IVs", senders["method"], "iv")
    same("analyze: many senders are proven",
         [v["grade"] for v in stream["verdicts"] if v["id"] == "multi_sender"], ["proven"])
    same("analyze: reordered within a sender", stream["reordering"]["sender_packets"],
         sum(reference.reordered.values()))
    same("analyze: lost", stream["lost_packets"], sum(reference.lost.values()))
    same("analyze: duplicates", sum(stream["duplicates"].values()), 0)


def compare_senders(options, reference, edges):
    """`probe senders` against the edges' counters."""
    rows = json.loads(text(f"{options.case}.senders.json"))["senders"]
    same("senders: a row for each edge", len(rows), options.edges)
    same("senders: packets of each = its edge's SA − lost in its cable",
         sorted(row["packets"] for row in rows), sorted(e.packets - e.lost for e in edges))
    for key, counts in (("reordered", reference.reordered), ("lost", reference.lost)):
        same(f"senders: {key} of each", sorted((row["packets"], row[key]) for row in rows),
             sorted((len(reference.senders[name]), count) for name, count in counts.items()))
    check(sum(reference.lost.values()) <= sum(e.lost for e in edges),
          "no more packets are missing than cables lost",
          f"{sum(reference.lost.values())} ≤ {sum(e.lost for e in edges)}")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--case", required=True, help="name that the case's files begin with")
    options.add_argument("--window", required=True, type=int, help="the customer's replay window")
    options.add_argument("--edges", required=True, type=int)
    options = options.parse_args()
    packets = [p for p in capture.read(f"{options.case}.pcap")
               if p.kind == capture.ESP and p.spi == SPI_TO_CUSTOMER]
    reference = Reference(packets, options.window)
    drops, after, edges = compare_kernel(options, packets, reference)
    for compare, arguments in (
            (compare_analysis, (options, packets, reference, drops, after)),
            (compare_senders, (options, reference, edges))):
        try:
            compare(*arguments)
        except (OSError, ValueError, KeyError, TypeError) as error:
            check(False, f"{compare.__name__}: what probe printed is as documented", repr(error))


if __name__ == "__main__":
    main()
    sys.exit(1 if failed else 0)
