"""Compares what `probe now` or `probe status` said with facts that a scenario states, one a line.

    LEFT OPERATOR RIGHT          # a comment

A side is a path into the JSON of the tunnel (`ike.failure`; with a `/` before it: of the document), what
an outside tool said (a function below), or, on the right, a value as JSON writes it or a bare word.

    path     keys with dots between; [N] an element, [] every element, [key=value] those with that value
    count(PATH)  sum(PATH)       how many values a path has; their sum
    file(NAME)                   a text that the scenario left
    noted(KEY)                   a number or word that the scenario noted down while it ran
    esp(PCAP,SOURCE)             the ESP packets, bare or in UDP, from an address in a capture
    ike(PCAP,SOURCE)             the IKE messages
    fragments(PCAP,SOURCE)       the fragments that are not first ones
    echoes(PCAP,KIND,SOURCE,DESTINATION,HOPS)
                                 echo requests or replies (KIND) from there to there with that hop limit; *: any
    metric(NAME,SERIES)          the value of one series in NAME.metrics, as replay_scrape leaves it

On the right, two functions may stand with ` - ` between them.

Operators: = != < <= > >=, `in` a list of values, `matches` a regular expression, `has` and `lacks` an
element or a substring.
What a path does not find is an error: null is a value, a key that is not there is none. Where a path
has several values the comparison must hold for every one, but for `has`, which asks for one.

Prints a line for each fact, `ok` or `FAIL`, and ends with status 1 when one failed.
"""

import argparse
import json
import re
import sys

import capture

failed = False


def check(good, what, detail=""):
    """Prints one comparison."""
    global failed
    failed = failed or not good
    print(f"{'ok  ' if good else 'FAIL'} {what}{': ' + str(detail) if detail != '' else ''}")
    return good


class Wrong(Exception):
    """A fact that cannot be judged."""


def text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def values(node, path):
    """(all values of a path, whether it can have several)."""
    nodes, several = [node], False
    for step in re.findall(r"\[[^\]]*\]|[^.\[\]]+", path):
        if not step.startswith("["):
            for each in nodes:
                if not isinstance(each, dict) or step not in each:
                    raise Wrong(f"there is no {step} in {brief(each)}")
            nodes = [each[step] for each in nodes]
            continue
        for each in nodes:
            if not isinstance(each, list):
                raise Wrong(f"{step} asks for an element of {brief(each)}")
        inside = step[1:-1]
        if re.fullmatch(r"\d+", inside):
            if any(len(each) <= int(inside) for each in nodes):
                raise Wrong(f"there is no element {inside} in {brief(nodes[0])}")
            nodes = [each[int(inside)] for each in nodes]
            continue
        several = True
        nodes = [element for each in nodes for element in each]
        if inside:
            key, equal, wanted = inside.partition("=")
            if not equal:
                raise Wrong(f"{step} is no selection")
            nodes = [each for each in nodes
                     if isinstance(each, dict) and key in each and same(each[key], literal(wanted))]
    return nodes, several


def brief(node):
    said = json.dumps(node)
    return said if len(said) <= 120 else said[:117] + "..."


def literal(word):
    """A value as JSON writes it, or the word itself."""
    try:
        return json.loads(word)
    except ValueError:
        return word


def same(one, other):
    """Equality in which true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def series(exposition, wanted):
    """The value of the series with this name and these labels, in any order."""
    def parts(name):
        family, _, labels = name.partition("{")
        return family, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))

    for line in exposition.splitlines():
        name, _, value = line.rpartition(" ")
        if name and not line.startswith("#") and parts(name) == parts(wanted):
            number = float(value)
            return int(number) if number.is_integer() else number
    raise Wrong(f"there is no series {wanted}")


class Facts:
    """The document and the outside tools' files that facts are about."""

    def __init__(self, document, tunnel):
        self.document = document
        found = [t for t in document.get("tunnels", []) if t.get("name") == tunnel]
        self.tunnel = found[0] if len(found) == 1 else None

    def path(self, path):
        if path.startswith("/"):
            return values(self.document, path[1:])
        if self.tunnel is None:
            raise Wrong("the tunnel is not in the document")
        return values(self.tunnel, path)

    def term(self, said):
        """(the values of one side, whether there can be several); None when it is no function."""
        difference = re.fullmatch(r"(\w+\(.+\)) - (\w+\(.+\))", said)
        if difference:
            (one,), (other,) = (self.term(each)[0] for each in difference.groups())
            return [one - other], False
        function = re.fullmatch(r"(count|sum|file|noted|esp|ike|fragments|echoes|metric)\(([^()]*)\)", said)
        if not function:
            return None
        name, argument = function[1], function[2].strip()
        if name in ("count", "sum"):
            found, _ = self.path(argument)
            return [len(found) if name == "count" else sum(found)], False
        if name == "file":
            return [text(argument)], False
        if name == "noted":
            noted = dict(line.split(None, 1) for line in text("noted").splitlines())
            if argument not in noted:
                raise Wrong(f"{argument} was not noted")
            return [literal(noted[argument].strip())], False
        file, _, source = argument.partition(",")
        if name == "metric":
            return [series(text(f"{file.strip()}.metrics"), source.strip())], False
        if name == "echoes":
            kind, *rest = [word.strip() for word in source.split(",")]
            if kind not in (capture.REQUEST, capture.REPLY) or len(rest) != 3:
                raise Wrong(f"{argument} does not name echoes")
            return [sum(p.kind == kind and all(wanted in ("*", str(is_)) for wanted, is_ in
                                               zip(rest, (p.source, p.destination, p.hops)))
                        for p in capture.read(file.strip()))], False
        kinds = {"esp": (capture.ESP, capture.UDP_ESP), "ike": (capture.IKE,), "fragments": (capture.FRAGMENT,)}[name]
        return [sum(p.kind in kinds and p.source == source.strip()
                    for p in capture.read(file.strip()))], False

    def judge(self, line):
        parts = re.fullmatch(r"(\S+)\s+(=|!=|<=|>=|<|>|in|matches|has|lacks)\s+(.+)", line)
        if not parts:
            check(False, line, "this is no fact")
            return
        left, operator, right = parts.groups()
        try:
            found, several = self.term(left) or self.path(left)
            if operator == "matches":
                wanted = right
            else:
                term = self.term(right)
                wanted = term[0][0] if term else literal(right)
            good = holds(found, several, operator, wanted)
        except (Wrong, OSError, ValueError, TypeError) as error:
            check(False, line, error)
            return
        shown = found if several else found[0]
        detail = "" if left.startswith("file(") else brief(shown)
        if re.search(r"\)$", right) and operator != "matches" and not good:
            detail += f", not {brief(wanted)}"
        check(good, line, detail)


def holds(found, several, operator, wanted):
    """Whether a comparison holds for what a path found."""
    if operator in ("has", "lacks"):
        holders = [found] if several else found
        holder = holders[0]
        if not isinstance(holder, (list, str)):
            raise Wrong(f"{brief(holder)} has no elements")
        inside = str(wanted) in holder if isinstance(holder, str) else any(same(e, wanted) for e in holder)
        return inside == (operator == "has")
    if not found:
        raise Wrong("it has no value")
    return all(compare(each, operator, wanted) for each in found)


def compare(value, operator, wanted):
    if operator == "=":
        return same(value, wanted)
    if operator == "!=":
        return not same(value, wanted)
    if operator == "in":
        if not isinstance(wanted, list):
            raise Wrong(f"{brief(wanted)} is no list")
        return any(same(value, each) for each in wanted)
    if operator == "matches":
        return isinstance(value, str) and re.search(wanted, value, re.M) is not None
    for each in (value, wanted):
        if isinstance(each, bool) or not isinstance(each, (int, float)):
            raise Wrong(f"{brief(each)} is no number")
    return {"<": value < wanted, "<=": value <= wanted, ">": value > wanted, ">=": value >= wanted}[operator]


def main():
    options = argparse.ArgumentParser(description="Judges facts.")
    options.add_argument("--result", required=True, help="what probe printed")
    options.add_argument("--exit", required=True, type=int, help="its exit status")
    options.add_argument("--facts", required=True, help="the file of facts")
    options.add_argument("--tunnel", default="lab", help="its name in agent.conf")
    options.add_argument("--expect", default="-", help="STATE/STATUS, alternatives with |, or -")
    options.add_argument("--got", help="file to put STATE/STATUS in")
    options = options.parse_args()
    try:
        document = json.loads(text(options.result))
    except ValueError as error:
        check(False, f"{options.result} is JSON", error)
        return
    facts = Facts(document, options.tunnel)
    if facts.tunnel is not None:
        got = f"{facts.tunnel.get('state')}/{options.exit}"
        if options.got:
            with open(options.got, "w", encoding="utf-8") as file:
                file.write(got)
        if options.expect != "-":
            wanted = [part.split("|") for part in options.expect.split("/")]
            check(all(part in those for part, those in zip(got.split("/"), wanted, strict=True)),
                  "state and exit status", f"{got}, expected {options.expect}")
    lines = [line.split(" #")[0].strip() for line in text(options.facts).splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    check(bool(lines), f"there are facts in {options.facts}", len(lines))
    for line in lines:
        facts.judge(line)


if __name__ == "__main__":
    main()
    sys.exit(1 if failed else 0)
