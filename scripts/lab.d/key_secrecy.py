"""Whether keys are where they must not be: in a process, in what it wrote.

In the guest, as root:
    key_secrecy.py collect KEYS            adds the keys of `ip xfrm state` on standard input to a file
    key_secrecy.py search --pid PID --keys KEYS --known TEXT --out FOUND FILE…
On the host:
    key_secrecy.py judge FOUND

A search for what is known to be there, --known, shows that the search itself works.
"""

import argparse
import base64
import json
import os
import re
import sys

CHUNK = 1 << 20
ZEROS = re.compile(rb"\0{4096,}")


def collect(path, text):
    """Keys in hexadecimal, one a line, each once."""
    known = set()
    if os.path.exists(path):
        with open(path, encoding="ascii") as file:
            known = set(file.read().split())
    # aead NAME 0xKEY BITS, enc NAME 0xKEY, auth-trunc NAME 0xKEY BITS; 8 octets are the least.
    known |= set(re.findall(r"\b(?:aead|enc|auth|auth-trunc)\s+\S+\s+0x([0-9a-f]{16,})", text))
    with open(path, "w", encoding="ascii") as file:
        file.writelines(f"{key}\n" for key in sorted(known))


def forms(key):
    """What a key may look like: its octets, its beginning without a salt, its texts."""
    raw = bytes.fromhex(key)
    # The last four octets of a GCM key are its salt; a copy may come without them.
    return {
        "octets": raw[: max(8, len(raw) - 4)],
        "hex": key[:24].encode(),
        "HEX": key[:24].upper().encode(),
        "base64": base64.b64encode(raw)[:20],
    }


def pieces_of_memory(pid):
    """A process's memory: (name of the mapping, octets, the same without zeros), with overlaps of 64."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
        maps = file.read().splitlines()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            fields = line.split(None, 5)
            name = fields[5] if len(fields) > 5 else "anonymous"
            if not fields[1].startswith("r") or name in ("[vvar]", "[vsyscall]"):
                continue
            # Files that nobody can write into hold what they held before there was a key.
            if "w" not in fields[1] and name.startswith("/"):
                continue
            start, end = (int(part, 16) for part in fields[0].split("-"))
            while start < end:
                try:
                    memory.seek(start)
                    octets = memory.read(min(CHUNK, end - start))
                except (OSError, ValueError, OverflowError):
                    octets = b""
                if not octets:
                    start += 4096
                    continue
                # Most of a stack or a ring was never written; no key holds a page of zeros.
                yield name, octets, ZEROS.sub(b"\0", octets)
                last = start + len(octets) >= end
                start += len(octets) if last or len(octets) <= 64 else len(octets) - 64


def search(arguments):
    with open(arguments.keys, encoding="ascii") as file:
        keys = file.read().split()
    needles = {(number, form): text for number, key in enumerate(keys) for form, text in forms(key).items()}
    for number, text in enumerate(arguments.secret):
        needles[(f"secret {number}", "text")] = text.encode()
    found, octets_searched, known = [], 0, 0
    places = pieces_of_memory(arguments.pid)
    for name, octets, written in places:
        octets_searched += len(octets)
        known += written.count(arguments.known.encode())
        for (number, form), needle in needles.items():
            if needle in written:
                found.append(f"key {number} as {form} in {name}")
    for path in arguments.files:
        with open(path, "rb") as file:
            octets = file.read()
        for (number, form), needle in needles.items():
            if needle in octets:
                found.append(f"key {number} as {form} in {path}")
    with open(f"/proc/{arguments.pid}/limits", encoding="ascii") as file:
        limit = next(line for line in file if line.startswith("Max core file size")).split()[4:6]
    sizes = {path: os.path.getsize(path) for path in arguments.files}
    with open(arguments.out, "w", encoding="utf-8") as file:
        json.dump(
            {
                "keys": len(keys), "found": sorted(set(found)), "octets": octets_searched,
                "known": known, "core_limit": limit, "files": sizes,
            },
            file,
        )


def judge(path, least):
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    checks = [
        (result["keys"] >= least, f"{result['keys']} keys are searched for, {least} at least"),
        (result["known"] > 0, f"the search finds what is there, {result['known']} times"),
        (result["octets"] > 1 << 20, f"{result['octets']} octets of memory were searched"),
        (bool(result["files"]) and all(result["files"].values()), f"what it wrote: {result['files']}"),
        (not result["found"], f"no key is anywhere: {result['found'][:10]}"),
        (result["core_limit"] == ["0", "0"], f"the limit of core dumps is 0: {result['core_limit']}"),
    ]
    for holds, text in checks:
        print(f"{'ok  ' if holds else 'FAIL'} {text}")
    return all(holds for holds, _ in checks)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("collect")
    one.add_argument("keys")
    one = commands.add_parser("search")
    one.add_argument("--pid", type=int, required=True)
    one.add_argument("--keys", required=True)
    one.add_argument("--secret", action="append", default=[])
    one.add_argument("--known", required=True)
    one.add_argument("--out", required=True)
    one.add_argument("files", nargs="*")
    one = commands.add_parser("judge")
    one.add_argument("--least", type=int, default=1)
    one.add_argument("found")
    arguments = parser.parse_args()
    if arguments.command == "collect":
        collect(arguments.keys, sys.stdin.read())
    elif arguments.command == "search":
        search(arguments)
    elif not judge(arguments.found, arguments.least):
        sys.exit(1)


if __name__ == "__main__":
    main()
