#!/usr/bin/python3
"""The judge of the matrix judged: what is right passes, and every other diagnosis, state, status and delay fails."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest

import matrix
import matrix_table

HERE = pathlib.Path(__file__).parent
DROPS = "top=anti-replay-drops explained=tunnel-flapping state=down exit=2 settled=3"


def finding(name, severity="critical", explained=()):
    return {"id": name, "severity": severity, "summary": "so it is", "evidence": ["seen"], "remedy": ["mend"],
            "explained": list(explained)}


def status(*findings, state="down", since="2026-11-22T12:00:02Z", host=(), checked=()):
    return {"tunnels": [{"name": "lab", "state": state, "state_since": since, "findings": list(findings),
                         "diagnosis": {"checked": list(checked)}}], "findings": list(host)}


FLAPPING = finding("tunnel-flapping", "warning")
RIGHT = status(finding("anti-replay-drops", explained=[FLAPPING]))
# The fault comes 1 s after twelve o'clock.
FAULT = 1795348801.0


class Lines(unittest.TestCase):
    def test_what_is_no_expectation(self):
        for line in ("", "top=none", "top=none state=healthy", "top=none state=well exit=0", "top=none state=down exit=4",
                     "top=none state=down exit=2 state=down", "top=none state=down exit=2 explained=a",
                     "top=none state=down exit=2 other=a", "top=no_id state=down exit=2", "top=none state=down exit=2 also",
                     "top=none state=down exit=2 watch=long"):
            with self.subTest(line), self.assertRaises(matrix.Wrong):
                matrix.Expectation(line)

    def test_text(self):
        self.assertEqual(matrix.Expectation(DROPS).text, "down/2 anti-replay-drops > tunnel-flapping")
        self.assertEqual(matrix.Expectation("top=none also=agent-degraded state=healthy exit=0").label,
                         "none (agent-degraded)")


class Documents(unittest.TestCase):
    def errors(self, line, document):
        return " ".join(matrix.Expectation(line).errors(document))

    def test_what_is_right_passes(self):
        self.assertEqual(self.errors(DROPS, RIGHT), "")
        self.assertEqual(self.errors("top=none state=healthy exit=0", status(state="healthy")), "")
        # Infos are free.
        self.assertEqual(self.errors(DROPS, status(finding("sa-lifetime-short", "info"), *RIGHT["tunnels"][0]["findings"],
                                                   host=[finding("agent-degraded", "info")])), "")

    def test_another_top_finding_fails(self):
        for document in (status(), status(finding("esp-blocked")),
                         status(finding("esp-blocked"), *RIGHT["tunnels"][0]["findings"])):
            self.assertIn("top finding is", self.errors(DROPS, document))
        self.assertIn("top finding is esp-blocked",
                      self.errors("top=none state=down exit=2", status(finding("esp-blocked"))))

    def test_another_state_fails(self):
        document = json.loads(json.dumps(RIGHT))
        document["tunnels"][0]["state"] = "degraded"
        self.assertIn("state is degraded", self.errors(DROPS, document))
        self.assertEqual(self.errors(DROPS.replace("state=down", "state=down|degraded"), document), "")

    def test_what_is_not_explained_fails(self):
        self.assertIn("does not explain tunnel-flapping", self.errors(DROPS, status(finding("anti-replay-drops"))))
        beside = status(finding("anti-replay-drops"), FLAPPING)
        self.assertIn("does not explain tunnel-flapping", self.errors(DROPS, beside))
        self.assertIn("tunnel-flapping (warning) besides", self.errors(DROPS, beside))

    def test_more_alarms_fail(self):
        more = status(*RIGHT["tunnels"][0]["findings"], finding("underlay-loss", "warning"))
        self.assertIn("underlay-loss (warning) besides", self.errors(DROPS, more))
        for also in ("underlay-loss", "underlay-loss?"):
            self.assertEqual(self.errors(f"{DROPS} also={also}", more), "")
        under = status(finding("anti-replay-drops", explained=[FLAPPING, finding("inside-path-down")]))
        self.assertIn("inside-path-down (critical) explained", self.errors(DROPS, under))
        self.assertEqual(self.errors(DROPS.replace("flapping ", "flapping,inside-path-down? "), under), "")
        self.assertIn("agent-degraded (warning) besides",
                      self.errors(DROPS, RIGHT | {"findings": [finding("agent-degraded", "warning")]}))

    def test_what_must_be_there_besides(self):
        self.assertIn("there is no underlay-loss", self.errors(DROPS + " also=underlay-loss", RIGHT))
        self.assertEqual(self.errors(DROPS + " also=underlay-loss?", RIGHT), "")
        line = "top=none also=agent-degraded state=healthy exit=0"
        self.assertIn("there is no agent-degraded", self.errors(line, status(state="healthy")))
        self.assertEqual(self.errors(line, status(state="healthy", host=[finding("agent-degraded", "info")])), "")

    def test_never(self):
        self.assertIn("sa-lifetime-short is said", self.errors(
            DROPS + " never=sa-lifetime-short",
            status(*RIGHT["tunnels"][0]["findings"], finding("sa-lifetime-short", "info"))))

    def test_unknown_says_what_is_missing(self):
        line = "top=none state=down exit=2 unknown=esp-blocked"
        for check in ([], [{"id": "esp-blocked", "result": "excluded", "reasons": ["a"]}],
                      [{"id": "esp-blocked", "result": "unknown", "reasons": []}]):
            self.assertIn("esp-blocked is", self.errors(line, status(checked=check)))
        self.assertEqual(self.errors(line, status(checked=[
            {"id": "esp-blocked", "result": "unknown", "reasons": ["nobody sends"]}])), "")

    def test_a_finding_without_evidence_or_remedy_fails(self):
        for key in ("evidence", "remedy", "summary"):
            bare = finding("esp-blocked") | {key: None}
            self.assertIn("no evidence", self.errors("top=esp-blocked state=down exit=2", status(bare)))

    def test_no_tunnel(self):
        self.assertIn("no tunnel", self.errors(DROPS, {"tunnels": [], "findings": []}))


class Runs(unittest.TestCase):
    def run_of(self, line=DROPS, moments=None, now=RIGHT, end=RIGHT, exits=(2, 2), took=9.0, placed=0.1):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            moments = moments if moments is not None else [
                (-1, status(state="healthy")), (0.5, status(state="healthy")), (1.5, status()), (4, RIGHT), (5, RIGHT)]
            (folder / "watch.jsonl").write_text("".join(
                json.dumps({"time": FAULT + at, "status": each}) + "\n" for at, each in moments))
            (folder / "times").write_text(
                f"placed {FAULT + placed}\nfault {FAULT}\nnow {FAULT + 10}\nnow-end {FAULT + 10 + took}\n")
            for name, document, status_ in (("status", end, exits[0]), ("now", now, exits[1])):
                (folder / f"{name}.json").write_text(json.dumps(document) if document else "")
                (folder / f"{name}.exit").write_text(f"{status_}\n")
            return matrix.Run(folder, matrix.Expectation(line)).result("it")

    def wrong(self, what, **changes):
        result = self.run_of(**changes)
        self.assertFalse(result["right"])
        self.assertIn(what, " ".join(result["problems"]))
        return result

    def test_right_and_timed(self):
        result = self.run_of()
        self.assertTrue(result["right"], result["problems"])
        # The state since 12:00:02, the finding at the first poll that had it.
        self.assertEqual((result["state_seconds"], result["finding_seconds"], result["now_seconds"]), (1.0, 4.0, 9.0))
        self.assertEqual(result["got_top"], "anti-replay-drops")

    def test_a_finding_that_goes_again_counts_from_its_return(self):
        moments = [(1.5, RIGHT), (2, status()), (6, RIGHT)]
        self.assertEqual(self.run_of(moments=moments)["finding_seconds"], 6.0)
        self.wrong("never right", moments=[(1.5, RIGHT), (9, status())])

    def test_delays(self):
        late = status(finding("anti-replay-drops", explained=[FLAPPING]), since="2026-11-22T12:00:05Z")
        self.wrong("state followed after 4.0 s", moments=[(5, late)])
        # The figure stays; whether it is late is counted from when the fault was surely there.
        result = self.run_of(moments=[(5, late)], placed=1.2)
        self.assertTrue(result["right"], result["problems"])
        self.assertEqual(result["state_seconds"], 4.0)
        later = status(finding("anti-replay-drops", explained=[FLAPPING]), since="2026-11-22T12:00:07Z")
        self.wrong("state followed after 6.0 s", moments=[(7, later)], placed=5)
        self.wrong("probe now took 16.0 s", took=16.0)
        self.wrong("nothing was seen", moments=[(-1, status(state="healthy"))])

    def test_documents_and_exits(self):
        self.wrong("now: the top finding is none", now=status())
        self.wrong("status: the top finding is none", end=status())
        self.wrong("now: the exit status is 1", exits=(2, 1))
        self.wrong("status: the exit status is 0", exits=(0, 2))
        self.wrong("printed no JSON", now=None)

    def test_false_alarms(self):
        self.wrong("esp-blocked (critical) is raised before the fault",
                   moments=[(-1, status(finding("esp-blocked"), state="healthy")), (4, RIGHT)])
        quiet = "top=none state=healthy exit=0"
        well = status(state="healthy")
        short = [(1, well), (2, status(FLAPPING, state="healthy")), (3, well)]
        self.assertTrue(self.run_of(quiet, [(1, well)], well, well, (0, 0))["right"])
        self.wrong("tunnel-flapping (warning) is raised of nothing", line=quiet, moments=short, now=well, end=well,
                   exits=(0, 0))
        self.wrong("capture-incomplete is said", line=quiet + " never=capture-incomplete", now=well, end=well,
                   exits=(0, 0), moments=[(1, status(finding("capture-incomplete", "info"), state="healthy")), (2, well)])


class Tables(unittest.TestCase):
    def result(self, name="a", right=True, expected="esp-blocked", got=None, seconds=4.0):
        return {"scenario": name, "right": right, "expected": f"down/2 {expected}", "expected_top": expected,
                "got_top": got or expected, "got": "down/2", "state_seconds": 1.0, "finding_seconds": seconds,
                "now_seconds": 9.0, "problems": [] if right else ["bad"], "status": "", "now": "", "round": 1,
                "folder": "."}

    def table(self, *results):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "results"
            file.write_text("".join(json.dumps(each) + "\n" for each in results))
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                code = matrix_table.table(file)
            return code, printed.getvalue()

    def test_all_right(self):
        code, text = self.table(self.result(), self.result("b", expected="none"))
        self.assertEqual(code, 0, text)
        self.assertIn("2 of 2 scenarios right", text)
        self.assertIn("median   4.0 s", text)
        self.assertNotIn("!", text)

    def test_one_wrong_run_is_wrong(self):
        code, text = self.table(self.result(), self.result() | {"round": 2, "right": False, "got_top": "underlay-down"})
        self.assertEqual(code, 1)
        self.assertIn("0 of 1 scenarios right in all 2 rounds", text)
        self.assertIn("taken for underlay-down", text)
        self.assertIn("1!", text)

    def test_slow_findings_miss_the_goal(self):
        code, text = self.table(self.result(seconds=4), self.result("b", seconds=11), self.result("c", seconds=12))
        self.assertEqual(code, 1)
        self.assertIn("over the goal", text)
        self.assertEqual(self.table()[0], 1)

    def test_a_run_without_a_result_and_one_with_a_false_proof(self):
        with tempfile.TemporaryDirectory() as folder:
            lost = matrix_table.line("a", "1", DROPS, "lost", folder)
            self.assertFalse(lost["right"])
            self.assertEqual(lost["got_top"], "no result")
            folder = pathlib.Path(folder)
            (folder / "matrix.json").write_text(json.dumps(self.result()))
            (folder / "log").write_text("ok   a\nFAIL the kernel dropped nothing\n")
            failed = matrix_table.line("a", "2", DROPS, "failed", folder)
            self.assertFalse(failed["right"])
            self.assertIn("the kernel dropped nothing", failed["problems"])
            self.assertTrue(matrix_table.line("a", "2", DROPS, "judged", folder)["right"])


class Catalogue(unittest.TestCase):
    def test_the_page_of_scenarios_is_current(self):
        self.assertEqual((HERE.parents[1] / "docs/scenarios.md").read_text(),
                         matrix_table.listing(HERE / "scenarios") + "\n",
                         "make it again: scripts/lab matrix --list >docs/scenarios.md")


if __name__ == "__main__":
    unittest.main()
