"""Whether secrets are in a support bundle, and whether it holds what it should.

In the guest:
    bundle_secrets.py search --keys KEYS --secret TEXT… --known TEXT --out FOUND BUNDLE…
On the host:
    bundle_secrets.py judge FOUND

Every file of a bundle is searched as it is unpacked, for octets, hexadecimal of both cases and base64.
What is known to be there, --known, shows that the search works.
"""

import argparse
import base64
import hashlib
import json
import sys
import tarfile

import key_secrecy

# Files that a bundle of the lab must hold, by the ends of their paths.
WANTED = (
    "manifest.json", "README.txt", "config/agent.conf", "status/now.json", "status/now.txt", "host/host.json",
    "namespace-own/links.txt", "namespace-own/routes-v4.txt", "namespace-own/rules-v4.txt",
    "namespace-own/xfrm-state.json", "namespace-own/xfrm-policy.json", "namespace-own/xfrm_stat.txt",
    "namespace-own/sysctls.txt",
)


def text_forms(secret):
    """What a secret of text may look like; base64 begins at one of three places of a group."""
    raw = secret.encode()
    forms = {"text": raw, "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode()}
    for skipped in range(3):
        whole = raw[skipped:]
        forms[f"base64 from {skipped}"] = base64.b64encode(whole)[: len(whole) // 3 * 4]
    return forms


def search(arguments):
    with open(arguments.keys, encoding="ascii") as file:
        keys = file.read().split()
    needles = {(f"key {n}", form): text for n, key in enumerate(keys) for form, text in key_secrecy.forms(key).items()}
    for number, secret in enumerate(arguments.secret):
        needles |= {(f"secret {number}", form): text for form, text in text_forms(secret).items()}
    result = {"keys": len(keys), "secrets": len(arguments.secret), "found": [], "known": 0, "bundles": []}
    for path in arguments.bundles:
        files, missing, wrong, associations = [], list(WANTED), [], 0
        with tarfile.open(path, "r:gz") as archive:
            contents = {member.name: archive.extractfile(member).read() for member in archive.getmembers()}
        manifest = json.loads(next(octets for name, octets in contents.items() if name.endswith("manifest.json")))
        told = {file["path"]: file for file in manifest["files"]}
        for name, octets in contents.items():
            short = name.split("/", 1)[1]
            files.append(short)
            missing = [wanted for wanted in missing if not short.endswith(wanted)]
            result["known"] += octets.count(arguments.known.encode())
            if short.endswith("xfrm-state.json"):
                associations = len(json.loads(octets))
            if short != "manifest.json" and hashlib.sha256(octets).hexdigest() != told.get(short, {}).get("sha256"):
                wrong.append(short)
            for (what, form), needle in needles.items():
                if needle in octets:
                    result["found"].append(f"{what} as {form} in {short}")
        result["bundles"].append(
            {
                "files": len(files), "missing": missing, "wrong_digests": wrong, "associations": associations,
                "left_out": manifest["left_out"],
            }
        )
    with open(arguments.out, "w", encoding="utf-8") as file:
        json.dump(result, file)


def judge(path, least):
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    checks = [
        (result["keys"] >= least, f"{result['keys']} keys are searched for, {least} at least"),
        (result["secrets"] >= 4, f"{result['secrets']} secrets are searched for"),
        (result["known"] > 0, f"the search finds what is there, {result['known']} times"),
        (not result["found"], f"no key and no secret is in a bundle: {result['found'][:10]}"),
        (bool(result["bundles"]), f"{len(result['bundles'])} bundles"),
    ]
    for bundle in result["bundles"]:
        refused = [entry for entry in bundle["left_out"] if "may be a secret" in entry["reason"]]
        checks += [
            (not bundle["missing"], f"{bundle['files']} files; missing: {bundle['missing']}, {bundle['left_out']}"),
            (not bundle["wrong_digests"], f"digests are right but of {bundle['wrong_digests']}"),
            (bundle["associations"] >= 2, f"{bundle['associations']} SAs are listed, without keys"),
            (not refused, f"the last look had nothing to refuse: {refused}"),
        ]
    for holds, text in checks:
        print(f"{'ok  ' if holds else 'FAIL'} {text}")
    return all(holds for holds, _ in checks)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("search")
    one.add_argument("--keys", required=True)
    one.add_argument("--secret", action="append", default=[])
    one.add_argument("--known", required=True)
    one.add_argument("--out", required=True)
    one.add_argument("bundles", nargs="+")
    one = commands.add_parser("judge")
    one.add_argument("--least", type=int, default=1)
    one.add_argument("found")
    arguments = parser.parse_args()
    if arguments.command == "search":
        search(arguments)
    elif not judge(arguments.found, arguments.least):
        sys.exit(1)


if __name__ == "__main__":
    main()
