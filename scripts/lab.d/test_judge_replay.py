#!/usr/bin/python3
"""The judge of replay drops judged: a case whose every number is right passes, and each wrong one fails it.

Three edges, simulated with a receiver of a window of 32: two that repeat each other's numbers, one far
behind them, one packet swapped, one lost in a cable.
"""

import copy
import ipaddress
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

JUDGE = pathlib.Path(__file__).with_name("judge_replay.py")
SPI, WINDOW = 0xC0DE0002, 32
SALTS = (0x1111111111111111, 0x2222222222222222, 0x3333333333333333)


def traffic():
    """(edge, number) in the order of arrival; edge 1's number 540 is lost on its way."""
    packets = []
    for step in range(60):
        packets += [(0, 501 + step), (1, 501 + step)]
        if step % 2:
            packets.append((2, 1 + step // 2))
    early, late = packets.index((0, 530)), packets.index((0, 531))
    packets[early], packets[late] = packets[late], packets[early]
    packets.remove((1, 540))
    return packets


def pcap(packets):
    out = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 101)
    for time, (edge, number) in enumerate(packets):
        esp = struct.pack(">IIQ", SPI, number, SALTS[edge] ^ number) + bytes(40)
        packet = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(esp), 0, 0, 62, 50, 0,
                             ipaddress.IPv4Address("198.51.100.1").packed,
                             ipaddress.IPv4Address("203.0.113.10").packed) + esp
        out += struct.pack(
            "<IIII", 1_800_000_000 + time // 50, time % 50 * 20_000_000, len(packet), len(packet)) + packet
    return out


def state(packets=0, too_old=0, already_seen=0, dropped=None):
    said = (f"src 198.51.100.1 dst 203.0.113.10\n\tlifetime current:\n\t  {packets * 80}(bytes), {packets}(packets)\n"
            f"\tstats:\n\t  replay-window {too_old} replay {already_seen} failed 0\n")
    if dropped is not None:
        said += f"qdisc netem 8001: root\n Sent 1 bytes 1 pkt (dropped {dropped}, overlimits 0 requeues 0)\n"
    return said


class Case:
    """What a case leaves, all of it right."""

    def __init__(self):
        self.packets = traffic()
        too_old = already_seen = highest = 0
        accepted = set()
        for _, number in self.packets:
            if number + WINDOW <= highest:
                too_old += 1
            elif number in accepted:
                already_seen += 1
            else:
                accepted.add(number)
                highest = max(highest, number)
        drops = too_old + already_seen
        sent = [60, 60, 30]
        self.before = {"SeqError": 7, "state": state()}
        self.after = {"SeqError": 7 + drops, "state": state(len(accepted), too_old, already_seen)}
        self.edges = [state(60), state(60, dropped=1), state(30)]
        self.sent = {"sent": sent, "received": len(accepted)}
        self.status = 1
        self.analysis = {
            "schema": "tunnelprobe.analysis/1", "truncated": False, "packets": len(self.packets),
            "streams": [{
                "spi": f"0x{SPI:08x}", "packets": len(self.packets),
                "duplicates": {"network": 0, "capture": 0, "replay": 0, "undecided": 0},
                "senders": {"at_least": 2, "estimate": 3, "method": "iv"},
                "reordering": {"sender_packets": 1}, "lost_packets": 1,
                "replay_windows": [
                    {"window": 32, "too_old": too_old, "already_seen": already_seen, "would_drop": drops},
                    {"window": 64, "too_old": 0, "already_seen": 0, "would_drop": 0}],
                "verdicts": [{"id": "multi_sender", "grade": "proven", "evidence": ""}]}]}
        self.senders = {"senders": [
            {"packets": 60, "reordered": 1, "lost": 0}, {"packets": 59, "reordered": 0, "lost": 1},
            {"packets": 30, "reordered": 0, "lost": 0}]}

    def write(self, folder):
        for when in ("before", "after"):
            said = getattr(self, when)
            (folder / f"a.{when}").write_text(
                f"XfrmInError             \t0\nXfrmInStateSeqError     \t{said['SeqError']}\n{said['state']}")
        for k, said in enumerate(self.edges, 1):
            (folder / f"a.e{k}").write_text(said)
        (folder / "a.pcap").write_bytes(pcap(self.packets))
        (folder / "a.sent").write_text(json.dumps(self.sent))
        (folder / "a.status").write_text(f"{self.status}\n")
        for name, value in (("a.json", self.analysis), ("a.senders.json", self.senders)):
            (folder / name).write_text(value if isinstance(value, str) else json.dumps(value))


class ReplayJudgeTests(unittest.TestCase):
    def expect(self, status, case):
        with tempfile.TemporaryDirectory() as folder:
            case.write(pathlib.Path(folder))
            run = subprocess.run(
                [sys.executable, "-B", JUDGE, "--case", "a", "--window", str(WINDOW), "--edges", "3"],
                cwd=folder, capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)

    def test_a_case_that_is_right_passes(self):
        self.expect(0, Case())

    def test_every_wrong_number_of_the_analysis_fails(self):
        def numbers(value, path=()):
            if isinstance(value, dict):
                for key, inner in value.items():
                    yield from numbers(inner, (*path, key))
            elif isinstance(value, list):
                for key, inner in enumerate(value):
                    yield from numbers(inner, (*path, key))
            elif not isinstance(value, str):
                yield path

        for name in ("analysis", "senders"):
            for path in numbers(getattr(Case(), name)):
                # Of the windows only the kernel's is judged; another lower bound may be right.
                if path[-3:-1] == ("replay_windows", 1) or path[-1] == "at_least":
                    continue
                for by in (-1, 1):
                    with self.subTest(document=name, path=path, by=by):
                        case = Case()
                        where = getattr(case, name)
                        for key in path[:-1]:
                            where = where[key]
                        where[path[-1]] = by if where[path[-1]] is False else where[path[-1]] + by
                        self.expect(1, case)

    def test_a_drop_booked_under_the_other_kind_fails(self):
        case = Case()
        row = case.analysis["streams"][0]["replay_windows"][0]
        row["too_old"] += 1
        row["already_seen"] -= 1
        self.expect(1, case)

    def test_a_wrong_bound_method_grade_or_status_fails(self):
        for change in (
                lambda case: case.analysis["streams"][0]["senders"].update(at_least=4),
                lambda case: case.analysis["streams"][0]["senders"].update(at_least=1),
                lambda case: case.analysis["streams"][0]["senders"].update(method="counters"),
                lambda case: case.analysis["streams"][0]["senders"].update(estimate=None),
                lambda case: case.analysis["streams"][0]["verdicts"][0].update(grade="likely"),
                lambda case: case.analysis["streams"][0].update(spi="0xc0de0001"),
                lambda case: case.analysis["streams"].append(copy.deepcopy(case.analysis["streams"][0])),
                lambda case: case.analysis["streams"][0]["replay_windows"].pop(0),
                lambda case: case.analysis.update(truncated=True),
                lambda case: setattr(case, "status", 0),
                lambda case: case.senders["senders"].pop()):
            case = Case()
            change(case)
            self.expect(1, case)

    def test_what_is_no_json_fails(self):
        for name in ("analysis", "senders"):
            case = Case()
            setattr(case, name, "Error: Unknown option '--json'")
            self.expect(1, case)

    def test_a_kernel_that_says_otherwise_fails(self):
        for change in (
                lambda case: case.after.update(SeqError=case.after["SeqError"] + 1),
                lambda case: case.before.update(SeqError=6),
                lambda case: case.sent.update(received=1),
                lambda case: case.edges.__setitem__(0, state(61)),
                lambda case: case.edges.__setitem__(1, state(60, dropped=0))):
            case = Case()
            change(case)
            self.expect(1, case)

    def test_a_packet_missing_from_the_capture_fails(self):
        case = Case()
        case.packets.pop()
        self.expect(1, case)


if __name__ == "__main__":
    unittest.main()
