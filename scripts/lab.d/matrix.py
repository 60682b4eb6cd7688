#!/usr/bin/python3
"""What a scenario's diagnosis must be, and whether it was.

    matrix.py judge --name NAME --expect LINE

judges, in a scenario's folder, what matrix_watch.py and diagnosis.sh left there, and writes matrix.json, one
line. LINE is the scenario's field `matrix`, of words KEY=VALUE:

    top=ID|none       the first finding of the tunnel that is critical or a warning; none: there is none
    explained=ID,…    what stands in its `explained`
    also=ID,…         findings that must be there besides, of any severity
    state=STATE       of the tunnel; a|b allows either
    exit=STATUS       of `probe status` and of `probe now`; a|b allows either
    never=ID,…        what must not be said at any moment, as an info neither
    unknown=ID,…      what must be called unknown, with what is missing
    settled=SECONDS   how long the tunnel is healthy before the fault; without, the fault is there from the start
    watch=SECONDS     how long after the fault the agent may take to be right (20)

An ID of `explained` and `also` that ends in `?` may be there, and need not. Every critical finding and every
warning that is not named is an error, at the end and in `probe now`; before the fault, and in a scenario with
top=none, at any moment. Infos are free.
"""

import argparse
import datetime
import json
import pathlib
import re
import sys

STATES = ("healthy", "degraded", "down", "unknown")
# Seconds. The state follows a fault that cuts a healthy tunnel this soon; `probe now` ends within its 15 s, and a
# process in the guest takes a moment to start and to end.
STATE_GOAL, NOW_GOAL, FINDING_GOAL = 3.0, 15.5, 10.0
# A command that causes a fault has taken effect when it returns, and not yet when it begins: in a
# crowded guest `tc` takes a second. A figure counts from its beginning; late is what is late counted
# from its end too, though no more than this is allowed for.
PLACING_LIMIT = 2.0
ALARMS = ("critical", "warning")


class Wrong(Exception):
    """The field `matrix` of a scenario is not one."""


class Expectation:
    """The field `matrix` of a scenario."""

    def __init__(self, line):
        self.line = line
        words = {}
        for word in line.split():
            key, equals, value = word.partition("=")
            if not equals or not value or key in words:
                raise Wrong(f"{word}: not KEY=VALUE, or twice")
            words[key] = value
        for key in ("top", "state", "exit"):
            if key not in words:
                raise Wrong(f"{key}= is missing in: {line}")
        self.top = words.pop("top")
        self.states = words.pop("state").split("|")
        self.exits = words.pop("exit").split("|")
        self.explained = words.pop("explained", "").split(",")
        self.also = words.pop("also", "").split(",")
        self.never = [name for name in words.pop("never", "").split(",") if name]
        self.unknown = [name for name in words.pop("unknown", "").split(",") if name]
        try:
            self.settled = float(words.pop("settled", 0))
            self.watch = float(words.pop("watch", 20))
        except ValueError as error:
            raise Wrong(str(error)) from error
        self.explained, self.may_explain = split(self.explained)
        self.also, self.may_also = split(self.also)
        if words:
            raise Wrong(f"unknown: {', '.join(words)}")
        if any(state not in STATES for state in self.states) or any(not re.fullmatch("[0-3]", e) for e in self.exits):
            raise Wrong(f"state= or exit= of: {line}")
        if self.top == "none" and (self.explained or self.may_explain):
            raise Wrong("nothing can be explained by no finding")
        for name in [self.top, *self.explained, *self.may_explain, *self.also, *self.may_also, *self.never,
                     *self.unknown]:
            if not re.fullmatch(r"[a-z0-9-]+", name):
                raise Wrong(f"{name!r} is no id")

    @property
    def label(self):
        """Its row in the confusion matrix: without an alarm, what is told of besides."""
        if self.top != "none" or not self.also:
            return self.top
        return f"none ({', '.join(self.also)})"

    @property
    def text(self):
        """What is expected, for a table."""
        parts = [f"{'|'.join(self.states)}/{'|'.join(self.exits)}", self.label]
        if self.explained:
            parts.append(f"> {', '.join(self.explained)}")
        if self.also and self.top != "none":
            parts.append(f"+ {', '.join(self.also)}")
        if self.unknown:
            parts.append(f"? {', '.join(self.unknown)}")
        return " ".join(parts)

    def errors(self, status):
        """What is wrong with one status document, in words."""
        tunnel = the_tunnel(status)
        if tunnel is None:
            return ["there is no tunnel in it"]
        found = []
        if tunnel["state"] not in self.states:
            found.append(f"the state is {tunnel['state']}")
        return found + self.finding_errors(status)

    def finding_errors(self, status):
        """The same without the state."""
        tunnel = the_tunnel(status)
        if tunnel is None:
            return ["there is no tunnel in it"]
        found = []
        roots = tunnel["findings"]
        top = top_of(status)
        if top != self.top:
            found.append(f"the top finding is {top}")
        first = next((each for each in roots if each["id"] == self.top), None)
        under = [each["id"] for each in explained_by(first)] if first else []
        for name in self.explained:
            if first and name not in under:
                found.append(f"it does not explain {name}")
        if first and not (first.get("evidence") and first.get("remedy") and first.get("summary")):
            found.append("the top finding has no evidence, remedy or summary")
        elsewhere = [each for root in roots if root is not first for each in [root, *explained_by(root)]]
        elsewhere += [each for root in status.get("findings", []) for each in [root, *explained_by(root)]]
        names = [each["id"] for each in elsewhere]
        found += [f"there is no {name}" for name in self.also if name not in names + under]
        allowed = {*self.also, *self.may_also}
        for each in elsewhere:
            if each["severity"] in ALARMS and each["id"] not in allowed and each is not first \
                    and not (first is None and each["id"] == top):
                found.append(f"and {each['id']} ({each['severity']}) besides")
        allowed |= {*self.explained, *self.may_explain}
        for each in explained_by(first) if first else []:
            if each["severity"] in ALARMS and each["id"] not in allowed:
                found.append(f"and {each['id']} ({each['severity']}) explained")
        said = [each["id"] for each in everything(status)]
        found += [f"{name} is said" for name in self.never if name in said]
        checked = {each["id"]: each for each in (tunnel.get("diagnosis") or {}).get("checked", [])}
        for name in self.unknown:
            check = checked.get(name)
            if check is None or check["result"] != "unknown":
                found.append(f"{name} is {check['result'] if check else 'not checked'}, not unknown")
            elif not (check.get("reasons") or check.get("reason")):
                found.append(f"{name} is unknown, and what is missing is not said")
        return found

    def moment_errors(self, status, before):
        """What no status document may say, on the way to the right one either."""
        said = everything(status)
        found = [f"{each['id']} is said" for each in said if each["id"] in self.never]
        if before or self.top == "none":
            allowed = set() if before else {*self.also, *self.may_also}
            when = "before the fault" if before else "of nothing"
            found += [f"{each['id']} ({each['severity']}) is raised {when}" for each in said
                      if each["severity"] in ALARMS and each["id"] not in allowed]
        return found


def split(names):
    """Those that must be and those that may be."""
    names = [name for name in names if name]
    return [n for n in names if not n.endswith("?")], [n[:-1] for n in names if n.endswith("?")]


def the_tunnel(status):
    """The scenario's tunnel; None where it is missing."""
    return next((each for each in status.get("tunnels", []) if each["name"] == "lab"), None)


def explained_by(finding):
    """What a finding explains, and what that explains."""
    return [each for child in finding.get("explained") or [] for each in [child, *explained_by(child)]]


def everything(status):
    """Every finding of the tunnel and of the host."""
    tunnel = the_tunnel(status)
    roots = (tunnel["findings"] if tunnel else []) + status.get("findings", [])
    return [each for root in roots for each in [root, *explained_by(root)]]


def top_of(status):
    """The id of the tunnel's first critical finding or warning, or none."""
    tunnel = the_tunnel(status)
    return next((each["id"] for each in (tunnel or {}).get("findings", []) if each["severity"] in ALARMS), "none")


def said_of(status):
    """State and findings in one line."""
    tunnel = the_tunnel(status)
    if tunnel is None:
        return "no tunnel"
    words = []
    for root in tunnel["findings"]:
        under = [each["id"] for each in explained_by(root)]
        words.append(f"{root['id']} ({root['severity']}{' > ' + ', '.join(under) if under else ''})")
    words += [f"host: {each['id']}" for each in status.get("findings", [])]
    return f"{tunnel['state']}: {', '.join(words) or 'nothing'}"


def label_of(status, expectation):
    """Its column in the confusion matrix."""
    top = top_of(status)
    said = [each["id"] for each in everything(status)]
    if top == "none" and expectation.top == "none" and expectation.also \
            and all(name in said for name in expectation.also):
        return expectation.label
    return top


def instant(text):
    """Seconds of an RFC 3339 time."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def settled_at(moments, right):
    """The index of the moment from which on `right` holds; None when it does not at the end."""
    index = None
    for number in range(len(moments) - 1, -1, -1):
        if not right(moments[number]):
            break
        index = number
    return index


class Run:
    """What one run of a scenario left in its folder."""

    def __init__(self, folder, expectation):
        folder = pathlib.Path(folder)
        self.expectation = expectation
        self.problems = []
        self.times = {}
        for line in (folder / "times").read_text().splitlines():
            key, value = line.split()
            self.times[key] = float(value)
        self.moments = [json.loads(line) for line in (folder / "watch.jsonl").read_text().splitlines()]
        self.status, self.status_exit = self.document(folder, "status")
        self.now, self.now_exit = self.document(folder, "now")
        self.state_seconds = self.finding_seconds = None
        self.now_seconds = round(self.times["now-end"] - self.times["now"], 2) if "now-end" in self.times else None
        self.judge()

    def document(self, folder, name):
        try:
            document = json.loads((folder / f"{name}.json").read_text())
            return document, int((folder / f"{name}.exit").read_text())
        except (OSError, ValueError) as error:
            self.problems.append(f"probe {name} printed no JSON: {error}")
            return {}, None

    def judge(self):
        fault, broken = self.times["fault"], self.times.get("broken", self.times["fault"])
        after = [each for each in self.moments if each["time"] >= fault]
        if not after:
            self.problems.append("nothing was seen after the fault")
        self.time_state(fault, after)
        self.time_finding(fault, after)
        seen = []
        for each in self.moments:
            for problem in self.expectation.moment_errors(each["status"], before=each["time"] < broken):
                if problem not in seen:
                    seen.append(problem)
        self.problems += seen
        for name, document, status in (("status", self.status, self.status_exit), ("now", self.now, self.now_exit)):
            if not document:
                continue
            self.problems += [f"{name}: {problem}" for problem in self.expectation.errors(document)]
            if str(status) not in self.expectation.exits:
                self.problems.append(f"{name}: the exit status is {status}")
        if self.now_seconds is not None and self.now_seconds > NOW_GOAL:
            self.problems.append(f"probe now took {self.now_seconds} s")

    def time_state(self, fault, after):
        """Seconds from the fault to the expected state, where the fault changes it."""
        states = self.expectation.states
        if "healthy" in states:
            return
        index = settled_at(after, lambda each: (the_tunnel(each["status"]) or {}).get("state") in states)
        if index is None:
            self.problems.append(f"at the end of the watch the state was not {'|'.join(states)}")
            return
        tunnel = the_tunnel(after[index]["status"])
        # The poll that saw it came up to half a second later.
        since = instant(tunnel["state_since"]) if tunnel.get("state_since") else after[index]["time"]
        self.state_seconds = round(max(0.0, min(since, after[index]["time"]) - fault), 2)
        placing = min(max(0.0, self.times.get("placed", fault) - fault), PLACING_LIMIT)
        if states == ["down"] and self.expectation.settled and self.state_seconds - placing > STATE_GOAL:
            self.problems.append(f"the state followed after {self.state_seconds} s")

    def time_finding(self, fault, after):
        """Seconds from the fault until the findings were right and stayed so."""
        if self.expectation.top == "none" and not self.expectation.also:
            return
        index = settled_at(after, lambda each: not self.expectation.finding_errors(each["status"]))
        if index is None:
            last = self.expectation.finding_errors(after[-1]["status"]) if after else ["no status"]
            self.problems.append(f"never right in {after[-1]['time'] - fault if after else 0:.0f} s: {'; '.join(last)}")
            return
        self.finding_seconds = round(after[index]["time"] - fault, 2)

    def result(self, name):
        """One line of JSON."""
        expectation = self.expectation
        wrong = next((each for each in (self.status, self.now) if each and expectation.finding_errors(each)), None)
        shown = wrong or self.now or self.status
        state = (the_tunnel(shown) or {}).get("state") if shown else None
        return {
            "scenario": name, "right": not self.problems, "expected": expectation.text,
            "expected_top": expectation.label, "got_top": label_of(shown, expectation) if shown else "nothing",
            "got": f"{state}/{self.now_exit}", "state_seconds": self.state_seconds,
            "finding_seconds": self.finding_seconds, "now_seconds": self.now_seconds, "problems": self.problems,
            "status": said_of(self.status) if self.status else None, "now": said_of(self.now) if self.now else None}


def main():
    options = argparse.ArgumentParser(description="Judges a diagnosis.")
    options.add_argument("command", choices=["judge"])
    options.add_argument("--name", required=True)
    options.add_argument("--expect", required=True, help="the scenario's field `matrix`")
    options = options.parse_args()
    run = Run(".", Expectation(options.expect))
    result = run.result(options.name)
    pathlib.Path("matrix.json").write_text(json.dumps(result) + "\n", encoding="utf-8")
    pathlib.Path("got").write_text(f"{result['got']}\n", encoding="utf-8")
    for problem in run.problems:
        print(f"FAIL {problem}")
    print(f"     status: {result['status']}\n     now: {result['now']}")
    shown = [f"{key} {result[key + '_seconds']} s" for key in ("state", "finding", "now")]
    print(f"{'ok  ' if result['right'] else '    '} {result['expected']}: {', '.join(shown)}")
    return 0 if result["right"] else 1


if __name__ == "__main__":
    sys.exit(main())
