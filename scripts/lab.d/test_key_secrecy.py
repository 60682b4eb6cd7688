"""The judge of key secrecy finds a key that is there."""

import contextlib
import io
import json
import os
import tempfile
import unittest

import key_secrecy


class KeySecrecyTests(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.keys = os.path.join(self.folder.name, "keys")
        self.out = os.path.join(self.folder.name, "found")

    def tearDown(self):
        self.folder.cleanup()

    def search(self, key, secret="no such secret"):
        with open(self.keys, "w", encoding="ascii") as file:
            file.write(key + "\n")
        written = os.path.join(self.folder.name, "written")
        with open(written, "wb") as file:
            file.write(self.written)
        arguments = type("Arguments", (), {})()
        arguments.pid, arguments.keys, arguments.out = os.getpid(), self.keys, self.out
        arguments.known, arguments.files, arguments.secret = "unittest", [written], []
        key_secrecy.search(arguments)
        with open(self.out, encoding="utf-8") as file:
            return json.load(file)

    def test_collects_keys_of_each_kind_once(self):
        text = """
            src 192.0.2.1 dst 192.0.2.2
            \taead rfc4106(gcm(aes)) 0x%s 128
            src 192.0.2.1 dst 192.0.2.2
            \tauth-trunc hmac(sha256) 0x%s 128
            \tenc cbc(aes) 0x%s
        """ % ("01" * 36, "02" * 32, "03" * 16)
        key_secrecy.collect(self.keys, text)
        key_secrecy.collect(self.keys, text)
        with open(self.keys, encoding="ascii") as file:
            self.assertEqual(file.read().split(), ["01" * 36, "02" * 32, "03" * 16])

    def test_finds_a_key_in_memory_and_in_each_form_in_a_file(self):
        key = os.urandom(36)
        for written in [key, key.hex().encode(), key.hex().upper().encode()]:
            self.written = b"x" + written
            found = self.search(key.hex())["found"]
            self.assertTrue(any("written" in place for place in found), found)
            # The process that searches has the key itself.
            self.assertTrue(any("written" not in place for place in found), found)
            self.assertGreater(json.load(open(self.out, encoding="utf-8"))["known"], 0)

    def test_judges(self):
        good = {
            "keys": 3, "found": [], "octets": 1 << 22, "known": 4, "core_limit": ["0", "0"],
            "files": {"a": 1},
        }
        for change, holds in [
            ({}, True), ({"found": ["key 1"]}, False), ({"known": 0}, False),
            ({"core_limit": ["unlimited", "unlimited"]}, False), ({"files": {}}, False),
            ({"files": {"a": 0}}, False), ({"keys": 1}, False),
        ]:
            with open(self.out, "w", encoding="utf-8") as file:
                json.dump({**good, **change}, file)
            with contextlib.redirect_stdout(io.StringIO()):
                self.assertEqual(key_secrecy.judge(self.out, 2), holds, change)


if __name__ == "__main__":
    unittest.main()
