"""`scripts/bench capture`: tcpdump and the agent capture the same ESP in turn; who misses what, at what cost?

A cable between two network namespaces; at one end a sender that goes past every queue, at the other
the capture, whose filter, and how much of each frame is kept, are the same: ESP, 128 octets. tcpdump
also takes a turn with its own default of 262144 octets. tcpdump throws the packets away; the agent
analyses them. What was sent is counted by the sender, what was missed by the capture itself.
"""

import argparse
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from tools import BenchFailure, ControlConnection, Goals, Run, Tools, Traffic, limit_files

NEAR, FAR = "203.0.113.10", "198.51.100.1"
LENGTH = 154  # 140 octets of IPv4 behind an Ethernet header
TICK = os.sysconf("SC_CLK_TCK")
MOST_MEMORY = 64


def run(*command):
    """Runs a command, and returns its output."""
    return Run(list(command)).out


class Cable:
    """Two namespaces and a veth pair: `far` sends, `near` captures. Made when entered, removed when left."""

    def __init__(self):
        self.near, self.far = (f"bench-{os.getpid()}-{end}" for end in ("near", "far"))

    def __enter__(self):
        try:
            for namespace in (self.near, self.far):
                run("ip", "netns", "add", namespace)
                run("ip", "-n", namespace, "link", "set", "lo", "up")
            run("ip", "-n", self.near, "link", "add", "wan", "type", "veth", "peer", "name", "line",
                "netns", self.far)
            for namespace, device, address in ((self.near, "wan", NEAR), (self.far, "line", FAR)):
                run("ip", "-n", namespace, "address", "add", f"{address}/24", "dev", device)
                run("ip", "-n", namespace, "link", "set", device, "up")
            run("ip", "-n", self.near, "route", "add", f"{FAR}/32", "dev", "wan")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for namespace in (self.near, self.far):
            subprocess.run(["ip", "netns", "delete", namespace], stderr=subprocess.DEVNULL, check=False)


def usage(pid):
    """(CPU seconds, peak MiB) of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) / 1024
    return (int(fields[11]) + int(fields[12])) / TICK, peak


class Turn:
    """What one capture came to."""

    def __init__(self, who):
        self.who = who
        self.sent = self.pace = self.captured = self.missed = 0
        self.cpu = self.peak = self.idle_cpu = 0.0
        self.remarks = ""


def send(options, net, sender, path, turn):
    """Sends for the length of a turn."""
    said = Run(["ip", "netns", "exec", net.far, sender, "line", path, str(options.per_second),
                str(options.seconds), str(LENGTH)]).out
    figures = json.loads(said)
    turn.sent, turn.pace = figures["sent"], figures["per_second"]


def tcpdump_turn(options, net, sender, path, snaplen):
    """tcpdump, writing to /dev/null."""
    turn = Turn(f"tcpdump{f' -s {snaplen}' if snaplen else ''}")
    command = ["tcpdump", "-i", "wan", "-n", "-Z", "root", "-w", "/dev/null"]
    process = subprocess.Popen(
        ["ip", "netns", "exec", net.near, *command, *(["-s", str(snaplen)] if snaplen else []), "esp"],
        stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if "listening on" in line:
                break
        else:
            raise BenchFailure("tcpdump did not start")
        before = usage(process.pid)[0]
        send(options, net, sender, path, turn)
        time.sleep(1)
        after, turn.peak = usage(process.pid)
        turn.cpu = after - before
    finally:
        process.terminate()
        said = process.stderr.read()
        process.wait()
    turn.captured = int(re.search(r"(\d+) packets? captured", said)[1])
    turn.missed = int(re.search(r"(\d+) packets? dropped by kernel", said)[1])
    return turn


class Agent:
    """A running agent that captures on `wan` for one tunnel, with the usual settings."""

    def __init__(self, probe, net, folder):
        self.socket = os.path.join(folder, "control.sock")
        path = os.path.join(folder, "agent.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'[agent]\nlisten = ""\ndiscover = false\nstate_dir = "{folder}"\n'
                       f'control_socket = "{self.socket}"\n[[tunnel]]\nname = "bench"\nremote = "{FAR}"\n'
                       f'local = "{NEAR}"\nwan_interface = "wan"\n')
        self.log = os.path.join(folder, "agent.log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", net.near, probe, "agent", "--config", path],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while "ESP is captured on wan" not in self.said():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise BenchFailure(f"the agent does not capture:\n{self.said()[-2000:]}")
            time.sleep(0.1)

    def said(self):
        """Its log."""
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def metrics(self):
        """/metrics as {series: value}."""
        connection = ControlConnection(self.socket)
        try:
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            body = response.read().decode()
            if response.status != 200:
                raise BenchFailure(f"/metrics answers {response.status}")
        finally:
            connection.close()
        return {name: float(value) for name, value in
                re.findall(r"^(tunnelprobe_\w+(?:\{.*\})?) (\S+)$", body, re.M)}

    def settled(self):
        """The metrics once the captured packets are all counted."""
        last = self.metrics()
        for _ in range(50):
            time.sleep(0.2)
            now = self.metrics()
            if now[CAPTURED] == last[CAPTURED]:
                return now
            last = now
        raise BenchFailure("the agent still counts packets 10 s after the last")

    def stop(self):
        """Ends it."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


CAPTURED = 'tunnelprobe_capture_packets_total{interface="wan",netns=""}'
MISSED = 'tunnelprobe_capture_drops_total{interface="wan",netns=""}'
ANALYSED = 'tunnelprobe_esp_packets_total{tunnel="bench",direction="inbound"}'
UNFOLLOWED = 'tunnelprobe_capture_unfollowed_total{interface="wan",netns=""}'


def agent_turn(options, net, sender, path, name="probe agent"):
    """The agent, everything it does included."""
    turn = Turn(name)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        agent = Agent(options.probe, net, folder)
        try:
            time.sleep(2)
            idle = usage(agent.process.pid)[0]
            time.sleep(3)
            before = usage(agent.process.pid)[0]
            turn.idle_cpu = (before - idle) / 3
            send(options, net, sender, path, turn)
            time.sleep(1)
            after, turn.peak = usage(agent.process.pid)
            turn.cpu = after - before
            metrics = agent.settled()
            turn.peak = max(turn.peak, usage(agent.process.pid)[1])
        finally:
            agent.stop()
    # Those that the ring had no room for are in neither.
    turn.captured, turn.missed = int(metrics[CAPTURED]), int(metrics[MISSED])
    analysed = int(metrics[ANALYSED] + metrics.get(UNFOLLOWED, 0))
    if analysed != turn.captured:
        turn.remarks = f"analysed {analysed}"
    return turn


def show(turn):
    """One line of the table."""
    print(f"  {turn.who:<34}{turn.sent:>9}{turn.pace:>9.0f}/s{turn.captured:>10}{turn.missed:>9}"
          f"{turn.cpu:>8.2f} s{turn.peak:>6.0f} MiB  {turn.remarks}", flush=True)
    if turn.captured + turn.missed < turn.sent:
        print(f"    {turn.sent - turn.captured - turn.missed} packets are in neither count")


def measure(options, net, tools, traffic, goals):
    """All turns."""
    sender = tools.c("frame-sender", "-lpcap")
    # Each frame is sent once: numbers that come again would be another kind of traffic.
    frames = ("--packets", options.per_second * options.seconds + 1000, "--per-second", options.per_second)
    print(f"  {'':<34}{'sent':>9}{'pace':>11}{'captured':>10}{'missed':>9}{'CPU':>10}{'peak':>10}")
    dumps, agents = [], []
    for iv in ("seqiv", "random"):
        with traffic.file(*frames, "--senders", 50, "--iv", iv) as path:
            for _ in range(options.rounds):
                for snaplen in (128, None):
                    turn = tcpdump_turn(options, net, sender, path, snaplen)
                    show(turn)
                    if snaplen:
                        dumps.append(turn)
                agents.append(agent_turn(options, net, sender, path, f"probe agent, {iv}"))
                show(agents[-1])
    slow = min(turn.pace for turn in (*dumps, *agents)) / options.per_second
    goals.at_least("the sender kept its pace", slow, 0.98)
    goals.at_most("packets missed by the agent, beyond tcpdump's",
                  max(0, sum(t.missed for t in agents) - sum(t.missed for t in dumps)), 0)
    for iv in ("seqiv", "random"):
        mine = [t for t in agents if t.who.endswith(iv)]
        goals.at_most(f"CPU time / tcpdump's (-s 128), {iv}",
                      sum(t.cpu for t in mine) / len(mine) / (sum(t.cpu for t in dumps) / len(dumps)), 1, "×")

    print("\n  memory of the whole agent, of which nothing but these streams:")
    for senders, streams, flood in ((500, 10, None), (5000, 10, None), (50, 1, "spi"), (50, 1, "sequence")):
        kind = ["--senders", senders, "--streams", streams, "--iv", "random"]
        what = f"{senders} senders on each of {streams} SAs" if not flood else f"flood, {flood}"
        with traffic.file(*frames, *kind, *(["--flood", flood] if flood else [])) as path:
            turn = agent_turn(options, net, sender, path, what)
        show(turn)
        goals.at_most("memory", turn.peak, MOST_MEMORY, " MiB")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench capture", add_help=False)
    parser.add_argument("--probe", required=True)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--per-second", type=int, default=200_000)
    try:
        options = parser.parse_args()
    except SystemExit:
        return 64
    if options.seconds < 1 or options.rounds < 1 or options.per_second < 1:
        print("bench: --seconds, --rounds and --per-second take 1 or more", file=sys.stderr)
        return 64
    # As for SIGINT: what was made is taken away again.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    limit_files()
    goals = Goals()
    print(f"140-octet ESP at {options.per_second} packets/s, {options.seconds} s in each turn; "
          f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, Cable() as net:
            tools = Tools(folder)
            measure(options, net, tools, Traffic(tools), goals)
    except (BenchFailure, OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as failure:
        print(f"bench: {failure!r}", file=sys.stderr)
        return 70
    print(f"\nload now {os.getloadavg()[0]:.1f}; "
          + (f"{goals.missed} goals missed" if goals.missed else "every goal met"))
    return 1 if goals.missed else 0


if __name__ == "__main__":
    sys.exit(main())
