#!/usr/bin/python3
"""In the guest: polls the agent's status twice a second until it is right, and writes down what it said.

usage: matrix_watch.py SOCKET EXPECTATION SECONDS

The agent's control socket gives what `probe status --json` prints. A poll is a line of watch.jsonl: its time
and the parts that are judged. While there is no file `fault`, all of it is before the fault; the watch ends
when the diagnosis was right for 3 s after it, and at the latest SECONDS after it.
"""

import http.client
import json
import pathlib
import socket
import sys
import time

import matrix

STAYS = 3.0


class Control(http.client.HTTPConnection):
    """HTTP over the control socket."""

    def __init__(self, path):
        super().__init__("agent", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(10)
        self.sock.connect(self.path)


def ask(path):
    """The agent's status, or None while it does not answer."""
    control = Control(path)
    try:
        control.request("GET", "/api/v1/status")
        answer = control.getresponse()
        return json.loads(answer.read()) if answer.status == 200 else None
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        control.close()


def finding(each):
    return {"id": each["id"], "severity": each["severity"], "summary": each.get("summary"),
            "evidence": each.get("evidence"), "remedy": [""] * len(each.get("remedy") or []) or None,
            "explained": [finding(child) for child in each.get("explained") or []]}


def reduced(status):
    """What is judged of a status."""
    tunnels = [{"name": each["name"], "state": each["state"], "state_since": each.get("state_since"),
                "verdict": each.get("verdict"), "findings": [finding(one) for one in each["findings"]],
                "diagnosis": {"checked": [check for check in (each.get("diagnosis") or {}).get("checked", [])
                                          if check["result"] == "unknown"]}}
               for each in status["tunnels"]]
    return {"tunnels": tunnels, "findings": [finding(one) for one in status["findings"]]}


def main():
    path, expectation, limit = sys.argv[1], matrix.Expectation(sys.argv[2]), float(sys.argv[3])
    fault = right_since = None
    unasked = 0
    with open("watch.jsonl", "w", encoding="utf-8") as file:
        while True:
            began = time.time()
            status = ask(path)
            if fault is None and pathlib.Path("fault").exists():
                fault = float(pathlib.Path("fault").read_text())
            if status is None:
                unasked += 1
                if unasked > 20:
                    print("FAIL the agent's control socket does not answer", flush=True)
                    return
            else:
                moment = {"time": round(began, 3), "status": reduced(status)}
                file.write(json.dumps(moment) + "\n")
                file.flush()
                if fault is not None and began > fault:
                    if expectation.errors(status):
                        right_since = None
                    elif right_since is None:
                        right_since = began
            # Where nothing may be said, the whole time is watched.
            quiet = expectation.top == "none" and not expectation.also
            if fault is not None and (began - fault >= limit or (
                    right_since is not None and began - right_since >= STAYS and not quiet)):
                return
            time.sleep(max(0.05, 0.5 - (time.time() - began)))


main()
