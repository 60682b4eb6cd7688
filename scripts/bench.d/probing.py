"""`scripts/bench probing`: the agent and fping probe the same addresses in turn; who costs what?

The judge is the far end: probes sent must be probes that arrived there, answers counted must be
answers that left there. What is missing between the two is lost by the prober itself.
"""

import argparse
import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import network
from tools import BenchFailure, ControlConnection

INTERVAL = 1.0
WARM_UP = 5.0
# A probe is late that leaves over 10 ms past its deadline.
LATENESS = 0.010
GOAL_LATE = 0.001
TICK = os.sysconf("SC_CLK_TCK")


class Usage:
    """What a process has used so far."""

    def __init__(self, pid):
        with open(f"/proc/{pid}/stat") as file:
            # The second field is the name in parentheses, which may hold anything.
            fields = file.read().rpartition(")")[2].split()
        self.cpu = (int(fields[11]) + int(fields[12])) / TICK
        with open(f"/proc/{pid}/status") as file:
            status = dict(line.split(":", 1) for line in file)
        self.peak = int(status["VmHWM"].split()[0]) / 1024
        # Seconds runnable but not running: what the machine, not the prober, adds to delays.
        self.waited = 0
        for task in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                    self.waited += int(file.read().split()[1]) / 1e9
            except FileNotFoundError:
                pass  # That thread has ended meanwhile.


class Turn:
    """What one turn of one prober came to; None where the prober does not tell."""

    who = ""
    probes = lost = own_late = 0
    lost_by_itself = None
    late_gaps = gaps = 0
    cpu_per_1000 = cpu_share = waited = peak = scraped_peak = scrape_cpu = None
    problems = ()


class Agent:
    """A running `probe agent` and its configuration."""

    def __init__(self, probe, net, addresses, folder):
        self.folder = folder
        self.socket = os.path.join(folder, "control.sock")
        path = os.path.join(folder, "agent.conf")
        with open(path, "w") as file:
            file.write(self._configuration(addresses, folder))
        self.log = os.path.join(folder, "agent.log")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", net.prober, probe, "agent", "--config", path],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 15
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(self.log) as log:
                    said = log.read()[-2000:]
                self.stop()
                raise BenchFailure(f"the agent does not start:\n{said}")
            time.sleep(0.05)

    @staticmethod
    def _configuration(addresses, folder):
        head = (
            "[agent]\n"
            'listen = ""\n'
            "discover = false\n"
            f'state_dir = "{folder}"\n'
            f'control_socket = "{folder}/control.sock"\n'
            "[defaults]\n"
            f'interval = "{INTERVAL:g}s"\n'
            'timeout = "1s"\n'
            "capture = false\n"
        )
        return head + "".join(
            f'[[tunnel]]\nname = "t{index}"\nremote = "{address}"\n'
            for index, address in enumerate(addresses))

    def _get(self, target):
        connection = ControlConnection(self.socket)
        try:
            connection.request("GET", target)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _is_ready(self):
        try:
            return self._get("/-/ready")[0] == 200
        except OSError:
            return False

    def scrape(self):
        """/metrics as {family: sum over outside/request, or over everything without a path}."""
        status, body = self._get("/metrics")
        if status != 200:
            raise BenchFailure(f"/metrics answers {status}")
        self.last_metrics = body
        sums = {}
        for line in body.decode().splitlines():
            match = re.match(r"(tunnelprobe_\w+)(\{.*\})? (\S+)$", line)
            if not match:
                continue
            name, labels, value = match.groups()
            if labels and 'path="outside",style="request"' not in labels:
                continue
            sums[name] = sums.get(name, 0) + float(value)
        return sums

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def count(sums, name):
    """One counter of a scrape."""
    try:
        return int(sums[f"tunnelprobe_{name}_total"])
    except KeyError:
        raise BenchFailure(f"/metrics has no tunnelprobe_{name}_total") from None


def measure(pid, net, seconds, meanwhile=lambda left: time.sleep(left)):
    """What a process uses over a window: (CPU s/1000 probes, CPU share, waited share, Usage)."""
    before, used = net.requests(), Usage(pid)
    start = time.monotonic()
    meanwhile(seconds)
    elapsed = time.monotonic() - start
    after, usage = net.requests(), Usage(pid)
    probes = after[0] - before[0]
    if probes == 0:
        raise BenchFailure("no probe arrived at the far end")
    cpu = usage.cpu - used.cpu
    return cpu * 1000 / probes, cpu / elapsed, (usage.waited - used.waited) / elapsed, usage


def agent_turn(options, net, addresses, folder):
    """Lets the agent probe, then compares its counts with the far end's."""
    turn = Turn()
    turn.who = "probe agent"
    probes_before, others_before = net.requests()
    answers_before = net.answers()
    capture = network.Capture(net, os.path.join(folder, "arrivals.pcap"))
    agent = Agent(options.probe, net, addresses, folder)
    try:
        time.sleep(WARM_UP)

        def scrape_now_and_then(seconds):
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(left, options.scrape_every or left))
                if options.scrape_every and time.monotonic() < end:
                    agent.scrape()

        turn.cpu_per_1000, turn.cpu_share, turn.waited, usage = measure(
            agent.process.pid, net, options.seconds, scrape_now_and_then)
        turn.peak = usage.peak
        arrivals = capture.finish()
        capture = None

        before = Usage(agent.process.pid)
        sums = agent.scrape()
        after = Usage(agent.process.pid)
        turn.scrape_cpu, turn.scraped_peak = after.cpu - before.cpu, after.peak
        late, sent_by_then = count(sums, "late_probes"), count(sums, "probes_sent")

        # From now on nothing more is sent, so that every count comes to rest and can be compared
        # to the packet: what is refused here is counted as failed, not as sent.
        net.stop_requests()
        time.sleep(INTERVAL + 2)
        sums = agent.scrape()
        probes, others = net.requests()
        answers = net.answers()
        with open(os.path.join(folder, "metrics"), "wb") as file:
            file.write(agent.last_metrics)
    finally:
        if capture:
            capture.process.kill()
        agent.stop()
    net.allow_requests()

    turn.probes = count(sums, "probes_sent")
    turn.lost = count(sums, "probes_lost")
    retries = count(sums, "probes_retries")
    turn.own_late = late / max(1, sent_by_then)
    turn.late_gaps, turn.gaps = network.late_gaps(arrivals, INTERVAL, LATENESS)

    arrived = probes - probes_before
    echoes = answers[0] - answers_before[0]
    answered = answers[1] - answers_before[1]
    # Answers to those and retries left the far end too; every one of them is accounted for.
    expected = answered - (others - others_before) - retries
    received = count(sums, "probes_received")
    turn.lost_by_itself = abs(turn.probes + retries - arrived) + abs(received - expected)
    problems = []
    if turn.probes + retries != arrived:
        problems.append(f"the agent counts {turn.probes} probes and {retries} retries sent, "
                        f"{arrived} arrived at the far end")
    if received != expected:
        problems.append(f"the agent counts {received} answers, the far end sent {expected}")
    if echoes != arrived + others - others_before:
        raise BenchFailure(f"the far end's own counts disagree: {echoes} echoes in, "
                           f"{arrived} probes and {others - others_before} others")
    for name, what in (("receive_drops", "answers dropped, receive buffer full"),
                       ("probes_late_replies", "answers taken for late"),
                       ("probes_duplicates", "answers taken for duplicates"),
                       ("probes_rejected", "answers rejected"),
                       ("probes_inconclusive", "probes undecided")):
        if count(sums, name):
            problems.append(f"{count(sums, name)} {what}")
    turn.problems = problems
    return turn


def fping_turn(options, net, addresses, folder):
    """Lets fping do the same."""
    turn = Turn()
    turn.who = "fping"
    before = net.requests()[0]
    answers_before = net.answers()[1]
    listing = os.path.join(folder, "targets")
    with open(listing, "w") as file:
        file.write("\n".join(addresses) + "\n")
    capture = network.Capture(net, os.path.join(folder, "arrivals.pcap"))
    # -i: the least time between two packets, kept from each actual send to the next: with more than
    # half of its share of the period, delays add up and fping falls behind. -b: the agent's payload.
    spacing = INTERVAL * 1000 / len(addresses) / 2
    with open(os.path.join(folder, "fping.out"), "w+") as output:
        fping = subprocess.Popen(
            ["ip", "netns", "exec", net.prober, "fping", "-l", "-q", "-p", f"{INTERVAL * 1000:g}",
             "-i", f"{spacing:.3f}", "-t", "1000", "-b", "56", "-f", listing],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            time.sleep(WARM_UP)
            turn.cpu_per_1000, turn.cpu_share, turn.waited, usage = measure(
                fping.pid, net, options.seconds)
            turn.peak = usage.peak
            arrivals = capture.finish()
            capture = None
            fping.send_signal(signal.SIGINT)
            fping.wait(20)
        finally:
            if capture:
                capture.process.kill()
            if fping.poll() is None:
                fping.kill()
                fping.wait()
        time.sleep(0.5)
        output.seek(0)
        said = output.read()
    sent = received = 0
    for match in re.finditer(r"xmt/rcv/%loss = (\d+)/(\d+)/", said):
        sent += int(match[1])
        received += int(match[2])
    if not sent:
        raise BenchFailure(f"fping gave no summary: {said[-500:]}")
    turn.probes, turn.lost = sent, sent - received
    turn.late_gaps, turn.gaps = network.late_gaps(arrivals, INTERVAL, LATENESS)
    turn.own_late = None
    # fping does not wait at its end: an answer on its way then is not lost by it.
    turn.lost_by_itself = None
    arrived, answered = net.requests()[0] - before, net.answers()[1] - answers_before
    if abs(arrived - sent) > 2 or answered != arrived:
        turn.problems = [f"fping counts {sent} sent, {arrived} arrived, {answered} were answered"]
    return turn


def table(rows):
    """Aligned columns, the first to the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))).rstrip()


def shown(value, pattern, scale=1):
    return "-" if value is None else format(value * scale, pattern)


def report(turns):
    rows = [("who", "probes", "lost", "lost by itself", "late", "late seen outside",
             "CPU s/1000 probes", "CPU %", "waited for CPU", "peak MiB", "with /metrics")]
    for turn in turns:
        rows.append((
            turn.who, str(turn.probes), str(turn.lost), shown(turn.lost_by_itself, "d"),
            shown(turn.own_late, ".4f", 100) + ("" if turn.own_late is None else " %"),
            f"{turn.late_gaps / max(1, turn.gaps) * 100:.4f} %", f"{turn.cpu_per_1000:.4f}",
            f"{turn.cpu_share * 100:.1f}", f"{turn.waited * 100:.1f} %", f"{turn.peak:.1f}",
            shown(turn.scraped_peak, ".1f")))
    print("\n".join(table(rows)))


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def judge(turns):
    """Prints PASS or FAIL for each goal, and returns whether all passed."""
    agents = [turn for turn in turns if turn.who != "fping"]
    peers = [turn for turn in turns if turn.who == "fping"]
    passed = True

    def goal(text, is_met, figure):
        nonlocal passed
        passed = passed and is_met
        print(f"{'PASS' if is_met else 'FAIL'}  {text}: {figure}")

    lost = sum(turn.lost_by_itself for turn in agents)
    goal("none lost by the agent itself", lost == 0, str(lost))
    late = max(turn.own_late for turn in agents)
    goal(f"late probes under {GOAL_LATE * 100:g} %", late < GOAL_LATE, f"{late * 100:.4f} %")
    if late >= GOAL_LATE:
        print("      Where the agent waited for a CPU, this machine has more to run than processors.")
    ratio = mean(turn.cpu_per_1000 for turn in agents) / mean(turn.cpu_per_1000 for turn in peers)
    print(f"      CPU beside fping: {ratio:.2f} times")
    print(f"      memory beside fping: {mean(turn.peak for turn in agents):.1f} MiB and "
          f"{mean(turn.peak for turn in peers):.1f} MiB")
    print(f"      one /metrics: {mean(turn.scrape_cpu for turn in agents):.2f} s of CPU")
    return passed


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench probing", add_help=False)
    parser.add_argument("--probe", required=True)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--scrape-every", type=float, default=0)
    parser.add_argument("--keep")
    try:
        options = parser.parse_args()
    except SystemExit:
        return 64
    if not 1 <= options.targets <= 1000 or options.seconds < 1 or options.rounds < 1:
        print("bench: --targets takes 1 to 1000, --seconds and --rounds 1 or more", file=sys.stderr)
        return 64
    # As for SIGINT: what was made is taken away again.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    addresses = network.targets(options.targets)
    load = os.getloadavg()[0]
    print(f"{len(addresses)} targets at 1 probe/s each, {options.seconds} s measured in each turn, "
          f"{os.cpu_count()} CPUs, load {load:.1f}")
    print("The agent's CPU includes its reply-style pairs (at most one packet for each hop in 1.2 s, "
          "whatever the number of targets),\nits look at this host once a second, and its kernel "
          "timestamps; fping takes none of these.")
    turns = []
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch, network.Network() as net:
            for number in range(options.rounds):
                folder = options.keep or os.path.join(scratch, str(number))
                os.makedirs(folder, exist_ok=True)
                for turn in (agent_turn, fping_turn):
                    turns.append(turn(options, net, addresses, folder))
                    print(f"  {turns[-1].who}, turn {number + 1} of {options.rounds}: done",
                          file=sys.stderr)
    except (BenchFailure, OSError, http.client.HTTPException) as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 70
    except subprocess.CalledProcessError as failure:
        print(f"bench: {' '.join(failure.cmd)}: {failure.stderr.strip()}", file=sys.stderr)
        return 70
    report(turns)
    for turn in turns:
        for problem in turn.problems:
            print(f"  {turn.who}: {problem}")
    return 0 if judge(turns) else 1


if __name__ == "__main__":
    sys.exit(main())
