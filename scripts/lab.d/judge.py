"""Compares what `probe` said with what tcpdump saw on the same devices, count by count.

Prints a line for each check, `ok` or `FAIL`, and ends with status 1 when one failed.

Request style. Every Echo Request with a full hop limit from the path's source to its target is a
probe: as many as `sent` + `retries`. Its first answer makes it answered, further ones are duplicates.
Where each probe is asked for, its sample in the JSON is matched by identifier and sequence. The daemon
keeps no samples: there the answers to retries, which are not counted apart, are a bound.

Reply style. Every Echo Reply with a small hop limit from the path's source is a test: as many as
`sent`. A Time Exceeded that quotes it is its answer.
"""

import argparse
import datetime
import json
import statistics
import sys

import capture

# Above this a packet is meant to arrive; hop-limited probes start from 1, hosts from 64.
FULL_HOPS = 32

# The customer's outbound SA, as in topology.sh.
SPI_TO_EDGE = 0xC0DE0001

# Of each RTT, against its packets, in seconds.
RTT_TOLERANCE = 50e-6

# Octets of a probe's IP packet, IPv4 and IPv6: payload_bytes is 56 wherever this judges.
PLAIN = (84, 104)

# The largest inner packet that an SA of the lab carries over 1500 octets; what is larger is refused.
CARRIED = 1446

failed = False


def check(good, what, detail=""):
    """Prints one comparison."""
    global failed
    failed = failed or not good
    print(f"{'ok  ' if good else 'FAIL'} {what}{': ' + str(detail) if detail != '' else ''}")
    return good


def instant(text):
    """Nanoseconds since 1970 of an RFC 3339 time with up to nine decimals."""
    whole, _, rest = text.partition(".")
    fraction = "".join(c for c in rest if c.isdigit()) if rest.endswith("Z") else "0"
    base = datetime.datetime.fromisoformat(whole.rstrip("Z") + "+00:00")
    return int(base.timestamp()) * 10**9 + int(fraction.ljust(9, "0")[:9])


class Path:
    """What the captures hold about one path of a tunnel."""

    def __init__(self, name, description):
        self.name = name
        self.source, self.target, files = description.split(",")
        self.packets = sorted(
            (p for file in files.split("+") for p in capture.read(file)), key=lambda p: p.time)

        # The path's own measurements, ladders and sizes, are echoes of other lengths.
        plain = PLAIN[":" in self.source]
        mine = [p for p in self.packets if p.source == self.source and p.length == plain]
        self.requests = [
            p for p in mine
            if p.kind == capture.REQUEST and p.destination == self.target and p.hops > FULL_HOPS]
        self.tests = [p for p in mine if p.kind == capture.REPLY and p.hops <= FULL_HOPS]
        self.controls = [p for p in mine if p.kind == capture.REQUEST and p.hops <= FULL_HOPS]
        answers = [p for p in self.packets if p.destination == self.source]
        self.replies = [
            p for p in answers if p.kind == capture.REPLY and p.source == self.target]
        self.exceeded = [p for p in answers if p.kind == capture.TIME_EXCEEDED]

    def answer(self, request):
        """All replies to a request, in the order they came."""
        return [p for p in self.replies if p.key == request.key and p.time >= request.time]

    def expired(self, packet):
        """Whether a Time Exceeded quotes this packet."""
        return any(p.key == packet.key and p.quoted == packet.kind for p in self.exceeded)


def around(packets, cut):
    """The packets surely before a status of that time, and those that may be.

    A status is put together in some moments, on a busy machine in tenths of a second; its time is that
    of the end. A packet that close to it may be on either side.
    """
    return ([p for p in packets if p.time < cut - 300_000_000], [p for p in packets if p.time < cut + 50_000_000])


def compare_request(path, row, cut, each_probe):
    """One request-style row with the packets up to `cut`."""
    label = f"{path.name}/request"
    sent, retries = row["sent"], row["retries"]
    total = row["received"] + row["lost"] + row["inconclusive"] + row["in_flight"]
    check(sent == total, f"{label} sent = received + lost + inconclusive + in_flight",
          f"{sent} = {row['received']} + {row['lost']} + {row['inconclusive']} + {row['in_flight']}")

    certain, possible = around(path.requests, cut)
    check(len(certain) <= sent + retries <= len(possible),
          f"{label} sent + retries = Echo Requests captured",
          f"{sent} + {retries} = {sent + retries}, captured {len(possible)}"
          + (f" (or {len(certain)})" if len(certain) != len(possible) else ""))

    answers = {}
    for request in possible:
        answers.setdefault(request.key, []).extend(path.answer(request))
    check(len(answers) == len(possible), f"{label} no identifier and sequence is used twice",
          f"{len(answers)} of {len(possible)}")
    extra = sum(max(0, len(found) - 1) for found in answers.values())
    check(row["duplicates"] == extra, f"{label} duplicates = further replies captured",
          f"{row['duplicates']} = {extra}")

    samples = row.get("samples")
    if each_probe and check(samples is not None, f"{label} has samples"):
        compare_samples(label, row, samples, possible, answers)
        return
    compare_counts(label, row, possible, len(certain), answers)


def compare_counts(label, row, possible, certain, answers):
    """Lost and received, without samples."""
    # Two retries, 10 ms apart, follow a probe that is unanswered for 200 ms; probes are further apart.
    again = set()
    for probe, first, second in zip(possible, possible[1:], possible[2:]):
        if (probe.key not in again and 150e6 < first.time - probe.time < 350e6
                and second.time - first.time < 60e6
                and not any(a.time - probe.time < 190e6 for a in answers[probe.key])):
            again |= {first.key, second.key}
    retries, late, flying = row["retries"], row["late_replies"], row["in_flight"]
    spread = len(possible) - certain
    if len(again) == retries and spread == 0:
        proper = [p for p in possible if p.key not in again]
        replied = sum(1 for p in proper if answers[p.key])
        # An answer on its way when the status was made belongs to a probe in flight.
        check(0 <= row["lost"] - late - (len(proper) - replied) + flying <= flying,
              f"{label} lost = requests captured − replies captured",
              f"{row['lost']} = {len(proper)} − {replied}" + (f" + {late} late" if late else "")
              + (f", {flying} in flight" if flying else ""))
        check(0 <= replied - row["received"] - late <= flying, f"{label} received = replies captured",
              f"{row['received']} = {replied}" + (f" − {late} late" if late else ""))
        return
    # A guest that stalled sent them at other times, or the status fell between a probe and its retries:
    # they cannot be told apart, but they bound the rest.
    replied = sum(1 for found in answers.values() if found)
    check(row["received"] + late <= replied <= row["received"] + late + retries + flying + spread,
          f"{label} received + late ≤ answered requests captured ≤ that + retries + in flight",
          f"{row['received']} + {late} ≤ {replied} ≤ … + {retries} + {flying}")
    unanswered = len(possible) - replied
    check(row["lost"] - late <= unanswered <= row["lost"] + retries + flying + spread,
          f"{label} lost = requests captured − replies captured, within the retries",
          f"lost {row['lost']}, captured {len(possible)} − {replied} = {unanswered}, retries {retries}")


def compare_samples(label, row, samples, possible, answers):
    """Each probe with its own packets."""
    keys = [(int(s["identifier"], 16), s["sequence"]) for s in samples]
    captured = {p.key for p in possible}
    check(set(keys) == captured and len(keys) == len(captured),
          f"{label} every probe was captured, every captured request is a probe",
          f"{len(keys)} probes, {len(captured)} captured, {len(set(keys) ^ captured)} differ")
    wrong = []
    late = 0
    for key, sample in zip(keys, samples):
        found = answers.get(key, [])
        if sample["outcome"] == "received" and not found:
            wrong.append(f"{sample['sequence']} received, but no reply was captured")
        if sample["outcome"] == "lost" and found:
            late += 1
    check(not wrong, f"{label} every received probe has its reply in the capture",
          "; ".join(wrong) or len(samples))
    check(late == row["late_replies"] + sum(
        1 for k, s in zip(keys, samples) if s["retry"] and s["outcome"] == "lost" and answers.get(k)),
          f"{label} late replies = replies to lost probes captured", f"{row['late_replies']} of {late}")
    # The law this is about, on the probes proper.
    proper = [(k, s) for k, s in zip(keys, samples) if not s["retry"]]
    check(row["sent"] == len(proper) and row["retries"] == len(samples) - len(proper),
          f"{label} sent and retries are the samples", f"{len(proper)} + {len(samples) - len(proper)}")
    replied = sum(1 for key, _ in proper if answers.get(key))
    check(row["lost"] + row["in_flight"] - row["late_replies"] == len(proper) - replied,
          f"{label} lost = requests captured − replies captured",
          f"{row['lost']} = {len(proper)} − {replied}"
          + (f" + {row['late_replies']} late" if row["late_replies"] else ""))
    check(row["received"] == sum(s["outcome"] == "received" for _, s in proper),
          f"{label} received = samples received", row["received"])


def compare_reply(path, row, cut, _):
    """One reply-style row."""
    label = f"{path.name}/reply"
    total = row["received"] + row["lost"] + row["inconclusive"] + row["in_flight"]
    check(row["sent"] == total, f"{label} sent = received + lost + inconclusive + in_flight",
          f"{row['sent']} = {row['received']} + {row['lost']} + {row['inconclusive']} + {row['in_flight']}")
    certain, possible = around(path.tests, cut)
    check(len(certain) <= row["sent"] + row["retries"] <= len(possible),
          f"{label} sent = hop-limited Echo Replies captured",
          f"{row['sent']} + {row['retries']}, captured {len(possible)}")
    answered = sum(path.expired(p) for p in possible)
    _, controls = around(path.controls, cut)
    controlled = sum(path.expired(p) for p in controls)
    check(row["received"] <= answered, f"{label} received ≤ tests with a Time Exceeded captured",
          f"{row['received']} ≤ {answered}")
    if controls and controlled == len(controls) and len(certain) == len(possible):
        check(row["received"] + row["in_flight"] >= answered,
              f"{label} with every control answered, received = tests answered",
              f"{row['received']} = {answered}")


def compare_failed(path, row, reason):
    """Lost probes that drew Destination Unreachable are counted under `reason`."""
    keys = {p.key for p in path.packets
            if p.kind == capture.UNREACHABLE and p.quoted == capture.REQUEST}
    refused = sum(1 for p in path.requests if p.key in keys)
    retried = {(int(s["identifier"], 16), s["sequence"]) for s in row.get("samples") or [] if s["retry"]}
    least = sum(1 for p in path.requests if p.key in keys - retried)
    count = row["failed"].get(reason, 0)
    # Whether an error to a retry counts too is not said anywhere; errors to probes proper must.
    check(0 < count and (least if retried else 1) <= count <= refused,
          f"{path.name}/request failed ({reason}) = probes with an ICMP error captured",
          f"{count} = {least}" + (f" … {refused} with retries" if refused != least else ""))


def departures(path, packets):
    """When each packet from the path's source passed a device: {(kind, key): nanoseconds}.

    An inside packet passes as ESP. Packets are encrypted in order, so the nth cleartext packet on the
    tunnel device is the nth ESP packet of the outbound SA.
    """
    clear = [p for p in path.packets if p.source == path.source and p.length <= CARRIED]
    if path.name == "outside":
        return {(p.kind, p.key): p.time for p in packets if p.source == path.source}
    outbound = [p for p in packets if p.kind == capture.ESP and p.spi == SPI_TO_EDGE]
    if not check(len(clear) == len(outbound), f"{path.name} every cleartext packet left as one ESP packet",
                 f"{len(clear)}, {len(outbound)}"):
        return {}
    return {(p.kind, p.key): e.time for p, e in zip(clear, outbound)}


def compare_rtt(path, row, cable):
    """The RTT of each probe with that of its packets.

    The kernel stamps a packet where a device's driver takes it; of an inside packet that is the outer
    one, on the device below the tunnel. tcpdump's stamp on that device is a few µs earlier. Between
    the two the guest's CPU may be taken away for milliseconds on a busy host, which is nobody's error:
    so the far end of the cable is captured too, and bounds the stamp from the other side.
    """
    label = f"{path.name}/request"
    samples = row.get("samples")
    if not check(bool(samples), f"{label} has samples", len(samples or [])):
        return
    near, far = (departures(path, capture.read(file)) for file in cable)
    requests = {p.key: p for p in path.requests}
    close = between = total = 0
    for sample in samples:
        key = (int(sample["identifier"], 16), sample["sequence"])
        answers = path.answer(requests[key]) if key in requests else []
        sent = (capture.REQUEST, key)
        if sample["outcome"] != "received" or not answers or sent not in near or sent not in far:
            continue
        total += 1
        longest, shortest = ((answers[0].time - ends[sent]) / 1e9 for ends in (near, far))
        said = sample["rtt_seconds"]
        close += abs(said - longest) <= RTT_TOLERANCE
        between += shortest - RTT_TOLERANCE <= said <= longest + RTT_TOLERANCE
        print(f"     {label} seq {sample['sequence']:>3}: agent {said * 1e3:8.4f} ms, "
              f"tcpdump {longest * 1e3:8.4f} ms, difference {(said - longest) * 1e6:+6.1f} µs; "
              f"tcpdump at the cable's far end {shortest * 1e3:8.4f} ms")
    check(total > 0 and between == total,
          f"{label} every RTT is within {RTT_TOLERANCE * 1e6:.0f} µs of what both ends of the cable allow",
          f"{between} of {total}")
    check(total > 0 and close >= 0.75 * total,
          f"{label} and of tcpdump's on the device, but where the host took the CPU away",
          f"{close} of {total}")


def compare_median(path, row, expectation):
    """The typical RTT of tcpdump with what the network was built to have, and with the agent's."""
    label = f"{path.name}/request"
    middle, width = map(float, expectation.split(","))
    seen = [(path.answer(p)[0].time - p.time) / 1e9 for p in path.requests if path.answer(p)]
    said = [s["rtt_seconds"] for s in row.get("samples") or [] if s["outcome"] == "received"]
    if not check(bool(seen) and bool(said), f"{label} has RTTs to compare", f"{len(said)}, {len(seen)}"):
        return
    check(abs(statistics.median(seen) - middle) <= width, f"{label} median RTT of tcpdump",
          f"{statistics.median(seen) * 1e3:.3f} ms, expected {middle * 1e3:g} ± {width * 1e3:g} ms")
    check(abs(statistics.median(said) - statistics.median(seen)) <= 0.001,
          f"{label} median RTT of the agent's samples", f"{statistics.median(said) * 1e3:.3f} ms")
    proper = [s["rtt_seconds"] for s in row["samples"] if s["outcome"] == "received" and not s["retry"]]
    check(any(abs(statistics.fmean(group) - row["rtt_seconds"]["mean"]) <= 1e-6 for group in (said, proper)),
          f"{label} mean RTT is the samples'", f"{row['rtt_seconds']['mean'] * 1e3:.4f} ms")


def check_expectation(tunnel, document, status, expectation, got):
    """State, verdict and exit status; `a|b` allows either."""
    states, _, statuses = expectation.partition("/")
    found = f"{tunnel['state']}/{status}"
    if got:
        with open(got, "w", encoding="ascii") as file:
            print(found, file=file)
    check(tunnel["state"] in states.split("|"), "state", f"{tunnel['state']}, expected {states}")
    check(str(status) in statuses.split("|"), "exit status", f"{status}, expected {statuses}")
    numbers = {"healthy": 0, "degraded": 1, "down": 2, "unknown": 3}
    check(numbers.get(document["verdict"]) == status, "exit status is the verdict's",
          f"{document['verdict']}, {status}")
    # Healthy or not known, and yet something critical stands: degraded.
    lifted = (tunnel["state"] in ("healthy", "unknown")
              and any(each["severity"] == "critical" for each in tunnel["findings"]))
    check(tunnel["verdict"] == ("degraded" if lifted else tunnel["state"]),
          "verdict is the state, lifted by a critical finding", tunnel["verdict"])


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--result", required=True, help="what probe printed (JSON)")
    options.add_argument("--exit", required=True, type=int, help="probe's exit status")
    options.add_argument("--expect", help="STATE/STATUS, alternatives with |")
    options.add_argument("--inside", help="SOURCE,TARGET,FILE[+FILE…]")
    options.add_argument("--outside", help="SOURCE,TARGET,FILE[+FILE…]")
    options.add_argument("--kind", help="kind of the tunnel")
    options.add_argument("--role")
    options.add_argument("--got", help="file for STATE/STATUS as found")
    options.add_argument("--each-probe", action="store_true",
                         help="match every sample with its packets; without, the counts only")
    options.add_argument("--answered", action="append", default=[], metavar="PATH",
                         help="every probe of this path but one in flight was answered")
    options.add_argument("--unanswered", action="append", default=[], metavar="PATH",
                         help="no probe of this path was answered")
    options.add_argument("--failed", metavar="PATH=REASON",
                         help="probes that drew an ICMP error are counted under this reason")
    options.add_argument("--flapping", action="store_true")
    options.add_argument("--no-finding", action="append", default=[], metavar="ID")
    options.add_argument("--no-critical", action="store_true")
    options.add_argument("--cable", metavar="NEAR,FAR",
                         help="captures of both ends of the customer's cable: compares each RTT")
    options.add_argument("--rtt", metavar="SECONDS,±SECONDS", help="median RTT of both paths")
    options = options.parse_args()

    try:
        with open(options.result, encoding="utf-8") as file:
            document = json.load(file)
    except ValueError as error:
        check(False, "probe printed JSON", error)
        return
    check(document.get("schema") == "tunnelprobe.status/1", "schema", document.get("schema"))
    tunnels = document["tunnels"]
    if not check(len(tunnels) == 1, "tunnels", [t["name"] for t in tunnels]):
        return
    tunnel = tunnels[0]
    if options.expect:
        check_expectation(tunnel, document, options.exit, options.expect, options.got)
    if options.kind:
        check(tunnel["kind"] == options.kind, "kind", f"{tunnel['kind']}, expected {options.kind}")
    if options.role:
        check(tunnel["role"] == options.role, "role", f"{tunnel['role']}, expected {options.role}")
    if options.flapping:
        check(tunnel["flapping"], "flapping",
              f"ratio {tunnel['flap_ratio']}, penalty {tunnel['flap_penalty']}, "
              f"changes {tunnel['changes_1h']}")
    findings = tunnel["findings"] + document["findings"]
    everything = findings + [e for f in findings for e in f.get("explained", [])]
    print("     findings: " + (", ".join(f"{f['id']} ({f['severity']})" for f in everything) or "none"))
    for name in options.no_finding:
        check(all(f["id"] != name for f in everything), f"no finding {name}")
    if options.no_critical:
        critical = [f["id"] for f in everything if f["severity"] == "critical"]
        check(not critical, "no critical finding", ", ".join(critical) or "none")

    cut = instant(document["generated_at"])
    rows = {(r["path"], r["style"]): r for r in tunnel["probes"]}
    for name in ("inside", "outside"):
        if not getattr(options, name):
            continue
        path = Path(name, getattr(options, name))
        for style, compare in (("request", compare_request), ("reply", compare_reply)):
            row = rows.get((name, style))
            if check(row is not None, f"{name}/{style} has a row"):
                compare(path, row, cut, options.each_probe)
        row = rows.get((name, "request"))
        if not row:
            continue
        if name in options.answered:
            check(row["sent"] > 0 and row["received"] + row["in_flight"] == row["sent"]
                  and row["in_flight"] <= 1,
                  f"{name}/request all answered", f"{row['received']} of {row['sent']}")
        if name in options.unanswered:
            check(row["sent"] > 0 and row["received"] == 0,
                  f"{name}/request none answered", f"{row['received']} of {row['sent']}")
        if options.failed and options.failed.startswith(name + "="):
            compare_failed(path, row, options.failed.partition("=")[2])
        if options.cable:
            compare_rtt(path, row, options.cable.split(","))
        if options.rtt:
            compare_median(path, row, options.rtt)


if __name__ == "__main__":
    main()
    sys.exit(1 if failed else 0)
