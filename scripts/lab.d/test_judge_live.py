#!/usr/bin/python3
"""The judge of a live capture judged, on the case of test_judge_replay.py: each wrong metric fails it."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from test_judge_replay import SPI, Case, pcap

JUDGE = pathlib.Path(__file__).with_name("judge_live.py")
OCTETS = 20 + 16 + 40  # of each packet that `pcap` makes
WHEN = 1_800_000_010_000_000_000


class LiveCase(Case):
    """What a case leaves, all of it right: as if edge 2 had not sent what was lost of it."""

    def __init__(self):
        super().__init__()
        row = self.analysis["streams"][0]["replay_windows"][0]
        self.metrics = {}
        for who, device in (("a", "wan"), ("observer", "mirror")):
            tunnel = {"tunnel": "lab"}
            families = [
                ("esp_packets_total", {**tunnel, "direction": "inbound"}, len(self.packets)),
                ("esp_bytes_total", {**tunnel, "direction": "inbound"}, OCTETS * len(self.packets)),
                ("esp_packets_total", {**tunnel, "direction": "outbound"}, 3),
                ("esp_bytes_total", {**tunnel, "direction": "outbound"}, OCTETS * 3),
                ("esp_replay_would_drop_total", {**tunnel, "window": "32"}, row["would_drop"]),
                ("esp_senders", tunnel, 3), ("esp_senders_min", tunnel, 2),
                ("esp_sender_reordered_total", {**tunnel, "direction": "inbound"}, 1),
                ("esp_lost_total", {**tunnel, "direction": "inbound"}, 1),
                ("capture_drops_total", {"interface": device, "netns": ""}, 0)]
            for family, labels, value in families:
                series = ",".join(f'{key}="{text}"' for key, text in labels.items())
                self.metrics[who, f"tunnelprobe_{family}{{{series}}}"] = value
        self.edges[1] = re.sub(r"60\(packets\)", "59(packets)", self.edges[1]).replace("dropped 1,", "dropped 0,")
        stream = self.analysis["streams"][0]
        self.status_document = {"tunnels": [{"streams": [{**stream, "direction": "inbound"}]}]}

    def write(self, folder):
        super().write(folder)
        outbound = bytearray(pcap([(0, 1), (0, 2), (0, 3)])[24:])
        # The SPI stands behind the record's header and that of IPv4.
        for record in range(3):
            place = record * (16 + OCTETS) + 36
            outbound[place:place + 4] = (SPI - 1).to_bytes(4, "big")
        with open(folder / "a.pcap", "ab") as file:
            file.write(outbound)
        for who in ("a", "observer"):
            (folder / f"{who}.when").write_text(f"{WHEN} {WHEN + 5}\n")
            (folder / f"{who}.metrics").write_text(
                "".join(f"{series} {value}\n" for (whose, series), value in self.metrics.items() if whose == who))
        (folder / "status.json").write_text(json.dumps(self.status_document))


class LiveJudgeTests(unittest.TestCase):
    def expect(self, status, case):
        with tempfile.TemporaryDirectory() as folder:
            case.write(pathlib.Path(folder))
            run = subprocess.run(
                [sys.executable, "-B", JUDGE, "--case", "a", "--windows", "32", "--edges", "3"],
                cwd=folder, capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)

    def test_a_case_that_is_right_passes(self):
        self.expect(0, LiveCase())

    def test_every_wrong_or_missing_metric_fails(self):
        for key in LiveCase().metrics:
            for change in (lambda m, k: m.update({k: m[k] + 1}), lambda m, k: m.update({k: m[k] - 1}),
                           lambda m, k: m.pop(k)):
                case = LiveCase()
                change(case.metrics, key)
                # Another lower bound may be right.
                if key in case.metrics and "senders_min" in key[1] and 1 < case.metrics[key] <= 3:
                    continue
                with self.subTest(metric=key, value=case.metrics.get(key)):
                    self.expect(1, case)

    def test_a_status_or_senders_that_say_otherwise_fail(self):
        for change in (
                lambda case: case.status_document["tunnels"][0]["streams"][0]["replay_windows"][0].update(too_old=0),
                lambda case: case.status_document["tunnels"][0]["streams"][0]["senders"].update(estimate=2),
                lambda case: case.status_document["tunnels"][0].update(streams=[]),
                lambda case: case.senders["senders"].pop(),
                lambda case: case.after.update(SeqError=case.after["SeqError"] + 1)):
            case = LiveCase()
            change(case)
            self.expect(1, case)


if __name__ == "__main__":
    unittest.main()
