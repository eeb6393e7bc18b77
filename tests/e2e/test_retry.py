"""Attempts: the pauses between them, what is kept of each, and what `sheaf job` shows of all that."""
import json
import re

from harness import wait_until
from test_cli import Cli


class Retry(Cli):
    def job(self, broker, job):
        return json.loads(self.expect(0, broker, "job", job, "--json").stdout)

    def test_attempts_are_kept_and_shown(self):
        broker = self.broker()
        self.worker(broker, "q", "--name", "w1", *self.script(
            'echo "try $SHEAF_ATTEMPT" >&2; [ "$SHEAF_ATTEMPT" = 3 ] || exit "$SHEAF_ATTEMPT"; echo good'))
        job = self.expect(0, broker, "submit", "q", "x", "--attempts", "5", "--backoff", "20ms").stdout.strip()
        self.expect(0, broker, "wait", job)
        for _ in range(2):
            info = self.job(broker, job)
            self.assertEqual((info["state"], info["attempt"], info["attempts"]), ("done", 3, 5))
            self.assertEqual([(h["attempt"], h["verdict"], h["worker"], h["exit"], h["error"])
                              for h in info["history"]],
                             [(1, "failed", "w1", 1, "try 1\n"), (2, "failed", "w1", 2, "try 2\n"),
                              (3, "done", "w1", 0, "")])
            self.assertLessEqual(info["history"][0]["started"], info["history"][1]["started"])
            broker.kill()
            broker.start()
        text = self.expect(0, broker, "job", job).stdout
        self.assertRegex(text, r"(?m)^ATTEMPT  VERDICT  WORKER  STARTED +RAN  EXIT  ERROR$")
        self.assertRegex(text, r"(?m)^ +2  failed   w1      \d{4}-\S+Z +\S+ +2  try 2$")

    def test_a_pause_can_be_seen(self):
        broker = self.broker()
        worker = self.worker(broker, "q", "--name", "w1", *self.script("echo no >&2; exit 7"))
        job = self.expect(0, broker, "submit", "q", "x", "--attempts", "2", "--backoff", "1h",
                          "--lease", "30s").stdout.strip()
        wait_until(lambda: self.job(broker, job)["state"] == "delayed", what="the pause")
        for _ in range(2):
            info = self.job(broker, job)
            self.assertEqual((info["attempt"], info["error"], info["backoff_ms"], info["lease_ms"]),
                             (1, "no\n", 3600000, 30000))
            self.assertGreater(info["due"], info["history"][0]["started"])
            text = self.expect(0, broker, "job", job).stdout
            self.assertRegex(text, r"(?m)^state +delayed$")
            self.assertRegex(text, r"(?m)^due +\d{4}-\S+Z, in (59|[3-5]\d)m")
            self.assertRegex(text, r"(?m)^backoff +1h$")
            self.assertRegex(text, r"(?m)^error +no$")
            broker.restart()
        worker.stop()

    def test_what_will_run_later_says_so(self):
        broker = self.broker()
        job = self.expect(0, broker, "submit", "q", "x", "--delay", "2h", "--expires", "3h").stdout.strip()
        info = self.job(broker, job)
        self.assertEqual((info["state"], info["history"]), ("delayed", []))
        self.assertLess(info["due"], info["expires"])
        self.assertTrue(re.search(r"(?m)^expires .* in (2h59m|3h)", self.expect(0, broker, "job", job).stdout))
