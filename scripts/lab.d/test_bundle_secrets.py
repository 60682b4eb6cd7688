"""Tests of bundle_secrets.py: a planted secret is found in every form."""

import argparse
import base64
import io
import json
import os
import tarfile
import tempfile
import unittest

import bundle_secrets

KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fa0a1a2a3"
SECRET = "a preshared key of the lab"


class SearchTest(unittest.TestCase):
    def found(self, octets):
        with tempfile.TemporaryDirectory() as folder:
            bundle, keys, out = (os.path.join(folder, name) for name in ("b.tar.gz", "keys", "out"))
            with open(keys, "w", encoding="ascii") as file:
                file.write(KEY + "\n")
            with tarfile.open(bundle, "w:gz") as archive:
                for name, content in (("x/manifest.json", b'{"files": [], "left_out": []}'), ("x/file", octets)):
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
            bundle_secrets.search(
                argparse.Namespace(keys=keys, secret=[SECRET], known="known", out=out, bundles=[bundle])
            )
            with open(out, encoding="utf-8") as file:
                return json.load(file)

    def test_nothing(self):
        result = self.found(b"all that is known")
        self.assertEqual(result["found"], [])
        self.assertEqual(result["known"], 1)

    def test_every_form(self):
        raw = bytes.fromhex(KEY)
        for octets in (
            raw, KEY.encode(), KEY.upper().encode(), base64.b64encode(raw), SECRET.encode(),
            SECRET.encode().hex().encode(), base64.b64encode(b"x" + SECRET.encode()),
            base64.b64encode(b"xy" + SECRET.encode()), base64.b64encode(SECRET.encode()),
        ):
            self.assertTrue(self.found(b"before " + octets + b" after")["found"], octets)


if __name__ == "__main__":
    unittest.main()
