#!/usr/bin/python3
"""The judge judged: a run whose every number is right passes, and each wrong number fails it.

Builds captures by hand: four probes, one lost with two retries, one answered twice, and two pairs of
hop-limited probes.
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

JUDGE = pathlib.Path(__file__).with_name("judge.py")
HERE, THERE, ROUTER = "203.0.113.10", "198.51.100.1", "203.0.113.1"
START = 1_800_000_000.0


def ip(source, destination, protocol, hops, payload):
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, hops, protocol, 0,
                       ipaddress.IPv4Address(source).packed,
                       ipaddress.IPv4Address(destination).packed) + payload


def echo(kind, identifier, sequence):
    return struct.pack(">BBHHH", kind, 0, 0, identifier, sequence) + bytes(56)


def request(identifier, sequence, hops=64):
    return ip(HERE, THERE, 1, hops, echo(8, identifier, sequence))


def reply(identifier, sequence):
    return ip(THERE, HERE, 1, 60, echo(0, identifier, sequence))


def test(sequence):
    return ip(HERE, THERE, 1, 1, echo(0, 9, sequence))


def exceeded(packet):
    return ip(ROUTER, HERE, 1, 64, struct.pack(">BBHI", 11, 0, 0, 0) + packet)


def pcap(packets):
    out = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 101)
    for time, packet in packets:
        nanoseconds = round((START + time) * 1e9)
        out += struct.pack("<IIII", nanoseconds // 10**9, nanoseconds % 10**9, len(packet), len(packet))
        out += packet
    return out


PACKETS = [
    (0.0, request(1, 0)), (0.020, reply(1, 0)),
    (0.3, request(1, 1)),  # lost
    (0.5, request(2, 2)), (0.51, request(2, 3)), (0.53, reply(2, 3)),
    (0.6, request(2, 4)), (0.62, reply(2, 4)), (0.63, reply(2, 4)),
    (0.9, request(2, 5)), (0.92, reply(2, 5)),
    (1.0, test(0)), (1.001, exceeded(test(0))),
    (2.2, request(9, 1, hops=1)), (2.201, exceeded(request(9, 1, hops=1))),
    (3.4, test(2)),
    (4.6, request(9, 3, hops=1)), (4.601, exceeded(request(9, 3, hops=1))),
]


def sample(identifier, sequence, rtt, retry=False):
    return {"identifier": f"0x{identifier:04x}", "sequence": sequence, "rtt_seconds": rtt,
            "outcome": "lost" if rtt is None else "received", "retry": retry}


def row(style, **numbers):
    return {"path": "outside", "style": style, "sent": 0, "received": 0, "lost": 0, "inconclusive": 0,
            "in_flight": 0, "late_replies": 0, "retries": 0, "failed": {}, "duplicates": 0,
            "rtt_seconds": {"mean": 0.02}, **numbers}


DOCUMENT = {
    "schema": "tunnelprobe.status/1", "generated_at": "2027-01-15T08:00:10.000Z",
    "verdict": "degraded", "findings": [],
    "tunnels": [{
        "name": "lab", "kind": "vti", "role": "endpoint", "state": "degraded", "verdict": "degraded",
        "flapping": True, "flap_ratio": 0.4, "flap_penalty": 2500.0, "changes_1h": 5, "findings": [],
        "probes": [
            row("request", sent=4, received=3, lost=1, retries=2, duplicates=1, samples=[
                sample(1, 0, 0.02), sample(1, 1, None), sample(2, 2, None, True),
                sample(2, 3, 0.02, True), sample(2, 4, 0.02), sample(2, 5, 0.02)]),
            row("reply", sent=2, received=1, inconclusive=1),
        ]}],
}


class JudgeTests(unittest.TestCase):
    def judge(self, document=DOCUMENT, packets=PACKETS, *options):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "a.pcap").write_bytes(pcap(packets))
            text = document if isinstance(document, str) else json.dumps(document)
            (folder / "a.json").write_text(text, encoding="utf-8")
            return subprocess.run(
                [sys.executable, "-B", JUDGE, "--result", "a.json", "--exit", "1",
                 "--expect", "degraded/1", "--kind", "vti", "--role", "endpoint", "--flapping",
                 "--outside", f"{HERE},{THERE},a.pcap", *options],
                cwd=folder, capture_output=True, text=True, check=False)

    def expect(self, status, *arguments):
        run = self.judge(*arguments)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)

    def changed(self, change):
        document = copy.deepcopy(DOCUMENT)
        change(document, document["tunnels"][0], document["tunnels"][0]["probes"])
        return document

    def test_a_run_that_is_right_passes_with_and_without_samples(self):
        self.expect(0, DOCUMENT, PACKETS, "--each-probe")
        self.expect(0, DOCUMENT, PACKETS)
        self.expect(0, DOCUMENT, PACKETS, "--rtt", "0.020,0.001")

    def test_every_wrong_count_fails(self):
        for style in (0, 1):
            for key in ("sent", "received", "lost", "inconclusive", "in_flight", "duplicates", "retries"):
                if style == 1 and key == "duplicates":
                    continue
                for by in (-1, 1):
                    def change(_, __, probes):
                        probes[style][key] += by
                    for options in ((), ("--each-probe",)):
                        with self.subTest(style=style, key=key, by=by, options=options):
                            self.expect(1, self.changed(change), PACKETS, *options)

    def test_a_loss_booked_as_received_fails_though_the_sum_holds(self):
        def change(_, __, probes):
            probes[0]["lost"], probes[0]["received"] = 0, 4
        self.expect(1, self.changed(change), PACKETS)
        self.expect(1, self.changed(change), PACKETS, "--each-probe")

    def test_a_probe_that_never_was_fails(self):
        def change(_, __, probes):
            probes[0]["samples"][4]["sequence"] = 77
        self.expect(1, self.changed(change), PACKETS, "--each-probe")

    def test_a_received_probe_without_a_reply_fails(self):
        packets = [p for p in PACKETS if p[0] not in (0.62, 0.63)]
        self.expect(1, DOCUMENT, packets, "--each-probe")

    def test_missing_samples_fail_where_each_probe_is_asked_for(self):
        self.expect(1, self.changed(lambda _, __, probes: probes[0].pop("samples")), PACKETS, "--each-probe")

    def test_a_wrong_state_verdict_kind_or_role_fails(self):
        for key, value in (("state", "healthy"), ("verdict", "down"), ("kind", "gre"), ("role", "observer"),
                           ("flapping", False)):
            with self.subTest(key=key):
                self.expect(1, self.changed(lambda _, tunnel, __: tunnel.update({key: value})), PACKETS)
        self.expect(1, self.changed(lambda document, _, __: document.update(verdict="healthy")), PACKETS)

    def test_a_critical_finding_lifts_the_verdict(self):
        def change(state, verdict, severity):
            def apply(_, tunnel, __):
                tunnel.update(state=state, verdict=verdict, findings=[{"id": "a", "severity": severity}])
            return self.changed(apply)
        expected = ("--expect", "healthy|unknown|degraded/1")
        for state in ("healthy", "unknown"):
            self.expect(0, change(state, "degraded", "critical"), PACKETS, *expected)
            self.expect(1, change(state, state, "critical"), PACKETS, *expected)
            self.expect(1, change(state, "degraded", "warning"), PACKETS, *expected)

    def test_an_rtt_that_is_off_fails(self):
        def change(_, __, probes):
            probes[0]["samples"][0]["rtt_seconds"] = 0.0202
        self.expect(1, self.changed(change), PACKETS, "--cable", "a.pcap,a.pcap")
        self.expect(0, DOCUMENT, PACKETS, "--cable", "a.pcap,a.pcap")

    def test_what_is_no_json_fails(self):
        self.expect(1, "probe: no such file", PACKETS)


if __name__ == "__main__":
    unittest.main()
