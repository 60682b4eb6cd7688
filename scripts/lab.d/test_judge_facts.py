#!/usr/bin/python3
"""The judge of facts judged: what holds passes, and everything that does not hold fails."""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

JUDGE = pathlib.Path(__file__).with_name("judge_facts.py")

DOCUMENT = {
    "verdict": "down",
    "tunnels": [
        {"name": "other", "state": "healthy", "ike": {"failure": None}},
        {"name": "lab", "state": "down", "kernel": {
            "rekeys": 3, "policies": [],
            "sas": [{"direction": "inbound", "esn": True, "packets": 4, "encapsulation": "udp"},
                    {"direction": "outbound", "esn": True, "packets": 6, "encapsulation": "udp"}]},
         "ike": {"failure": None, "failure_reason": "nobody watched", "udp_500": "open",
                 "peer_accepts": ["A/B/C", "D/E/F"]}}]}


def datagram(source, ports, body):
    """An Ethernet frame with UDP over IPv4."""
    udp = struct.pack(">HHHH", *ports, 8 + len(body), 0) + body
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(source), bytes(4))
    return bytes(12) + b"\x08\x00" + header + udp


def bare(source, body):
    """The same with ESP."""
    return (bytes(12) + b"\x08\x00"
            + struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, 50, 0, bytes(source), bytes(4)) + body)


def echo(kind, source, hops):
    """An Echo Request (8) or Reply (0) to 10.0.0.9."""
    body = struct.pack(">BBHHH", kind, 0, 0, 7, 1)
    return (bytes(12) + b"\x08\x00" + struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, hops, 1, 0, bytes(source),
                                                   bytes((10, 0, 0, 9))) + body)


def fragment(source):
    """The second fragment of something."""
    return (bytes(12) + b"\x08\x00"
            + struct.pack(">BBHHHBBH4s4s", 0x45, 0, 44, 0, 185, 64, 50, 0, bytes(source), bytes(4)) + bytes(24))


def pcap(frames):
    data = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)
    for number, frame in enumerate(frames):
        data += struct.pack("<IIII", 1_800_000_000, number, len(frame), len(frame)) + frame
    return data


class JudgeFacts(unittest.TestCase):
    def run_judge(self, *facts, document=None, status=2, expect="down/2"):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "now.json").write_text(
                document if isinstance(document, str) else json.dumps(document or DOCUMENT))
            (folder / "facts").write_text("\n".join(facts) + "\n")
            (folder / "noted").write_text("rekeys 3\nones 1\nword open\n")
            (folder / "now.metrics").write_text(
                '# TYPE a_total counter\na_total{b="1",c="2"} 7\na_total{b="1",c="3"} NaN\nd 0.5\n')
            (folder / "charon.log").write_text("one\nreceived AUTH_FAILED\n")
            esp, ike = struct.pack(">II", 0xC0DE, 1) + bytes(24), bytes(4) + bytes(28)
            (folder / "a.pcap").write_bytes(pcap([
                bare((10, 0, 0, 1), esp), bare((10, 0, 0, 2), esp), datagram((10, 0, 0, 1), (4500, 24500), esp),
                datagram((10, 0, 0, 1), (4500, 24500), ike), datagram((10, 0, 0, 1), (500, 24499), ike),
                datagram((10, 0, 0, 1), (4500, 24500), b"\xff"), datagram((10, 0, 0, 1), (53, 5353), esp),
                echo(0, (10, 0, 0, 1), 63), echo(0, (10, 0, 0, 1), 62), echo(0, (10, 0, 0, 1), 62),
                echo(8, (10, 0, 0, 1), 62), fragment((10, 0, 0, 3)), fragment((10, 0, 0, 3))]))
            done = subprocess.run(
                [sys.executable, "-B", str(JUDGE), "--result", "now.json", "--exit", str(status), "--facts", "facts",
                 "--expect", expect, "--got", "got"],
                cwd=folder, capture_output=True, text=True, check=False)
            self.got = (folder / "got").read_text() if (folder / "got").exists() else None
            self.assertEqual(done.stderr, "")
            return done

    def passes(self, *facts, **more):
        done = self.run_judge(*facts, **more)
        self.assertEqual(done.returncode, 0, done.stdout)

    def fails(self, *facts, **more):
        done = self.run_judge(*facts, **more)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("FAIL", done.stdout)

    def test_what_holds_passes(self):
        self.passes("ike.failure = null", "ike.udp_500 = open", "/verdict = down", "kernel.rekeys = 3",
                    "kernel.policies = []", "kernel.sas[1].packets > 5", "ike.failure_reason matches ^nobody")
        self.assertEqual(self.got, "down/2")

    def test_several_values_must_all_hold(self):
        self.passes("kernel.sas[].esn = true", "kernel.sas[].packets >= 4", "kernel.sas[direction=inbound].packets = 4")
        self.fails("kernel.sas[].packets > 4")
        self.fails("kernel.sas[direction=sideways].packets > 0")

    def test_elements(self):
        self.passes("ike.peer_accepts has D/E/F", "ike.peer_accepts lacks G", "kernel.sas[].packets has 6",
                    "file(charon.log) has AUTH_FAILED", "file(charon.log) lacks TEMPORARY")
        for fact in ("ike.peer_accepts has D/E", "ike.peer_accepts lacks A/B/C", "kernel.sas[].packets lacks 6",
                     "file(charon.log) has TEMPORARY", "kernel.rekeys has 3"):
            self.fails(fact)

    def test_functions(self):
        self.passes("count(kernel.sas[]) = 2", "sum(kernel.sas[].packets) = 10", "kernel.rekeys = noted(rekeys)",
                    "ike.udp_500 = noted(word)", "esp(a.pcap,10.0.0.1) = 2", "esp(a.pcap,10.0.0.2) = 1",
                    "ike(a.pcap,10.0.0.1) = 2", "file(charon.log) matches ^received AUTH", "kernel.rekeys > esp(a.pcap,10.0.0.1)")
        for fact in ("kernel.rekeys = esp(a.pcap,10.0.0.1)", "kernel.rekeys = noted(nothing)", "count(kernel.sas[]) = 3",
                     "file(absent) matches .", "esp(absent,10.0.0.1) = 0"):
            self.fails(fact)

    def test_packets(self):
        self.passes("echoes(a.pcap,reply,10.0.0.1,10.0.0.9,62) = 2", "echoes(a.pcap,reply,10.0.0.1,*,*) = 3",
                    "echoes(a.pcap,request,*,10.0.0.9,62) = 1", "fragments(a.pcap,10.0.0.3) = 2",
                    "fragments(a.pcap,10.0.0.1) = 0", "esp(a.pcap,10.0.0.3) = 0",
                    "noted(ones) = echoes(a.pcap,reply,*,*,*) - fragments(a.pcap,10.0.0.3)",
                    "kernel.rekeys > esp(a.pcap,10.0.0.1) - esp(a.pcap,10.0.0.2)")
        self.fails("noted(rekeys) = esp(a.pcap,10.0.0.1) - esp(a.pcap,10.0.0.2)")
        self.fails("noted(rekeys) = noted(word) - noted(rekeys)")
        for fact in ("echoes(a.pcap,reply,10.0.0.1,10.0.0.9,63) = 2", "echoes(a.pcap,reply,10.0.0.2,*,*) = 1",
                     "echoes(a.pcap,error,*,*,*) = 0", "echoes(a.pcap,reply,*,*) = 3", "fragments(a.pcap,10.0.0.3) = 1"):
            with self.subTest(fact):
                self.fails(fact)

    def test_one_of_a_list(self):
        self.passes("ike.udp_500 in [\"open\", null]", "ike.failure in [null]", "kernel.sas[].packets in [4, 6]")
        for fact in ("ike.udp_500 in [\"filtered\"]", "kernel.sas[].packets in [4]", "kernel.rekeys in [true]",
                     "ike.udp_500 in open", "ike.failure in []"):
            with self.subTest(fact):
                self.fails(fact)

    def test_metrics(self):
        self.passes('metric(now,a_total{c="2",b="1"}) = 7', "metric(now,d) < 1")
        for fact in ('metric(now,a_total{b="1"}) = 7', 'metric(now,a_total{c="2",b="1"}) = 8', "metric(now,e) = 0",
                     'metric(now,a_total{b="1",c="3"}) = 0', "metric(other,d) = 0.5"):
            with self.subTest(fact):
                self.fails(fact)

    def test_what_does_not_hold_fails(self):
        for fact in ("ike.failure = authentication", "ike.failure != null", "ike.udp_500 = filtered",
                     "kernel.rekeys < 3", "kernel.sas[].esn = false", "kernel.sas[].esn = 1", "kernel.rekeys = true",
                     "/verdict = healthy", "ike.failure_reason matches ^somebody", "ike.failure matches ."):
            with self.subTest(fact):
                self.fails(fact)

    def test_a_missing_key_is_not_null(self):
        for fact in ("ike.daemon = null", "ike.daemon != 1", "kernel.sas[5].esn = true", "ike.failure.id = null",
                     "kernel.rekeys[] = 3", "count(ike.nothing[]) = 0"):
            with self.subTest(fact):
                self.fails(fact)

    def test_numbers_are_not_compared_with_words(self):
        self.fails("ike.udp_500 > 3")
        self.fails("ike.failure >= 0")
        self.fails("kernel.sas[].esn > 0")

    def test_no_fact_is_no_proof(self):
        self.fails("# only a comment")
        self.fails("ike.failure is null")

    def test_state_and_status(self):
        self.fails("ike.failure = null", status=0)
        self.fails("ike.failure = null", expect="healthy/0")
        self.passes("ike.failure = null", status=0, expect="-")

    def test_no_document(self):
        self.fails("ike.failure = null", document="{")
        self.fails("ike.failure = null", document={"tunnels": []})


if __name__ == "__main__":
    unittest.main()
