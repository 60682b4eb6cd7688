#!/usr/bin/python3
"""What many runs of the matrix came to.

    matrix_table.py line NAME ROUND EXPECT judged|failed|lost FOLDER    one run as a line of JSON
    matrix_table.py table FILE      of such lines: a row a run, who was taken for whom, medians; status 1 when
                                    anything is wrong
    matrix_table.py list FOLDER     the scenarios of that folder, in Markdown
"""

import collections
import json
import pathlib
import re
import statistics
import sys

import matrix


def line(name, number, expect, verdict, folder):
    """A run's result; what else its judges found wrong is wrong with it, too."""
    expectation = matrix.Expectation(expect)
    folder = pathlib.Path(folder)
    try:
        result = json.loads((folder / "matrix.json").read_text())
    except (OSError, ValueError):
        result = {"scenario": name, "right": False, "expected": expectation.text, "expected_top": expectation.label,
                  "got_top": "no result", "got": "-", "state_seconds": None, "finding_seconds": None,
                  "now_seconds": None, "problems": [], "status": None, "now": None}
    if verdict == "lost":
        result["problems"].append("its guest gave no result")
    elif verdict == "failed":
        log = (folder / "log").read_text(errors="replace") if (folder / "log").exists() else ""
        result["problems"] += [each for each in re.findall(r"^FAIL (.*)$", log, re.M)
                               if each not in result["problems"]]
    if verdict != "judged":
        result["right"] = False
    result |= {"round": int(number), "folder": str(folder)}
    return result


def seconds(value):
    return "-" if value is None else f"{value:.1f}"


def aligned(rows, right=()):
    """Rows of text in columns."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(width) if k in right else cell.ljust(width)
                               for k, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows)


def runs_table(results):
    rows = [("SCENARIO", "EXPECTED", "GOT", "STATE s", "FINDING s", "NOW s", "VERDICT")]
    for each in results:
        got = f"{each['got']} {each['got_top']}"
        rows.append((each["scenario"], each["expected"], got, seconds(each["state_seconds"]),
                     seconds(each["finding_seconds"]), seconds(each["now_seconds"]),
                     "right" if each["right"] else "WRONG"))
    return aligned(rows, right=(3, 4, 5))


def confusion(results):
    """Rows are what was expected, columns what came; the diagonal is marked, and what is not on it."""
    counts = collections.Counter((each["expected_top"], each["got_top"]) for each in results)
    expected = sorted({row for row, _ in counts})
    columns = expected + sorted({column for _, column in counts} - set(expected))
    rows = [("expected \\ got", *(str(k + 1) for k in range(len(columns))), "")]
    for number, row in enumerate(expected):
        cells = []
        for column in columns:
            count = counts[row, column]
            cells.append("." if not count else str(count) if row == column else f"{count}!")
        rows.append((f"{number + 1:2} {row}", *cells, "" if all(row == c or not counts[row, c] for c in columns)
                     else "taken for " + ", ".join(c for c in columns if c != row and counts[row, c])))
    text = aligned(rows, right=range(1, len(columns) + 1))
    more = [f"{k + 1:2} {column}" for k, column in enumerate(columns) if k >= len(expected)]
    return text + ("\nonly got: " + ", ".join(more) if more else "")


def medians(results):
    """A line each, and whether the goal of the findings is met."""
    lines, good = [], True
    for key, what, goal in (("state", "fault to state", matrix.STATE_GOAL),
                            ("finding", "fault to finding", matrix.FINDING_GOAL),
                            ("now", "probe now", matrix.NOW_GOAL)):
        values = sorted(each[key + "_seconds"] for each in results if each[key + "_seconds"] is not None)
        if not values:
            continue
        middle = statistics.median(values)
        lines.append(f"{what:17} median {middle:5.1f} s   worst {values[-1]:5.1f} s   of {len(values)} runs")
        if key == "finding" and middle > goal:
            lines[-1] += f"   over the goal of {goal:g} s"
            good = False
    return lines, good


def table(file):
    results = [json.loads(text) for text in pathlib.Path(file).read_text().splitlines()]
    print(runs_table(results))
    wrong = [each for each in results if not each["right"]]
    for each in wrong:
        print(f"\n--- {each['scenario']}, round {each['round']}")
        for problem in each["problems"]:
            print(f"    {problem}")
        print(f"    status: {each['status']}\n    now:    {each['now']}\n    (everything it left: {each['folder']})")
    print(f"\n{confusion(results)}\n")
    lines, good = medians(results)
    print("\n".join(lines))
    names = {each["scenario"] for each in results}
    unsteady = {each["scenario"] for each in wrong}
    rounds = max((each["round"] for each in results), default=0)
    print(f"\nmatrix: {len(names - unsteady)} of {len(names)} scenarios right"
          f"{f' in all {rounds} rounds' if rounds > 1 else ''}; all results: {file}")
    return 0 if results and not wrong and good else 1


def fields(text):
    """The first line of a scenario and its fields."""
    head = [each[1:].strip() for each in text.split("\n\n")[0].splitlines() if each.startswith("#")]
    found = dict(re.fullmatch(r"([a-z]+): *(.*)", each).groups() for each in head[1:]
                 if re.fullmatch(r"([a-z]+): *(.*)", each))
    return head[0], found


def listing(folder):
    """docs/scenarios.md."""
    rows = []
    for file in sorted(pathlib.Path(folder).glob("*.sh")):
        about, found = fields(file.read_text())
        if "matrix" in found:
            rows.append((file.stem, about, matrix.Expectation(found["matrix"]), found.get("usual", "yes")))
    lines = [
        "# The scenario matrix", "",
        "Each of these breaks a tunnel for real, in the kernel of the lab, while the agent runs; what it must say is",
        "one line. `scripts/lab matrix` runs them, times them and prints who was taken for whom; `scripts/lab matrix",
        "NAME` runs one. Those marked * are a part of `scripts/test`. This page is made by `scripts/lab matrix --list`.",
        "",
        "State and exit status are the tunnel's; the finding is the first that is critical or a warning, `>` what it",
        "explains, `+` what stands beside it, `?` what must be called unknown because it cannot be seen from this host.",
        "", "| scenario | what is broken | expected |", "|---|---|---|"]
    for name, about, expectation, usual in rows:
        lines.append(f"| `{name}`{'' if usual == 'no' else ' *'} | {about} | {expectation.text.replace('|', ' or ')} |")
    lines += ["", f"{len(rows)} scenarios."]
    return "\n".join(lines)


def main():
    command, *arguments = sys.argv[1:]
    if command == "line":
        print(json.dumps(line(*arguments)))
        return 0
    if command == "list":
        print(listing(*arguments))
        return 0
    return table(*arguments)


if __name__ == "__main__":
    sys.exit(main())
