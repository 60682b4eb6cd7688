"""An IKEv2 responder that sets a tunnel up and answers every rekey with TEMPORARY_FAILURE.

strongSwan cannot be made to do that for longer than a rekey of its own takes. This speaks as much of
RFC 7296 as it takes: IKE_SA_INIT with AES-CBC-256, SHA2-256 and the 2048-bit MODP group, IKE_AUTH with a
pre-shared key, one child SA of AES-GCM-256 that it installs with `ip xfrm`; then TEMPORARY_FAILURE to
CREATE_CHILD_SA, and an empty answer to INFORMATIONAL. It says on standard output what it does.

For the lab alone: it checks no more than it needs to, and its keys are for nobody.
"""

import argparse
import hashlib
import hmac
import secrets
import select
import socket
import struct
import subprocess
import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

# Exchanges, payloads and notifies of RFC 7296 §3.
SA_INIT, AUTH, CREATE_CHILD, INFORMATIONAL = 34, 35, 36, 37
SA, KE, IDI, IDR, AUTHENTICATION, NONCE, NOTIFY, TSI, TSR, ENCRYPTED = 33, 34, 35, 36, 39, 40, 41, 44, 45, 46
NO_PROPOSAL_CHOSEN, INVALID_KE, AUTHENTICATION_FAILED, TEMPORARY_FAILURE = 14, 17, 24, 43
RESPONSE, INITIATOR = 0x20, 0x08

# Group 14, RFC 3526 §3.
PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF", 16)

# (type, identifier, key bits) of the transforms that are taken.
IKE_TRANSFORMS = ((1, 12, 256), (2, 5, None), (3, 12, None), (4, 14, None))
ESP_TRANSFORMS = ((1, 20, 256), (5, 0, None))


def prf(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def prf_plus(key, seed, count):
    """RFC 7296 §2.13."""
    stream, block, number = b"", b"", 1
    while len(stream) < count:
        block = prf(key, block + seed + bytes([number]))
        stream += block
        number += 1
    return stream[:count]


def payloads(kind, data):
    """[(type, body)] of a chain; what an Encrypted payload holds begins with the type in its header."""
    found = []
    while kind and len(data) >= 4:
        following, length = data[0], struct.unpack_from(">H", data, 2)[0]
        if not 4 <= length <= len(data):
            raise ValueError("a payload's length is wrong")
        found.append((kind, data[4:length]))
        if kind == ENCRYPTED:
            return found + [("inside", following)]
        kind, data = following, data[length:]
    return found


def chain(parts):
    """(the first type, the octets) of payloads."""
    data = b""
    for index, (kind, body) in enumerate(parts):
        following = parts[index + 1][0] if index + 1 < len(parts) else 0
        data += struct.pack(">BBH", following, 0, 4 + len(body)) + body
    return (parts[0][0] if parts else 0), data


def notify(kind, data=b""):
    return NOTIFY, struct.pack(">BBH", 0, 0, kind) + data


def proposals(body):
    """[(number, SPI, {(type, identifier, key bits)})] of an SA payload."""
    found = []
    while len(body) >= 8:
        _, _, length, number, _, spi_size, _ = struct.unpack_from(">BBHBBBB", body)
        spi, rest, transforms = body[8:8 + spi_size], body[8 + spi_size:length], set()
        while len(rest) >= 8:
            _, _, size, kind, _, identifier = struct.unpack_from(">BBHBBH", rest)
            bits = struct.unpack_from(">HH", rest, 8)[1] if size >= 12 else None
            transforms.add((kind, identifier, bits))
            rest = rest[size:]
        found.append((number, spi, transforms))
        body = body[length:]
    return found


def selected(number, protocol, spi, transforms):
    """The body of an SA payload with the one proposal that was taken."""
    data = b""
    for index, (kind, identifier, bits) in enumerate(transforms):
        attribute = struct.pack(">HH", 0x800E, bits) if bits else b""
        more = 3 if index + 1 < len(transforms) else 0
        data += struct.pack(">BBHBBH", more, 0, 8 + len(attribute), kind, 0, identifier) + attribute
    return struct.pack(">BBHBBBB", 0, 0, 8 + len(spi) + len(data), number, protocol, len(spi),
                       len(transforms)) + spi + data


class Session:
    """One IKE SA."""

    def __init__(self, options, spi_i):
        self.options, self.spi_i, self.spi_r = options, spi_i, secrets.token_bytes(8)
        self.answers = {}

    def message(self, exchange, number, parts):
        first, data = chain(parts)
        return struct.pack(">8s8sBBBBII", self.spi_i, self.spi_r, first, 0x20, exchange, RESPONSE, number,
                           28 + len(data)) + data

    def sealed(self, exchange, number, parts):
        """The same with its payloads in an Encrypted payload, RFC 7296 §3.14."""
        first, data = chain(parts)
        padding = -(len(data) + 1) % 16
        data += bytes(padding) + bytes([padding])
        iv = secrets.token_bytes(16)
        cipher = Cipher(algorithms.AES(self.sk_er), modes.CBC(iv)).encryptor()
        body = iv + cipher.update(data) + cipher.finalize()
        length = 28 + 4 + len(body) + 16
        whole = struct.pack(">8s8sBBBBII", self.spi_i, self.spi_r, ENCRYPTED, 0x20, exchange, RESPONSE, number,
                            length) + struct.pack(">BBH", first, 0, 4 + len(body) + 16) + body
        return whole + prf(self.sk_ar, whole)[:16]

    def opened(self, data):
        """The payloads inside a sealed message."""
        (_, body), (_, first) = payloads(data[16], data[28:])[-2:]
        if not hmac.compare_digest(prf(self.sk_ai, data[:-16])[:16], data[-16:]):
            raise ValueError("the checksum is wrong")
        cipher = Cipher(algorithms.AES(self.sk_ei), modes.CBC(body[:16])).decryptor()
        clear = cipher.update(body[16:-16]) + cipher.finalize()
        return dict(payloads(first, clear[:len(clear) - 1 - clear[-1]]))

    def start(self, data):
        """IKE_SA_INIT."""
        parts = dict(payloads(data[16], data[28:]))
        fitting = [p for p in proposals(parts[SA]) if p[2].issuperset(IKE_TRANSFORMS)]
        if not fitting:
            self.spi_r = bytes(8)
            return self.message(SA_INIT, 0, [notify(NO_PROPOSAL_CHOSEN)])
        if struct.unpack_from(">H", parts[KE])[0] != 14:
            self.spi_r = bytes(8)
            return self.message(SA_INIT, 0, [notify(INVALID_KE, struct.pack(">H", 14))])
        self.nonce_i, self.nonce_r = parts[NONCE], secrets.token_bytes(32)
        secret = secrets.randbits(256) | 1
        public = pow(2, secret, PRIME).to_bytes(256, "big")
        shared = pow(int.from_bytes(parts[KE][4:], "big"), secret, PRIME).to_bytes(256, "big")
        nonces = self.nonce_i + self.nonce_r
        keys = prf_plus(prf(nonces, shared), nonces + self.spi_i + self.spi_r, 7 * 32)
        self.sk_d, self.sk_ai, self.sk_ar, self.sk_ei, self.sk_er, self.sk_pi, self.sk_pr = (
            keys[k:k + 32] for k in range(0, len(keys), 32))
        self.request, self.response = data, self.message(SA_INIT, 0, [
            (SA, selected(fitting[0][0], 1, b"", IKE_TRANSFORMS)),
            (KE, struct.pack(">HH", 14, 0) + public), (NONCE, self.nonce_r)])
        return self.response

    def proof(self, message, nonce, key, identity):
        """The AUTH of a pre-shared key, RFC 7296 §2.15."""
        secret = prf(self.options.secret.encode(), b"Key Pad for IKEv2")
        return prf(secret, message + nonce + prf(key, identity))

    def authenticate(self, number, data):
        """IKE_AUTH, with the child SA."""
        parts = self.opened(data)
        right = self.proof(self.request, self.nonce_r, self.sk_pi, parts[IDI])
        if parts[AUTHENTICATION][4:] != right:
            return self.sealed(AUTH, number, [notify(AUTHENTICATION_FAILED)])
        fitting = [p for p in proposals(parts[SA]) if p[2].issuperset(ESP_TRANSFORMS)]
        identity = struct.pack(">BBH", 1, 0, 0) + socket.inet_aton(self.options.address)
        answer = [(IDR, identity), (AUTHENTICATION, struct.pack(">BBH", 2, 0, 0) + self.proof(
            self.response, self.nonce_i, self.sk_pr, identity))]
        if not fitting:
            return self.sealed(AUTH, number, answer + [notify(NO_PROPOSAL_CHOSEN)])
        spi = b"\xc0" + secrets.token_bytes(3)
        self.install(spi, fitting[0][1])
        return self.sealed(AUTH, number, answer + [
            (SA, selected(fitting[0][0], 3, spi, ESP_TRANSFORMS)), (TSI, parts[TSI]), (TSR, parts[TSR])])

    def install(self, inbound, outbound):
        """The kernel's side: the SAs, and policies for a VTI's mark."""
        keys = prf_plus(self.sk_d, self.nonce_i + self.nonce_r, 72)
        here, there, mark = self.options.address, self.options.peer, self.options.mark
        lines = []
        for source, target, spi, key in ((there, here, inbound, keys[:36]), (here, there, outbound, keys[36:])):
            lines.append(f"xfrm state add src {source} dst {target} proto esp spi 0x{spi.hex()} reqid {mark} "
                         f"mode tunnel flag af-unspec aead rfc4106(gcm(aes)) 0x{key.hex()} 128")
        for way, source, target in (("out", here, there), ("in", there, here), ("fwd", there, here)):
            lines.append(f"xfrm policy update src 0.0.0.0/0 dst 0.0.0.0/0 dir {way} mark {mark} "
                         f"tmpl src {source} dst {target} proto esp reqid {mark} mode tunnel")
        subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)

    def answer(self, data):
        """The response to a request; the one that was sent before, to the same request."""
        exchange, number = data[18], struct.unpack_from(">I", data, 20)[0]
        if number not in self.answers:
            if exchange == SA_INIT:
                said, self.answers[number] = "IKE_SA_INIT", self.start(data)
            elif exchange == AUTH:
                said, self.answers[number] = "IKE_AUTH", self.authenticate(number, data)
            elif exchange == CREATE_CHILD:
                self.opened(data)
                said = "CREATE_CHILD_SA, answered with TEMPORARY_FAILURE"
                self.answers[number] = self.sealed(exchange, number, [notify(TEMPORARY_FAILURE)])
            else:
                self.opened(data)
                said, self.answers[number] = "INFORMATIONAL", self.sealed(exchange, number, [])
            print(f"{self.spi_i.hex()} {number}: {said}", flush=True)
        return self.answers[number]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--address", required=True, help="of this end, which is its identity too")
    options.add_argument("--peer", required=True, help="the other end's address")
    options.add_argument("--secret", required=True, help="the pre-shared key")
    options.add_argument("--mark", required=True, type=int, help="of the VTI")
    options = options.parse_args()
    sockets = []
    for port in (500, 4500):
        each = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        each.bind((options.address, port))
        sockets.append(each)
    sessions = {}
    print("listening", flush=True)
    while True:
        for each in select.select(sockets, [], [])[0]:
            data, origin = each.recvfrom(65535)
            # Behind the marker that tells IKE from ESP, RFC 3948 §2.2.
            marker = b"\0\0\0\0" if each is sockets[1] else b""
            if not data.startswith(marker) or len(data) < len(marker) + 28:
                continue
            data = data[len(marker):]
            if data[19] & RESPONSE:
                continue
            try:
                session = sessions.setdefault(data[:8], Session(options, data[:8]))
                each.sendto(marker + session.answer(data), origin)
            except (ValueError, KeyError, IndexError, AttributeError, struct.error) as error:
                print(f"{data[:8].hex()}: not understood: {error!r}", flush=True)


if __name__ == "__main__":
    main()
    sys.exit(0)
