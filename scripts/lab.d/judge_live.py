"""Compares the metrics of an agent, and of an observer at a mirror port, with the kernel's counters and tcpdump.

Reads what the scenario left: the kernel's counters, the capture, both agents' /metrics, and the
endpoint's `probe status` and `probe senders`. Prints a line for each check, as judge_replay.py does.
"""

import argparse
import json
import re
import sys

import capture
import judge_replay
from judge_replay import Kernel, Reference, SPI_TO_CUSTOMER, check, same, text

SPI_TO_EDGE = 0xC0DE0001


# How old what a scrape tells may be: packets wait in the capture's ring for some milliseconds.
FRESHNESS = 500_000_000


class Metrics:
    """A scrape: {(family, frozen labels): value}, and the nanoseconds between which it was made."""

    def __init__(self, name):
        self.values = {}
        self.began, self.ended = map(int, text(f"{name}.when").split())
        for line in text(f"{name}.metrics").splitlines():
            found = re.match(r"(tunnelprobe_\w+)(?:\{(.*)\})? (\S+)$", line)
            if found:
                labels = frozenset(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
                self.values[found[1], labels] = float(found[3])

    def __call__(self, family, **labels):
        value = self.values.get((f"tunnelprobe_{family}", frozenset(labels.items())))
        return int(value) if value is not None and value == int(value) else value


def compare(who, metrics, device, packets, references, options):
    """One agent's metrics with the packets, and with what each window drops of them."""
    inbound, outbound = packets
    same(f"{who}: esp_packets_total inbound = captured",
         metrics("esp_packets_total", tunnel="lab", direction="inbound"), len(inbound))
    # The agent goes on asking while it is asked.
    count = metrics("esp_packets_total", tunnel="lab", direction="outbound") or 0
    least = sum(p.time < metrics.began - FRESHNESS for p in outbound)
    most = sum(p.time < metrics.ended for p in outbound)
    check(0 < least <= count <= most, f"{who}: esp_packets_total outbound = captured until the scrape",
          f"{least} ≤ {count} ≤ {most}")
    for direction, seen in (("inbound", inbound), ("outbound", outbound[:count])):
        same(f"{who}: esp_bytes_total {direction} = captured",
             metrics("esp_bytes_total", tunnel="lab", direction=direction), sum(p.length for p in seen))
    for window, reference in references.items():
        same(f"{who}: esp_replay_would_drop_total of window {window}",
             metrics("esp_replay_would_drop_total", tunnel="lab", window=str(window)),
             reference.too_old + reference.already_seen)
    same(f"{who}: esp_senders = edges", metrics("esp_senders", tunnel="lab"), options.edges)
    least = metrics("esp_senders_min", tunnel="lab")
    check(least is not None and 1 < least <= options.edges, f"{who}: esp_senders_min ≤ edges", least)
    reference = references[min(references)]
    same(f"{who}: esp_sender_reordered_total",
         metrics("esp_sender_reordered_total", tunnel="lab", direction="inbound"),
         sum(reference.reordered.values()))
    same(f"{who}: esp_lost_total", metrics("esp_lost_total", tunnel="lab", direction="inbound"),
         sum(reference.lost.values()))
    same(f"{who}: capture_drops_total",
         metrics("capture_drops_total", interface=device, netns=""), 0)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--case", required=True, help="name that the case's files begin with")
    options.add_argument("--windows", required=True, help="the forecast windows; the first is in force")
    options.add_argument("--edges", required=True, type=int)
    options = options.parse_args()
    windows = list(map(int, options.windows.split(",")))

    everything = [p for p in capture.read(f"{options.case}.pcap") if p.kind == capture.ESP]
    inbound = [p for p in everything if p.spi == SPI_TO_CUSTOMER]
    packets = inbound, [p for p in everything if p.spi == SPI_TO_EDGE]
    references = {window: Reference(inbound, window) for window in windows}
    before, after = (Kernel(f"{options.case}.{when}") for when in ("before", "after"))
    edges = [Kernel(f"{options.case}.e{k}") for k in range(1, options.edges + 1)]
    drops = after.errors["XfrmInStateSeqError"] - before.errors["XfrmInStateSeqError"]
    same("packets captured = sent by the edges' SAs", len(inbound), sum(e.packets for e in edges))
    same("kernel: captured = accepted + dropped", len(inbound), after.packets + drops)
    same("kernel: replay_window, replay = reference", (after.too_old, after.already_seen),
         (references[windows[0]].too_old, references[windows[0]].already_seen))
    check(after.too_old >= judge_replay.LEAST and after.already_seen >= judge_replay.LEAST,
          "the window dropped both kinds", f"{after.too_old} too old, {after.already_seen} already seen")

    metrics = Metrics(options.case)
    same(f"agent: esp_replay_would_drop_total of window {windows[0]} = the kernel's XfrmInStateSeqError",
         metrics("esp_replay_would_drop_total", tunnel="lab", window=str(windows[0])), drops)
    compare("agent", metrics, "wan", packets, references, options)
    compare("observer", Metrics("observer"), "mirror", packets, references, options)
    try:
        tunnel, = json.loads(text("status.json"))["tunnels"]
        stream, = [s for s in tunnel["streams"] if s["direction"] == "inbound"]
        row, = [row for row in stream["replay_windows"] if row["window"] == windows[0]]
        same("status: too_old, already_seen = the SA's", (row["too_old"], row["already_seen"]),
             (after.too_old, after.already_seen))
        same("status: senders by their IVs", (stream["senders"]["estimate"], stream["senders"]["method"]),
             (options.edges, "iv"))
        rows = json.loads(text(f"{options.case}.senders.json"))["senders"]
        same("senders: packets of each = its edge's SA", sorted(row["packets"] for row in rows),
             sorted(e.packets for e in edges))
    except (OSError, ValueError, KeyError, TypeError) as error:
        check(False, "what probe printed is as documented", repr(error))


if __name__ == "__main__":
    main()
    sys.exit(1 if judge_replay.failed else 0)
