#!/usr/bin/python3
"""What hedging brings, measured with real processes; by hand, it is no test.

    tests/e2e/race_bar.py [JOBS [MS]]

Four workers run a handler that sleeps MS (default 50) milliseconds, and 100 times as long in 1 of 100 runs. JOBS
(default 1000) go through `sheaf run`, then as many through `sheaf race --replicas 2 --hedge H`, where H is what 96 of
100 of the first needed. A table says how long they took, and how many runs the handlers had."""
import concurrent.futures
import os
import shutil
import sys
import tempfile
import time

from harness import Broker, Worker, sheaf

AT_ONCE = 4


def measure(broker, jobs, *command):
    def one(i):
        begun = time.monotonic()
        done = sheaf(broker, command[0], "q", str(i), *command[1:])
        assert done.returncode == 0, done.stderr
        return 1000 * (time.monotonic() - begun)

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return sorted(pool.map(one, range(jobs)))


def row(name, took, runs):
    cells = [took[int(len(took) * q)] for q in (0.5, 0.9, 0.95, 0.99)] + [took[-1]]
    print(f"{name:<28}" + "".join(f"{ms:>10.0f}" for ms in cells) + f"{runs:>8} {100 * (runs / len(took) - 1):+.1f} %",
          flush=True)


def main():
    jobs, ms = [int(a) for a in sys.argv[1:] + ["1000", "50"][len(sys.argv) - 1:]]
    folder = tempfile.mkdtemp(prefix="sheaf-race-")
    runs = os.path.join(folder, "runs")
    # under a lock: two that count at once would both miss the run that is to be slow
    slow = f"n=$(flock {runs}.lock sh -c 'echo >>{runs}; wc -c <{runs}'); ((n % 100 == 50))"
    handler = f"if {slow}; then exec sleep {ms / 10}; fi; exec sleep {ms / 1000}"
    broker = Broker(folder).start()
    workers = [Worker(broker, "q", "-j", 4, "--", "bash", "-c", handler).start() for _ in range(4)]

    def counted(*command):
        open(runs, "w").close()
        took = measure(broker, jobs, *command)
        return took, os.path.getsize(runs)

    try:
        print(f"{jobs} jobs, {AT_ONCE} at once, ms      p50       p90       p95       p99       max    runs")
        plain = counted("run")
        row("run", *plain)
        hedge = round(plain[0][int(jobs * 0.96)])
        raced = counted("race", "--replicas", 2, "--hedge", f"{hedge}ms", "--timeout", "10m")
        row(f"race --hedge {hedge}ms", *raced)
        ratio = plain[0][int(jobs * 0.99)] / raced[0][int(jobs * 0.99)]
        print(f"p99 is {ratio:.1f} times lower for {100 * (raced[1] / plain[1] - 1):+.1f} % runs")
    finally:
        for p in workers + [broker]:
            p.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
