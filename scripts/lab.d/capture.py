"""Reads what tcpdump recorded: classic pcap files, down to ICMP echoes, ICMP errors, ESP and IKE.

Knows nothing of the agent's code, on purpose: it is the other side of a comparison.
"""

import ipaddress
import struct
from dataclasses import dataclass

REQUEST, REPLY, TIME_EXCEEDED, UNREACHABLE, ESP, UDP_ESP, IKE, FRAGMENT, DATAGRAM = (
    "request", "reply", "time-exceeded", "unreachable", "esp", "udp-esp", "ike", "fragment", "datagram")

# Link types (https://www.tcpdump.org/linktypes.html) and where the network header starts.
_LINK_HEADER = {1: 14, 12: 0, 14: 0, 101: 0, 113: 16, 228: 0, 229: 0, 276: 20}

# ICMP types of the kinds compared here.
_KINDS = {
    4: {8: REQUEST, 0: REPLY, 11: TIME_EXCEEDED, 3: UNREACHABLE},
    6: {128: REQUEST, 129: REPLY, 3: TIME_EXCEEDED, 1: UNREACHABLE},
}


@dataclass(frozen=True)
class Packet:
    """A packet as a device saw it. For an ICMP error, identifier and sequence are the quoted ones; for
    ESP, sequence is its own and iv the eight octets after it, as a number."""

    time: int  # nanoseconds since 1970
    source: str
    destination: str
    hops: int  # TTL or hop limit
    length: int  # of the IP packet
    kind: str
    identifier: int = 0
    sequence: int = 0
    quoted: str | None = None  # kind of the packet that an error quotes
    spi: int | None = None
    iv: int | None = None

    @property
    def key(self):
        return (self.identifier, self.sequence)


def read(path):
    """All packets of a capture file that are of a known kind, in its order."""
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < 24:
        raise ValueError(f"{path}: shorter than a pcap header")
    for order in "<>":
        magic, = struct.unpack_from(order + "I", data)
        if magic in (0xA1B2C3D4, 0xA1B23C4D):
            break
    else:
        raise ValueError(f"{path}: not a pcap file")
    fraction = 1 if magic == 0xA1B23C4D else 1000
    link, = struct.unpack_from(order + "I", data, 20)
    link &= 0xFFFF
    if link not in _LINK_HEADER:
        raise ValueError(f"{path}: link type {link} is not known here")
    packets, offset = [], 24
    while offset + 16 <= len(data):
        seconds, part, kept, _ = struct.unpack_from(order + "IIII", data, offset)
        frame = data[offset + 16:offset + 16 + kept]
        if len(frame) < kept:
            raise ValueError(f"{path}: cut at byte {offset}")
        offset += 16 + kept
        packet = _packet(frame[_LINK_HEADER[link]:], seconds * 10**9 + part * fraction)
        if packet:
            packets.append(packet)
    return packets


def _network(data):
    """(version, protocol, source, destination, hops, length, payload), or None."""
    if len(data) >= 20 and data[0] >> 4 == 4:
        header = (data[0] & 15) * 4
        if header < 20 or struct.unpack_from(">H", data, 6)[0] & 0x1FFF:
            return None
        return (4, data[9], str(ipaddress.IPv4Address(data[12:16])),
                str(ipaddress.IPv4Address(data[16:20])), data[8],
                struct.unpack_from(">H", data, 2)[0], data[header:])
    if len(data) >= 40 and data[0] >> 4 == 6:
        return (6, data[6], str(ipaddress.IPv6Address(data[8:24])),
                str(ipaddress.IPv6Address(data[24:40])), data[7],
                struct.unpack_from(">H", data, 4)[0] + 40, data[40:])
    return None


def _packet(data, time):
    network = _network(data)
    if not network:
        return _fragment(data, time)
    version, protocol, source, destination, hops, length, payload = network
    common = dict(time=time, source=source, destination=destination, hops=hops, length=length)
    if protocol == 50 and len(payload) >= 8:
        spi, number = struct.unpack_from(">II", payload)
        return Packet(kind=ESP, spi=spi, sequence=number, iv=int.from_bytes(payload[8:16], "big"), **common)
    if protocol == 17:
        return _datagram(payload, common)
    if protocol != {4: 1, 6: 58}[version] or len(payload) < 8:
        return None
    kind = _KINDS[version].get(payload[0])
    if kind in (REQUEST, REPLY):
        identifier, sequence = struct.unpack_from(">HH", payload, 4)
        return Packet(kind=kind, identifier=identifier, sequence=sequence, **common)
    if kind is None:
        return None
    inner = _network(payload[8:])
    if not inner or inner[1] != {4: 1, 6: 58}[inner[0]] or len(inner[6]) < 8:
        return None
    identifier, sequence = struct.unpack_from(">HH", inner[6], 4)
    return Packet(kind=kind, identifier=identifier, sequence=sequence,
                  quoted=_KINDS[inner[0]].get(inner[6][0]), **common)


def _fragment(data, time):
    """A fragment of IPv4 that is not the first one; that one is of the kind that its header says."""
    if len(data) < 20 or data[0] >> 4 != 4 or not struct.unpack_from(">H", data, 6)[0] & 0x1FFF:
        return None
    return Packet(kind=FRAGMENT, time=time, source=str(ipaddress.IPv4Address(data[12:16])),
                  destination=str(ipaddress.IPv4Address(data[16:20])), hops=data[8],
                  length=struct.unpack_from(">H", data, 2)[0])


def _datagram(data, common):
    """IKE, or ESP in UDP (RFC 3948), between ports that a NAT may have changed at one end."""
    if len(data) < 16:
        return None
    ports = struct.unpack_from(">HH", data)
    body = data[8:]
    if 500 in ports:
        return Packet(kind=IKE, **common)
    if 4500 not in ports:
        return Packet(kind=DATAGRAM, **common)
    spi, number = struct.unpack_from(">II", body)
    if spi == 0:
        return Packet(kind=IKE, **common)
    return Packet(kind=UDP_ESP, spi=spi, sequence=number, iv=int.from_bytes(body[8:16], "big"), **common)
