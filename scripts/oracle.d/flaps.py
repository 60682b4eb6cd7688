"""Lets the reference prototype flap.py judge made-up weeks; scripts/oracle runs it.

Prints the Swift file with what it says. Times are whole milliseconds, so that both sides see the same.
"""

import random
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import flap  # noqa: E402

WEEK = 7 * 86400.0
# Name, seconds between rekeys, episodes by chance, episodes after rekeys, episodes before rekeys, days.
CASES = (
    ("8 h, 20 random", 28800, 20, 0, 0, 7),
    ("1 h, 20 random", 3600, 20, 0, 0, 7),
    ("30 min, 40 random", 1800, 40, 0, 0, 7),
    ("8 h, 5 caused of 10", 28800, 5, 5, 0, 7),
    ("1 h, 8 caused of 16", 3600, 8, 8, 0, 7),
    ("1 h, 30 caused of 90", 3600, 60, 30, 0, 7),
    ("30 min, 20 caused of 30", 1800, 10, 20, 0, 7),
    ("1 h, the flaps cause 25 rekeys", 3600, 5, 0, 25, 7),
    ("8 min, too frequent to tell", 480, 12, 12, 0, 2),
    ("8 h, two episodes", 28800, 2, 0, 0, 7),
    ("one rekey", 900000, 8, 0, 0, 7),
    ("1 h, 4 caused of 4 in a day", 3600, 0, 4, 0, 1),
)
HEAD = '''\
// What the reference prototype flap.py says about made-up weeks.
//
// Origin: made by `scripts/oracle` (scripts/oracle.d/flaps.py). Do not edit; run the script again.
//
// A line is a week, tab-separated: name, length in seconds, changes for the worse and rekeys in
// milliseconds, then n, k, k before, covered share, lift, p of the binomial, p of 9999 shifts, verdict.

// swift-format-ignore-file
let oracleWeeks = """
'''


def week(case, seed):
    name, period, by_chance, caused, causing, days = case
    length = days * 86400.0
    r = random.Random(seed)
    rekeys = [r.uniform(0, period)]
    while rekeys[-1] < length - period:
        rekeys.append(rekeys[-1] + period * r.uniform(0.9, 1.0))
    rekeys = [x for x in rekeys if x < length] if len(rekeys) > 1 else [length / 2]
    events = [r.uniform(0, length) for _ in range(by_chance)]
    events += [x + r.uniform(5, 150) for x in r.sample(rekeys, min(caused, len(rekeys)))]
    events += [x - r.uniform(5, 150) for x in r.sample(rekeys, min(causing, len(rekeys)))]
    events += [e + r.uniform(1, 60) for e in events if r.random() < 0.5]
    events = sorted(round(e * 1000) for e in events if 0 < e < length)
    rekeys = sorted(round(x * 1000) for x in rekeys)
    return name, length, events, rekeys


def line(case, seed):
    name, length, events, rekeys = week(case, seed)
    seconds = [e / 1000 for e in events]
    times = [x / 1000 for x in rekeys]
    result = flap.rekey_test(seconds, times, 0, length, perms=9999, seed=seed)
    figures = [str(result["n"])]
    if result["verdict"] == "insufficient":
        figures += ["-"] * 6
    else:
        covered = flap.cover(times, -2, 180.0, 0, length)
        lift = (result["k"] / result["n"]) / covered
        figures += [str(result["k"]), str(result["pre"]), repr(covered), repr(lift),
                    repr(result["p_binom"]), repr(result["p_perm"])]
    return "\t".join([name, repr(length), ",".join(map(str, events)), ",".join(map(str, rekeys)),
                      *figures, result["verdict"]])


print(HEAD + "\n".join(line(case, seed) for case in CASES for seed in (1, 2, 3)) + '\n"""')
