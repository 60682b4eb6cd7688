#!/usr/bin/python3
"""The judge of randomised runs judged: every wrong verdict and size fails, what is right or open passes."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest

import soak

TRUTH = {"routers": 4, "family": 4, "nat": False, "parallel": None, "place": "through", "loss": 0, "silent": [],
         "limited": [], "alive": 2, "mtu": 1400, "narrow": 2, "filtered": True, "inside": 1346}


def said(verdict="blocked", after=2, likely=(2,), outside=1400, inside=1346, hop=2, hole=True):
    blocked = verdict == "blocked"
    reply = {"verdict": verdict, "blocked_after_hop": after if blocked else None,
             "likely_hops": list(likely) if blocked else None, "reason": None}
    return {"name": "lab", "reply_path": {"outside": reply, "inside": {"verdict": "open"}},
            "path_mtu": {"outside": {"bytes": outside, "limiting_hop": hop, "black_hole": hole},
                         "inside": {"bytes": inside}}}


class Soak(unittest.TestCase):
    def run_of(self, tunnel, noted="", **changes):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "truth.json").write_text(json.dumps(TRUTH | changes))
            (folder / "now.json").write_text(json.dumps({"tunnels": [tunnel]}))
            (folder / "noted").write_text(noted)
            return soak.Run(folder)

    def right(self, tunnel, **changes):
        self.assertEqual(self.run_of(tunnel, **changes).wrong, [])

    def wrong(self, what, tunnel, **changes):
        self.assertIn(what, " ".join(self.run_of(tunnel, **changes).wrong))

    def test_what_is_right_or_open_passes(self):
        self.right(said())
        self.right(said(likely=(1, 2), after=1))
        self.right(said("inconclusive"))
        self.right(said("open"), alive=None, place="none")

    def test_false_blame_fails(self):
        self.wrong("for nothing", said(), alive=None, place="none")
        self.wrong("it was 2", said(after=1, likely=(0, 1)))
        self.wrong("for nothing", said(), nat=True)
        # Behind the last router nothing can be seen, behind silent ones neither.
        self.wrong("for nothing", said(), silent=[3, 4])
        inside = said()
        inside["reply_path"]["inside"]["verdict"] = "blocked"
        self.wrong("blames the inside", inside)
        inside["reply_path"]["outside"].update(blocked_after_hop=0, likely_hops=[0])
        self.right(inside, place="host", alive=0)

    def test_a_blocked_path_called_open_fails(self):
        self.wrong("calls open", said("open"))
        self.right(said("open"), silent=[3, 4])
        self.right(said("open"), nat=True)

    def test_sizes(self):
        self.wrong("outside 1401", said(outside=1401))
        self.wrong("inside 1342", said(inside=1342))
        self.wrong("outside not known", said(outside=None))
        self.right(said(outside=None), loss=30)
        self.right(said("open", outside=None), place="inbound", alive=None)
        self.wrong("outside 1399", said(outside=1399), loss=30)
        self.wrong("names hop 3", said(hop=3))
        self.right(said(hop=None))
        self.wrong("names no link", said(hop=None), pings=True)
        self.wrong("black hole: False", said(hole=False))
        self.wrong("black hole: True", said(), filtered=False)
        self.wrong("ping disagrees: outside 1400 larger: yes", said(), noted="outside-larger yes\n")

    def test_the_table_of_overheads(self):
        # IPv4, IPv4 in UDP, IPv6, IPv6 in UDP over 1500 bytes, as measured beside the kernel's own.
        for suite, sizes in {"gcm": (1446, 1438, 1426, 1418), "cbc-sha1": (1438, 1422, 1422, 1406),
                             "cbc-sha256": (1438, 1422, 1406, 1406), "cbc-sha384": (1422, 1422, 1406, 1390),
                             "cbc-sha512": (1422, 1406, 1390, 1390), "null-sha1": (1458, 1450, 1438, 1430),
                             "null-sha256": (1454, 1446, 1434, 1426)}.items():
            found = tuple(soak.inside_size(1500, family, "vti", suite, udp)
                          for family in (4, 6) for udp in (False, True))
            self.assertEqual(found, sizes, suite)
        self.assertEqual(soak.inside_size(1500, 4, "gre", "gcm", False), 1476)
        self.assertEqual(soak.inside_size(1500, 6, "gre", "gcm", False), 1456)

    def test_one_seed_one_plan(self):
        def plan(kind, seed):
            with tempfile.TemporaryDirectory() as folder:
                soak.plan(kind, 5, seed, folder)
                return [file.read_text() for file in sorted(pathlib.Path(folder).iterdir())]
        for kind in ("path", "mtu"):
            self.assertEqual(plan(kind, 7), plan(kind, 7))
            self.assertNotEqual(plan(kind, 7), plan(kind, 8))

    def test_undecided_everywhere_is_no_success(self):
        with tempfile.TemporaryDirectory() as folder:
            runs = []
            for number, tunnel in enumerate((said("inconclusive"), said("inconclusive"), said())):
                run = pathlib.Path(folder) / f"path-{number}"
                run.mkdir()
                (run / "truth.json").write_text(json.dumps(TRUTH))
                (run / "now.json").write_text(json.dumps({"tunnels": [tunnel]}))
                runs.append(str(run))
            with contextlib.redirect_stdout(io.StringIO()) as output:
                self.assertEqual(soak.table(runs), 1)
                self.assertIn("only 1 of 3", output.getvalue())
                self.assertEqual(soak.table(runs[1:]), 0)


if __name__ == "__main__":
    unittest.main()
