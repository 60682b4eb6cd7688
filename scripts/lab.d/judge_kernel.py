#!/usr/bin/python3
"""Compares `kernel` of a status document with what iproute2 and /proc said right after it.

    judge_kernel.py --result NAME.json --witness NAME.witness

The witness has sections, each after a line `# TITLE`: `ip -s xfrm state` without its keys, `ip xfrm
policy`, `xfrm_stat`, `ip rule`, `ip -6 rule`, `sysctl` and `nft`. Everything but counters must be equal;
counters may have gone on since. A section that is not there is not judged, and `xfrm state` must be there.

Prints a line for each comparison, `ok` or `FAIL`, and ends with status 1 when one failed.
"""

import argparse
import datetime
import json
import re
import sys

failed = False
# More packets than a tunnel of the lab carries between the document and the witness.
SLACK = 400


def check(good, what, detail=""):
    """Prints one comparison."""
    global failed
    failed = failed or not good
    print(f"{'ok  ' if good else 'FAIL'} {what}{': ' + str(detail) if detail != '' and not good else ''}")


def equal(ours, theirs, what):
    check(ours == theirs, what, f"{ours!r} here, {theirs!r} there")


def grown(ours, theirs, what):
    check(isinstance(ours, int) and ours <= theirs <= ours + SLACK, what, f"{ours} here, {theirs} there")


def sections(path):
    """The witness's texts by title."""
    found, title = {}, None
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("# "):
                title = line[2:].strip()
                found[title] = ""
            elif title is not None:
                found[title] += line
    return found


def blocks(text):
    """Blocks of `ip xfrm`: a line without indentation and those with it after it."""
    found = []
    for line in text.splitlines():
        if line[:1].strip():
            found.append(line)
        elif found:
            found[-1] += "\n" + line
    return found


def number(pattern, text, base=10, default=None):
    match = re.search(pattern, text)
    return int(match.group(1), base) if match else default


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def judge_state(sas, text):
    """Every SA of the tunnel against `ip -s xfrm state`."""
    theirs = {f"0x{number(r'spi 0x([0-9a-f]+)', block, 16):08x}": block for block in blocks(text)}
    check(bool(sas), "there are SAs", sas)
    for sa in sas or []:
        spi = sa["spi"]
        block = theirs.get(spi)
        check(block is not None, f"SA {spi} is one of the kernel's", sorted(theirs))
        if block is None:
            continue
        source, destination = re.match(r"src (\S+) dst (\S+)", block).groups()
        equal((sa["source"], sa["destination"]), (source, destination), f"{spi} addresses")
        equal(sa["mode"], re.search(r"mode (\S+)", block).group(1), f"{spi} mode")
        equal(sa["reqid"], number(r"reqid (\d+)", block), f"{spi} reqid")
        equal(sa["replay_window"], number(r"replay[-_]window (\d+)", block.split("stats:")[0]
              if "replay_window" not in block else block[block.index("replay_window"):]), f"{spi} window")
        equal(sa["esn"], " esn" in block, f"{spi} ESN")
        equal(sa["mark"], number(r"mark (0x[0-9a-f]+|0)/", block, 0, 0), f"{spi} mark")
        equal(sa["if_id"], number(r"if_id (0x[0-9a-f]+)", block, 0), f"{spi} if_id")
        encap = re.search(r"encap type espinudp sport (\d+) dport (\d+)", block)
        equal(sa["encapsulation"], "udp" if encap else "esp", f"{spi} encapsulation")
        equal((sa["source_port"], sa["destination_port"]),
              tuple(map(int, encap.groups())) if encap else (None, None), f"{spi} ports")
        grown(sa["bytes"] // 1000, number(r"(\d+)\(bytes\), \d+\(packets\)", block) // 1000, f"{spi} bytes")
        grown(sa["packets"], number(r"\(bytes\), (\d+)\(packets\)", block), f"{spi} packets")
        added = re.search(r"add (\S+ \S+)", block).group(1)
        equal(seconds(sa["installed_at"]), seconds(added.replace(" ", "T") + "+00:00"), f"{spi} installed")
        for key, word in (("soft_expires_at", "soft"), ("hard_expires_at", "hard")):
            limit = number(rf"expire add:.*{word} (\d+)\(sec\)", block)
            equal(sa[key] and seconds(sa[key]) - seconds(sa["installed_at"]), limit or None, f"{spi} {key}")
        stats = block[block.index("stats:"):]
        equal([sa["drops"][key] for key in ("replay_window", "replay", "integrity")],
              [number(rf"{word} (\d+)", stats) for word in ("replay-window", "replay", "failed")],
              f"{spi} drops")


def judge_policies(policies, text):
    """Every policy of the tunnel is one of `ip xfrm policy`."""
    def prefix(word):
        # ip leaves out the length of a host.
        return word if "/" in word else f"{word}/{128 if ':' in word else 32}"

    theirs = set()
    for block in blocks(text):
        match = re.match(r"src (\S+) dst (\S+)", block)
        direction = re.search(r"^\s*dir (\S+)", block, re.M)
        if match and direction:
            theirs.add((direction.group(1), prefix(match.group(1)), prefix(match.group(2)),
                        number(r"priority (\d+)", block, 10, 0),
                        number(r"mark (0x[0-9a-f]+|\d+)/", block, 0, 0),
                        number(r"if_id (0x[0-9a-f]+)", block, 0, 0)))
    check(bool(policies), "there are policies", policies)
    for policy in policies or []:
        ours = tuple(policy[key] for key in ("direction", "source", "destination", "priority", "mark", "if_id"))
        check(ours in theirs, f"policy {ours} is one of the kernel's", sorted(theirs))


def judge_counters(ours, text):
    """xfrm_stat: the same names, and counters that only went on."""
    theirs = {name: int(value) for name, value in re.findall(r"^(\w+)\s+(\d+)$", text, re.M)}
    equal(sorted(ours or {}), sorted(theirs), "names of XFRM's error counters")
    for name in theirs:
        grown((ours or {}).get(name), theirs[name], name)


def judge_rules(rules, text):
    theirs = [int(line.split(":")[0]) for line in text.splitlines() if re.match(r"\d+:", line)]
    equal([rule["priority"] for rule in rules or []], theirs, "priorities of routing rules")


def judge_sysctls(sysctls, text):
    """Lines `PATH VALUE`, with paths under net; those of devices are under ipv4/conf/DEVICE."""
    for path, value in re.findall(r"^(\S+) (-?\d+)$", text, re.M):
        device = re.fullmatch(r"(ipv4|ipv6)/conf/([^/]+)/(\w+)", path)
        ours = sysctls.get(path)
        if device:
            family, name, key = device.groups()
            ours = sysctls["devices"].get(name, {}).get(family, {}).get(key)
        equal(ours, int(value), path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--result", required=True)
    parser.add_argument("--witness", required=True)
    parser.add_argument("--tunnel", default="lab")
    options = parser.parse_args()
    with open(options.result, encoding="utf-8") as file:
        tunnels = json.load(file)["tunnels"]
    kernel = next((each["kernel"] for each in tunnels if each["name"] == options.tunnel), tunnels[0]["kernel"])
    check(kernel is not None, "the kernel is known")
    if kernel is None:
        sys.exit(1)
    found = sections(options.witness)
    judge_state(kernel["sas"], found["ip -s xfrm state"])
    if "ip xfrm policy" in found:
        judge_policies(kernel["policies"], found["ip xfrm policy"])
    if "xfrm_stat" in found:
        judge_counters(kernel["xfrm_errors"], found["xfrm_stat"])
    if "ip rule" in found:
        judge_rules(kernel["rules"], found["ip rule"] + found.get("ip -6 rule", ""))
    if "sysctl" in found:
        judge_sysctls(kernel["sysctls"], found["sysctl"])
    if "nft" in found:
        equal((kernel["nftables"] or {}).get("rules"), int(found["nft"]), "rules of nftables")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
