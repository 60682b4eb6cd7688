#!/usr/bin/python3
"""Randomised runs on a real kernel: makes them up, judges each, and sums up.

    soak.py plan path|mtu COUNT SEED FOLDER    writes COUNT scenarios; one seed gives the same ones
    soak.py judge                              in a scenario's results: truth.json against now.json
    soak.py table RESULTS…                     a line a run, and how often which truth got which verdict

What is true is known here: it was set up. The judge's rules: a verdict that blames nobody rightly is wrong,
one that calls a blocked path open is wrong, "inconclusive" never is; a size is exact or not known.
"""

import json
import pathlib
import random
import sys

# Octets: outer IP header by family; by suite alignment, IV, ICV (RFC 4303 and the suites' own).
HEADER = {4: 20, 6: 40}
SUITES = {
    "gcm": (4, 8, 16), "gcm-12": (4, 8, 12), "gcm-8": (4, 8, 8), "chacha": (4, 8, 16), "ccm": (4, 8, 16),
    "gmac": (4, 8, 16), "cbc-sha1": (16, 16, 12), "cbc-sha256": (16, 16, 16), "cbc-sha384": (16, 16, 24),
    "cbc-sha512": (16, 16, 32), "null-sha1": (4, 0, 12), "null-sha256": (4, 0, 16)}


def inside_size(outside, family, tunnel, suite, encapsulated):
    """The largest inner packet that one outer packet of `outside` octets carries."""
    space = outside - HEADER[family]
    if tunnel == "gre":
        # Over IPv6 without the option of an encapsulation limit (RFC 2473), which topology.sh turns off.
        return space - 4
    alignment, vector, check = SUITES[suite]
    space -= 8 + vector + check + (8 if encapsulated else 0)
    inner = space // alignment * alignment - 2
    return inner - 4 if tunnel == "gre-esp" else inner


def scenario(name, about, topology, lines, truth, seconds):
    return f"""# {about}
#
# kernel: uml qemu
# timeout: 420

set_up() {{ topology --edges 1 {topology}; }}

check() {{
    cat >"$work/truth.json" <<'END'
{json.dumps(truth)}
END
    echo {about!r} >"$work/about"
    {chr(10).join('    ' + line for line in lines).strip()}
    path_now {seconds}
    judge_by soak.py judge
}}
"""


def plan_path(pick, number):
    """One path: where replies die, and everything else that could mislead."""
    routers = pick.randint(3, 6)
    family = 6 if pick.random() < 0.2 else 4
    nat = family == 4 and pick.random() < 0.15
    parallel = pick.randint(2, routers - 1) if routers > 3 and pick.random() < 0.35 else None
    place = pick.choice(["none"] * 5 + ["host", "in", "in", "through", "through", "refused", "inbound", "edge"])
    at = pick.randint(1, routers if place == "in" else routers - 1)
    loss = pick.choice([0, 0, 0, 10, 30])
    special = [k for k in range(1, routers + 1) if k not in (1, parallel) and not (parallel and k == parallel + 1)]
    silent = [k for k in special if pick.random() < 0.15]
    limited = [k for k in range(1, routers + 1) if k not in silent and pick.random() < 0.15]
    # Router 1 of a NAT translates what comes back, too: nothing there is narrowed.
    mtu, narrow, filtered = 1500, None, False
    if pick.random() < 0.5:
        mtu, narrow, filtered = pick.randint(1300, 1499), pick.randint(1, routers), pick.random() < 0.5
    topology = f"--routers {routers} --outer {family}" + (f" --parallel {parallel}" if parallel else "") + \
        (" --nat" if nat else "")
    lines = []
    if parallel:
        split = pick.choice(["checksum", "type"])
        lines.append(f"split {split}")
    lines += [f"silent {k}" for k in silent] + [f"limited {k} {pick.choice([2000, 3000, 4000])}" for k in limited]
    if narrow:
        lines.append(f"link_mtu {narrow} {mtu}")
        if filtered:
            lines.append(f"too_big_filtered {narrow}")
    alive = {"host": 0, "in": at - 1, "through": at, "refused": at}.get(place)
    lines += {"none": [], "host": ["replies_die host"], "edge": ["replies_die edge"],
              "inbound": [f"answers_die {at}"]}.get(place, [f"replies_die {place} {at}"])
    if loss:
        lines.append(f"shaped loss {loss}%")
    truth = {
        "routers": routers, "family": family, "nat": nat, "parallel": parallel, "place": place, "loss": loss,
        "silent": silent, "limited": limited, "alive": alive, "mtu": mtu, "narrow": narrow, "filtered": filtered,
        "inside": inside_size(mtu, family, "vti", "gcm", False)}
    about = f"{routers} routers, IPv{family}, {place}{f' {at}' if alive is not None and place != 'host' else ''}, loss {loss} %"
    return scenario(number, about, topology, lines, truth, 75 if loss or limited else 45)


def plan_mtu(pick, number):
    """One path and one cipher."""
    routers = pick.randint(2, 4)
    family = pick.choice([4, 4, 6])
    tunnel = pick.choice(["vti"] * 6 + ["policy", "gre", "gre-esp"])
    if family == 6 and tunnel in ("policy", "gre-esp"):
        tunnel = "vti"
    suite = pick.choice(sorted(SUITES))
    encapsulated = tunnel == "vti" and pick.random() < 0.4
    narrow = pick.randint(1, routers)
    mtu = 1500 if pick.random() < 0.1 else pick.randint(1330 if family == 4 else 1400, 1499)
    filtered = pick.random() < 0.5
    # Without a device what was decrypted comes in where the outside does.
    quiet = pick.random() < 0.15 and tunnel != "policy"
    topology = f"--routers {routers} --outer {family} --tunnel {tunnel} --suite {suite}" + (" --encap" if encapsulated else "")
    inside = inside_size(mtu, family, tunnel, suite, encapsulated)
    lines = []
    if mtu < 1500:
        lines.append(f"link_mtu {narrow} {mtu}")
        if filtered:
            lines.append(f"too_big_filtered {narrow}")
    if quiet:
        lines += ["rule e1 input echo-request isp", "rules"]
    # Beyond the last router a silent endpoint leaves nothing to see.
    unseen = quiet and narrow == routers
    truth = {"routers": routers, "family": family, "tunnel": tunnel, "suite": suite, "encapsulated": encapsulated,
             "mtu": mtu, "narrow": narrow if mtu < 1500 else None, "filtered": filtered, "inside": inside,
             "quiet": quiet, "unseen": unseen, "pings": True}
    about = (f"{tunnel} {suite}{' in UDP' if encapsulated else ''} over IPv{family}, link {narrow} of {routers}: {mtu}"
             f"{', no Packet Too Big' if filtered else ''}{', a silent endpoint' if quiet else ''}")
    text = scenario(number, about, topology, lines, truth, 45)
    witness = f"    size_witness inside {inside}\n"
    if not quiet:
        witness += f"    size_witness outside {mtu}\n"
    return text.replace("    judge_by", witness + "    judge_by")


def plan(kind, count, seed, folder):
    pick = random.Random(f"{kind} {seed}")
    for number in range(1, count + 1):
        (pathlib.Path(folder) / f"{kind}-{number:02}.sh").write_text(
            {"path": plan_path, "mtu": plan_mtu}[kind](pick, number))


class Run:
    """The judgement of one run."""

    def __init__(self, folder):
        read = lambda name: json.loads((folder / name).read_text())
        self.truth = read("truth.json")
        self.tunnel = next(t for t in read("now.json")["tunnels"] if t["name"] == "lab")
        noted = folder / "noted"
        self.noted = dict(line.split() for line in noted.read_text().splitlines()) if noted.exists() else {}
        self.wrong = []
        if "place" in self.truth:
            self.replies()
        self.sizes()

    def visible(self):
        """Whether any router beyond the last one that Echo Replies live at could show that they died."""
        return any(k not in self.truth["silent"] for k in range(self.truth["alive"] + 1, self.truth["routers"] + 1))

    def replies(self):
        truth, said = self.truth, self.tunnel["reply_path"]["outside"]
        self.verdict, self.why = said["verdict"], said.get("reason")
        alive = truth["alive"]
        self.kind = "blocked" if alive is not None and self.visible() else "open"
        if truth["nat"] and not (alive is not None and alive == 0):
            # They die at the translator, which is nobody's filter; and no one can tell what is behind it.
            self.kind = "NAT"
        if self.verdict == "blocked":
            likely = said["likely_hops"]
            if self.kind != "blocked":
                self.wrong.append(f"blames hop {said['blocked_after_hop']} for nothing")
            elif alive not in likely:
                self.wrong.append(f"blames hops {likely}, it was {alive}")
        elif self.verdict == "open" and self.kind == "blocked":
            self.wrong.append(f"calls open what is blocked after hop {alive}")
        # The customer's own OUTPUT stands before the tunnel, too.
        if self.tunnel["reply_path"]["inside"]["verdict"] == "blocked" and truth["place"] != "host":
            self.wrong.append("blames the inside for nothing")

    def sizes(self):
        truth, said = self.truth, self.tunnel["path_mtu"]
        sizes = {"outside": truth["mtu"], "inside": truth["inside"]}
        self.sizes_said = {path: said[path]["bytes"] for path in sizes}
        for path, size in sizes.items():
            got = said[path]["bytes"]
            if got is not None and got != size and not (path == "outside" and truth.get("unseen")):
                self.wrong.append(f"{path} {got}, it is {size}")
            # Without loss, limits and silence, also that of a target whose answers die, there is no reason not to know.
            calm = truth.get("place") != "inbound" and not any(
                truth.get(key) for key in ("loss", "limited", "silent", "nat", "quiet"))
            if got is None and calm:
                self.wrong.append(f"{path} not known: {said[path].get('bytes_reason')}")
        hop = said["outside"]["limiting_hop"]
        if hop is not None and hop != truth["narrow"]:
            self.wrong.append(f"names hop {hop}, it is {truth['narrow']}")
        if truth.get("pings") and hop is None and truth["narrow"] and not truth.get("unseen"):
            self.wrong.append(f"names no link, it is {truth['narrow']}")
        hole = said["outside"]["black_hole"]
        lossy = truth.get("loss") or truth.get("limited") or truth.get("silent") or truth.get("unseen")
        if hole is not None and not lossy and hole != bool(truth["narrow"] and truth["filtered"]):
            self.wrong.append(f"black hole: {hole}")
        for path in ("outside", "inside"):
            for what, wanted in (("fits", "yes"), ("larger", "no")):
                if self.noted.get(f"{path}-{what}", wanted) != wanted:
                    self.wrong.append(f"ping disagrees: {path} {sizes[path]} {what}: {self.noted[f'{path}-{what}']}")


def judge():
    run = Run(pathlib.Path("."))
    for each in run.wrong:
        print(f"FAIL {each}")
    if not run.wrong:
        print("ok   nothing wrong was said")
    return 1 if run.wrong else 0


def table(folders):
    counts, rows, sizes = {}, [], [0, 0, 0]
    for folder in sorted(map(pathlib.Path, folders), key=lambda f: f.name):
        about = folder.joinpath("about").read_text().strip() if folder.joinpath("about").exists() else ""
        try:
            run = Run(folder)
        except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
            rows.append(f"{folder.name}  no result: {error!r}  {about}")
            continue
        truth = run.truth
        for path in run.sizes_said:
            got = run.sizes_said[path]
            wanted = truth["mtu"] if path == "outside" else truth["inside"]
            sizes[1 if got is None else 0 if got == wanted else 2] += 1
        what = ""
        if "place" in truth:
            key = (run.kind, run.verdict)
            counts[key] = counts.get(key, 0) + 1
            said = run.tunnel["reply_path"]["outside"]
            where = f" after {said['blocked_after_hop']} {said['likely_hops']}" if run.verdict == "blocked" else ""
            after = f" after {truth['alive']}" if truth["alive"] is not None else ""
            what = f"{run.kind}{after} → {run.verdict}{where}  "
            extra = [f"{key} {truth[key]}" for key in ("nat", "parallel", "silent", "limited") if truth[key]]
            about += f" [{', '.join(extra)}]" if extra else ""
        size = f"{truth['mtu']}/{truth['inside']} → {run.sizes_said['outside']}/{run.sizes_said['inside']}"
        rows.append(f"{folder.name}  {what}{size}  {about}{''.join('  WRONG: ' + w for w in run.wrong)}"
                    + (f"  ({run.why})" if what and run.verdict == "inconclusive" else ""))
    print("\n".join(rows))
    if counts:
        verdicts = ("open", "blocked", "inconclusive")
        print(f"\n{'truth':10}" + "".join(f"{v:>14}" for v in verdicts))
        for kind in ("open", "blocked", "NAT"):
            print(f"{kind:10}" + "".join(f"{counts.get((kind, v), 0):14}" for v in verdicts))
    print(f"\nsizes: {sizes[0]} exact, {sizes[1]} not known, {sizes[2]} wrong")
    # A judge that is content with "inconclusive" everywhere would be no judge.
    decided = sum(n for (kind, verdict), n in counts.items() if kind != "NAT" and verdict != "inconclusive")
    total = sum(n for (kind, _), n in counts.items() if kind != "NAT")
    if total and decided * 2 < total:
        print(f"only {decided} of {total} paths were decided")
        return 1
    if sizes[0] * 2 < sum(sizes):
        print("most sizes are not known")
        return 1
    return 0


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "plan":
        plan(rest[0], int(rest[1]), int(rest[2]), rest[3])
    elif command == "judge":
        sys.exit(judge())
    else:
        sys.exit(table(rest))
