#!/usr/bin/python3
"""Has charon rekey a child SA several times over one vici connection: no process for each.

    rekey_by_vici.py SOCKET CHILD COUNT PAUSE

Every rekey waits for charon to say that the one before is done, and PAUSE seconds more. Prints how many
were done; status 1 when charon refused one or was silent for 30 s.
"""

import collections
import socket
import struct
import sys
import time

CMD_REQUEST, CMD_RESPONSE, EVENT_REGISTER, EVENT_CONFIRM, EVENT = 0, 1, 3, 5, 7
SECTION_START, SECTION_END, KEY_VALUE, LIST_START, LIST_ITEM, LIST_END = 1, 2, 3, 4, 5, 6


class Vici:
    """A connection: packets with a length of 4 octets in front (strongSwan's vici README)."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.events = collections.deque()

    def send(self, kind, name, message=b""):
        packet = struct.pack("BB", kind, len(name)) + name.encode() + message
        self.socket.sendall(struct.pack(">I", len(packet)) + packet)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise ConnectionError("charon closed the connection")
            data += more
        return data

    def packet(self):
        return self.exactly(struct.unpack(">I", self.exactly(4))[0])

    def answer(self, kind):
        """The rest of the next packet of this kind; events on the way are kept."""
        while True:
            packet = self.packet()
            if packet[0] == kind:
                return packet[1:]
            if packet[0] != EVENT:
                raise ConnectionError(f"charon answered with packet type {packet[0]}")
            self.events.append(packet[1:])

    def event(self):
        packet = self.events.popleft() if self.events else self.answer(EVENT)
        return packet[1:1 + packet[0]].decode(), parse(packet[1 + packet[0]:])


def parse(message):
    """The elements of a message as nested dictionaries; lists are not needed here, and skipped."""
    root, at = {}, 0
    sections = [root]

    def take(form):
        nonlocal at
        length = struct.unpack_from(form, message, at)[0]
        at += struct.calcsize(form)
        text = message[at:at + length].decode(errors="replace")
        at += length
        return text

    while at < len(message):
        kind = message[at]
        at += 1
        if kind == SECTION_START:
            sections.append(sections[-1].setdefault(take("B"), {}))
        elif kind == SECTION_END:
            sections.pop()
        elif kind == KEY_VALUE:
            key = take("B")
            sections[-1][key] = take(">H")
        elif kind == LIST_START:
            take("B")
        elif kind == LIST_ITEM:
            take(">H")
        elif kind != LIST_END:
            raise ValueError(f"a vici message has element type {kind}")
    return root


def pair(key, value):
    return struct.pack("BB", KEY_VALUE, len(key)) + key.encode() + struct.pack(">H", len(value)) + value.encode()


def main():
    path, child, count, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    vici = Vici(path)
    vici.send(EVENT_REGISTER, "child-rekey")
    vici.answer(EVENT_CONFIRM)
    # By name at first; then by number, for the old SA keeps the name until it is deleted.
    wanted = pair("child", child)
    done = 0
    while done < count:
        vici.send(CMD_REQUEST, "rekey", wanted)
        said = parse(vici.answer(CMD_RESPONSE))
        if said.get("success") != "yes":
            print(done)
            sys.exit(f"charon refused: {said}")
        name, message = vici.event()
        while name != "child-rekey":
            name, message = vici.event()
        # { IKE SA { child-sas { NAME-NUMBER { old { … } new { uniqueid … } } } } }
        news = [sa["new"] for ike in message.values() if isinstance(ike, dict)
                for sa in ike.get("child-sas", {}).values()]
        if len(news) != 1:
            sys.exit(f"not one child SA was rekeyed: {message}")
        wanted = pair("child-id", news[0]["uniqueid"])
        done += 1
        time.sleep(pause)
    print(done)


if __name__ == "__main__":
    main()
