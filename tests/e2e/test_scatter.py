"""One slow job and ten thousand short ones over two workers with two slots each: no slot idles while something is
ready, so the short ones are all done while the slow one still runs.

SLOW_SECONDS is how long the slow job takes: 20 unless told otherwise."""
import os
import time

from harness import Case, queue, wait_until

SLOW = int(os.environ.get("SLOW_SECONDS", "20"))
SHORT = 10000


class Scatter(Case):
    def test_short_jobs_do_not_wait_for_a_slow_one(self):
        broker = self.broker()
        for _ in range(2):
            self.worker(broker, "q", "-j", 2, "--builtin", "sleep")
        slow = self.expect(0, broker, "submit", "q", f"{SLOW}s").stdout.strip()
        began = time.monotonic()
        done = self.expect(0, broker, "map", "q", input="1ms\n" * SHORT)
        took = time.monotonic() - began
        self.assertEqual(done.stdout.count("\n"), SHORT)
        q = queue(broker, "q")
        self.assertEqual((q["running"], q["done"]), (1, SHORT), "the slow job runs, and nothing else is left")
        print(f"{SHORT} short jobs took {took:.2f} s beside one of {SLOW} s", flush=True)
        self.expect(4, broker, "result", slow)  # not finished

    def test_the_slow_ones_come_last(self):
        """Slow jobs that arrive in the middle of the short ones hold up none that came before or after them."""
        broker = self.broker()
        for _ in range(2):
            self.worker(broker, "q", "-j", 2, "--builtin", "sleep")
        lines = ["1ms"] * SHORT
        for at in (100, 5000, 9000):
            lines[at] = f"{SLOW}s"
        self.expect(0, broker, "submit", "q", "--lines", input="\n".join(lines) + "\n")

        def look():
            q = queue(broker, "q")
            return q if q["done"] >= SHORT - 3 else None
        q = wait_until(look, what="the short jobs to be done")
        self.assertEqual((q["running"], q["done"]), (3, SHORT - 3), q)
