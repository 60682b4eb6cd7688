"""What the benches share: tools built on the spot, capture files written on the spot, programs run and
measured, the agent's control socket."""

import http.client
import os
import resource
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BENCHMARKS = os.path.join(ROOT, "Benchmarks")


class BenchFailure(Exception):
    """The bench could not measure: no statement about the program under test."""


class ControlConnection(http.client.HTTPConnection):
    """HTTP over the agent's control socket."""

    def __init__(self, path):
        super().__init__("agent", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Run:
    """One run of a program: its seconds, its peak memory in MiB, what it said."""

    def __init__(self, command, environment=None, accepted=(0,)):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            start = time.monotonic()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                       env={**os.environ, **(environment or {})})
            _, status, usage = os.wait4(process.pid, 0)
            self.wall = time.monotonic() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            self.out, self.err = out.read().decode(), err.read().decode()
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak = usage.ru_maxrss / 1024
        if process.returncode not in accepted:
            raise BenchFailure(f"{' '.join(command[:3])} … ended with status {process.returncode}: "
                               f"{self.err.strip()[-500:]}")


def best(runs):
    """The run that took the least time."""
    return min(runs, key=lambda run: run.wall)


class Tools:
    """The programs of Benchmarks/: the C ones are compiled into `folder`."""

    def __init__(self, folder):
        self.folder = folder

    def c(self, name, *flags):
        """Compiles Benchmarks/C/`name`.c, and returns where it is."""
        made = os.path.join(self.folder, name)
        Run(["cc", "-O2", "-o", made, os.path.join(BENCHMARKS, "C", f"{name}.c"), *flags])
        return made

    def swift(self, name):
        """Builds the package, and returns where its program `name` is."""
        build = ["swift", "build", "-c", "release", "--package-path", BENCHMARKS, "--product", name]
        Run(build)
        return os.path.join(Run([*build, "--show-bin-path"]).out.strip(), name)


class Traffic:
    """Capture files, each written when it is wanted and removed when it is left."""

    def __init__(self, tools):
        self.writer = tools.swift("esp-traffic")
        self.folder = tools.folder

    def file(self, *options):
        """A context manager: a capture file of this traffic, in the page cache."""
        return _File(self.writer, self.folder, list(map(str, options)))


class _File:
    def __init__(self, writer, folder, options):
        self.writer, self.folder, self.options = writer, folder, options

    def __enter__(self):
        descriptor, self.path = tempfile.mkstemp(suffix=".pcap", dir=self.folder)
        os.close(descriptor)
        try:
            Run([self.writer, self.path, *self.options])
        except BaseException:
            os.unlink(self.path)
            raise
        return self.path

    def __exit__(self, *_):
        os.unlink(self.path)


class Goals:
    """What was measured beside what is wanted; prints a table."""

    def __init__(self):
        self.missed = 0

    def at_most(self, what, value, goal, unit=""):
        """A figure that must not exceed its goal."""
        self._say(what, value, "≤", goal, unit, value <= goal)

    def at_least(self, what, value, goal, unit=""):
        """A figure that must reach its goal."""
        self._say(what, value, "≥", goal, unit, value >= goal)

    def _say(self, what, value, relation, goal, unit, good):
        self.missed += not good
        verdict = "" if good else "   MISSED"
        print(f"  {what:<58} {value:>9.4g}{unit}   goal {relation} {goal:g}{unit}{verdict}", flush=True)


def limit_files():
    """Every file the bench makes is its own: no core of 700 MB from a program that dies."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
