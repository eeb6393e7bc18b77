"""Clients of NSQ from npm, unchanged, against the edge: nsqjs, the official one, with all that it can do; and squeaky.
Their versions are in tests/compat/package-lock.json; npm puts them into build/compat, once."""
import fcntl
import hashlib
import json
import os
import shutil
import subprocess

from harness import ROOT, environment
from nsq_case import NsqCase

COMPAT, MODULES = os.path.join(ROOT, "tests/compat"), os.path.join(ROOT, "build/compat")
LISTS = ("package.json", "package-lock.json")


def install():
    """The folder of the modules; they are fetched when the lists have changed."""
    os.makedirs(MODULES, exist_ok=True)
    with open(os.path.join(MODULES, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        digest = hashlib.sha256()
        for name in LISTS:
            with open(os.path.join(COMPAT, name), "rb") as f:
                digest.update(f.read())
        stamp = os.path.join(MODULES, ".installed")
        if not os.path.exists(stamp) or open(stamp).read() != digest.hexdigest():
            for name in LISTS:
                shutil.copy(os.path.join(COMPAT, name), MODULES)
            done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=MODULES,
                                  capture_output=True, text=True, timeout=300)
            if done.returncode != 0:
                raise AssertionError(f"npm ci: {done.stderr}{done.stdout}")
            with open(stamp, "w") as f:
                f.write(digest.hexdigest())
    return os.path.join(MODULES, "node_modules")


class Npm(NsqCase):
    TLS = True
    TIMEOUT = 120

    @classmethod
    def setUpClass(cls):
        cls.modules = install()
        super().setUpClass()

    def node(self, program, *args):
        """What the program printed, as JSON."""
        done = subprocess.run(["node", os.path.join(COMPAT, program), *args], capture_output=True, text=True,
                              timeout=100, env=environment(NODE_PATH=self.modules))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)


class Nsqjs(Npm):
    def scenario(self, name, topic=None, **options):
        got = self.node("nsqjs_client.js", name, self.nsq, topic or f"js-{self._testMethodName}", json.dumps(options))
        if name != "bad":
            self.assertEqual(got["errors"], [])
        return got

    def all(self, **options):
        for channel in "ab":  # a reader says that it is connected before it has subscribed
            self.consumer(f"js-{self._testMethodName}", channel).close()
        got = self.scenario("all", **options)
        self.assertEqual((got["counts"], got["same"]), ([300, 300], [True, True]))

    def test_plain(self):
        self.all()

    def test_snappy(self):
        self.all(snappy=True)

    def test_deflate(self):
        self.all(deflate=True, deflateLevel=3)

    def test_tls(self):
        self.all(tls=True, tlsVerification=False)

    def test_tls_and_snappy(self):
        self.all(tls=True, tlsVerification=False, snappy=True)

    def test_tls_and_deflate(self):
        self.all(tls=True, tlsVerification=False, deflate=True)

    def test_unbuffered(self):
        self.all(outputBufferSize=-1, outputBufferTimeout=-1)

    def test_requeue(self):
        got = self.scenario("requeue")
        self.assertEqual(got["attempts"], [1, 2, 3])
        self.assertGreaterEqual(got["waited"], 390)

    def test_backoff(self):
        got = self.scenario("backoff")
        self.assertEqual((got["done"], got["failed"]), (50, 5))

    def test_touch(self):
        got = self.scenario("touch")
        self.assertEqual((got["attempts"], got["touched"]), ([1], 6))

    def test_timeout(self):
        self.assertEqual(self.scenario("timeout")["attempts"], [1, 2])

    def test_discard(self):
        got = self.scenario("discard")
        self.assertEqual((got["attempts"], got["discarded"]), ([1, 2], "x"))

    def test_defer(self):
        got = self.scenario("defer")
        self.assertEqual(got["body"], "later")
        self.assertGreaterEqual(got["waited"], 690)

    def test_pause(self):
        got = self.scenario("pause")
        self.assertEqual((got["whilePaused"], got["got"]), (1, 2))

    def test_heartbeats(self):
        self.assertEqual(self.scenario("heartbeats")["got"], 1)

    def test_an_error_reaches_the_program(self):
        got = self.scenario("bad")
        self.assertIn("E_BAD_TOPIC", json.dumps(got))


class Squeaky(Npm):
    def test_squeaky(self):
        got = self.node("squeaky_client.js", self.nsq, "squeaky")
        self.assertEqual(got["errors"], [])
        self.assertEqual(sorted(got["got"]), [[0, 1], [1, 2], [2, 1], [3, 1], [4, 1]])


if __name__ == "__main__":
    import unittest
    unittest.main()
