"""Many at once: 2,000 subscribers that have nothing to do and 200 that have, with bench/nsq_load.c as the crowd."""
import json
import subprocess

from harness import environment, program
from nsq_case import NsqCase
from test_nsq_hostile import rss_mib

IDLE, BUSY, CHANNELS = 2000, 200, 20


class Crowd(NsqCase):
    TIMEOUT = 170

    def crowd(self, seconds):
        """nsq-load fails if a busy one got less than a tenth of its share, or if a message is missing or came twice."""
        done = subprocess.run([program("nsq-load"), "crowd", "--json", "--idle", str(IDLE), "--busy", str(BUSY),
                               "--spread", str(CHANNELS), "--rdy", "50", "--rate", "2000", "--batch", "20",
                               "--seconds", f"{seconds}s", self.nsq], capture_output=True, text=True, timeout=120,
                              env=environment())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_crowd(self):
        self.producer().pub("before", "x")
        first = self.crowd(3)
        self.assertEqual((first["starved"], first["missing"], first["errors"]), (0, 0, 0))
        self.assertEqual(first["received"], first["published"] * CHANNELS)
        after_first = rss_mib(self.broker.pid)
        second = self.crowd(8)
        after_second = rss_mib(self.broker.pid)
        print(f"RSS {after_first:.0f} MiB, then {after_second:.0f} MiB; least share "
              f"{second['least_share_percent']} %", flush=True)
        self.assertLess(after_second, after_first * 1.25 + 32, "MiB; memory grows with what has passed")

    def test_connections_are_given_back(self):
        """A second crowd finds room, and what the first held is free."""
        self.crowd(1)
        for name in ("load", "load-idle"):
            for i in (1, CHANNELS):
                self.wait_channel(name, f"crowd{i}", client_count=0)


if __name__ == "__main__":
    import unittest
    unittest.main()
