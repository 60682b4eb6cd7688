"""The network that `scripts/bench probing` measures in, and the far end's own count of what came.

Three namespaces in a row: the prober's, a router's, the targets'. The router is there because the
agent also sends hop-limited pairs, which only a router answers. All addresses are of 198.18.0.0/15,
set aside for benchmarks (RFC 2544), and nothing is connected to this host.
"""

import ipaddress
import json
import os
import struct
import subprocess

from tools import BenchFailure

TARGETS = ipaddress.ip_network("198.18.0.0/22")
# The agent's hop-limited pairs go to hop 3 at most; everything else starts at 64.
PAIR_HOP_LIMIT = 8
# A probe: IPv4 and ICMP header and 56 octets, as fping is told to send.
PROBE_LENGTH = 84


def run(*command):
    """Runs a command, and returns its output; raises CalledProcessError with stderr in it."""
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def targets(count):
    """The first `count` addresses to probe."""
    first = int(TARGETS.network_address) + 1
    return [str(ipaddress.ip_address(first + index)) for index in range(count)]


class Network:
    """Made when entered, removed when left."""

    def __init__(self):
        # Process ids are unique at one time, so two benches do not meet.
        self.prober, self.router, self.far = (
            f"bench-{os.getpid()}-{role}" for role in ("prober", "router", "far")
        )

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for namespace in (self.prober, self.router, self.far):
            subprocess.run(["ip", "netns", "delete", namespace], stderr=subprocess.DEVNULL)

    def _make(self):
        for namespace in (self.prober, self.router, self.far):
            run("ip", "netns", "add", namespace)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
        self._connect(self.prober, "198.19.0.1/30", self.router, "198.19.0.2/30")
        self._connect(self.router, "198.19.0.5/30", self.far, "198.19.0.6/30")
        run("ip", "-n", self.prober, "route", "add", "default", "via", "198.19.0.2")
        run("ip", "-n", self.far, "route", "add", "default", "via", "198.19.0.5")
        run("ip", "-n", self.router, "route", "add", str(TARGETS), "via", "198.19.0.6")
        self.inside(self.router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        run("ip", "-n", self.far, "route", "add", "local", str(TARGETS), "dev", "lo")
        # Requests are told apart by their hop limit, the pairs' controls are no probes, and by their
        # length: what searches the path MTU has any other.
        self._nft(
            self.far,
            f"""
            table ip judge {{
                counter requests {{}}
                counter controls {{}}
                counter searches {{}}
                chain arriving {{
                    type filter hook input priority filter
                    icmp type echo-request ip ttl > {PAIR_HOP_LIMIT} ip length {PROBE_LENGTH} counter name requests
                    icmp type echo-request ip ttl > {PAIR_HOP_LIMIT} ip length != {PROBE_LENGTH} counter name searches
                    icmp type echo-request ip ttl <= {PAIR_HOP_LIMIT} counter name controls
                }}
            }}
            """,
        )

    def _connect(self, left, left_address, right, right_address):
        run("ip", "-n", left, "link", "add", f"to-{right[-6:]}", "type", "veth", "peer",
            "name", f"to-{left[-6:]}", "netns", right)
        for namespace, address, device in (
            (left, left_address, f"to-{right[-6:]}"),
            (right, right_address, f"to-{left[-6:]}"),
        ):
            run("ip", "-n", namespace, "address", "add", address, "dev", device)
            run("ip", "-n", namespace, "link", "set", device, "up")

    @staticmethod
    def _nft(namespace, rules):
        subprocess.run(["ip", "netns", "exec", namespace, "nft", "-f", "-"], check=True,
                       text=True, input=rules, capture_output=True)

    @staticmethod
    def inside(namespace, *command):
        """Runs a command in a namespace, and returns its output."""
        return run("ip", "netns", "exec", namespace, *command)

    def requests(self):
        """Echo Requests that arrived at the far end: (probes, others: pairs' controls and searches)."""
        answer = json.loads(
            self.inside(self.far, "nft", "-j", "list", "counters", "table", "ip", "judge"))
        packets = {
            entry["counter"]["name"]: entry["counter"]["packets"]
            for entry in answer["nftables"] if "counter" in entry
        }
        return packets["requests"], packets["controls"] + packets["searches"]

    def answers(self):
        """The far kernel's own count: (echo requests in, echo replies out)."""
        lines = [line.split() for line in self.inside(self.far, "cat", "/proc/net/snmp").splitlines()
                 if line.startswith("Icmp:")]
        counts = dict(zip(lines[0], lines[1]))
        return int(counts["InEchos"]), int(counts["OutEchoReps"])

    def stop_requests(self):
        """Refuses Echo Requests on their way out of the prober, who sees EPERM and counts none."""
        self._nft(
            self.prober,
            """
            table ip stop {
                chain leaving {
                    type filter hook output priority filter
                    icmp type echo-request drop
                }
            }
            """,
        )

    def allow_requests(self):
        """Takes back `stop_requests`."""
        self.inside(self.prober, "nft", "delete", "table", "ip", "stop")


class Capture:
    """tcpdump before the targets: when each probe came, by the kernel's stamps."""

    def __init__(self, network, path):
        self.path = path
        device = f"to-{network.router[-6:]}"
        expression = (f"icmp[icmptype] == icmp-echo and ip[8] > {PAIR_HOP_LIMIT} "
                      f"and ip[2:2] == {PROBE_LENGTH}")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", network.far, "tcpdump", "-i", device, "-Q", "in", "-s", "40",
             "-B", "8192", "-n", "-Z", "root", "-w", path, expression],
            stderr=subprocess.PIPE, text=True)
        # "listening on …": from now on nothing is missed.
        for line in self.process.stderr:
            if line.startswith(("tcpdump: listening", "listening")):
                return
        raise BenchFailure("tcpdump did not start")

    def finish(self):
        """Ends it, and returns {destination: [seconds, …]}."""
        self.process.terminate()
        said = self.process.stderr.read()
        self.process.wait()
        if " 0 packets dropped by kernel" not in " " + said.replace("\n", " "):
            raise BenchFailure(f"tcpdump missed packets: {said.strip()}")
        arrivals = {}
        with open(self.path, "rb") as file:
            header = file.read(24)
            if struct.unpack("=I", header[:4])[0] != 0xA1B2C3D4:
                raise BenchFailure("tcpdump wrote a file of another kind than microsecond pcap")
            while record := file.read(16):
                seconds, micros, length, _ = struct.unpack("=IIII", record)
                frame = file.read(length)
                # Ethernet 14 octets, then IPv4: the destination stands at 16.
                arrivals.setdefault(frame[30:34], []).append(seconds + micros / 1e6)
        return arrivals


def late_gaps(arrivals, interval, tolerance):
    """How many probes came later after their predecessor than interval + tolerance; and how many
    have a predecessor."""
    late = total = 0
    for times in arrivals.values():
        for before, after in zip(times, times[1:]):
            total += 1
            late += after - before > interval + tolerance
    return late, total
