#!/usr/bin/python3
"""Ten million queued jobs of 200 bytes with --memory 512M: how much memory, how long a restart takes, that all of
them are done in the end, and that the disk is given back. Prints figures; fails on what the project promises.

    tests/e2e/big.py [JOBS]

Not part of CI: it takes some 20 minutes and 10 GB of disk below $TMPDIR (or /tmp)."""
import os
import re
import subprocess
import sys
import tempfile
import time

from harness import Broker, Worker, program, queue, sheaf, wait_until

RSS_LIMIT = 1.75 * 2**30  # with 10 million jobs
RESTART_LIMIT = 10.0      # seconds, with 10 million jobs


def rss(pid, field="VmRSS"):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(rf"^{field}:\s+(\d+) kB", f.read(), re.M).group(1)) * 1024


def disk(path):
    """Bytes that the files of a folder take on the disk."""
    return sum(os.stat(os.path.join(d, f)).st_blocks * 512 for d, _, fs in os.walk(path) for f in fs)


def gib(n):
    return f"{n / 2**30:.2f} GiB"


def say(what, figure):
    print(f"{what:48} {figure}", flush=True)


def submit(broker, jobs):
    """Feeds `jobs` lines of 200 bytes to sheaf submit; returns how many ids it printed, and the seconds."""
    began = time.monotonic()
    with open(f"{broker.folder}/ids", "wb") as out, open(f"{broker.folder}/submit.stderr", "wb") as err:
        p = subprocess.Popen([program("sheaf"), "submit", "q", "--lines", "--broker", broker.url],
                             stdin=subprocess.PIPE, stdout=out, stderr=err)
        tail = "." * 188
        for at in range(0, jobs, 10000):
            p.stdin.write("".join(f"{i:012d}{tail}\n" for i in range(at, min(jobs, at + 10000))).encode())
        p.stdin.close()
        status = p.wait()
    if status:
        with open(f"{broker.folder}/submit.stderr") as f:
            sys.exit(f"big.py: sheaf submit ended with {status}: {f.read()[-2000:]}")
    with open(f"{broker.folder}/ids", "rb") as f:
        count = sum(block.count(b"\n") for block in iter(lambda: f.read(1 << 20), b""))
    return count, time.monotonic() - began


def run(folder, jobs, processes):
    failed = []

    def bound(what, value, limit, shown):
        ok = value <= limit or jobs != 10_000_000
        say(what, shown + ("" if ok else "   OVER THE LIMIT"))
        if not ok:
            failed.append(what)

    broker = Broker(folder, memory="512M")
    processes.append(broker)
    broker.start()
    accepted, took = submit(broker, jobs)
    say("jobs accepted, and in s", f"{accepted} in {took:.1f} ({accepted / took:,.0f}/s)")
    if accepted != jobs:
        failed.append("jobs refused")
    bound("broker RSS with all of them queued", rss(broker.pid), RSS_LIMIT, gib(rss(broker.pid)))
    bound("broker RSS at its peak", rss(broker.pid, "VmHWM"), RSS_LIMIT, gib(rss(broker.pid, "VmHWM")))
    full = disk(broker.data)
    say("disk with all of them queued", gib(full))
    broker.kill()
    began = time.monotonic()
    broker.start(seconds=300)
    took = time.monotonic() - began
    bound("restart after kill -9", took, RESTART_LIMIT, f"{took:.1f} s")
    bound("broker RSS after the restart", rss(broker.pid), RSS_LIMIT, gib(rss(broker.pid)))
    if queue(broker, "q")["ready"] != jobs:
        failed.append("jobs lost by the restart")
    began = time.monotonic()
    for _ in range(2):
        worker = Worker(broker, "q", "--builtin", "noop")
        processes.append(worker)
        worker.start()
    wait_until(lambda: queue(broker, "q")["done"] >= jobs, 3600, "all jobs to be done")
    took = time.monotonic() - began
    q = queue(broker, "q")
    say("drained in s", f"{took:.1f} ({jobs / took:,.0f}/s)")
    say("submitted, done, dead", f"{q['submitted']}, {q['done']}, {q['dead']}")
    if (q["submitted"], q["done"], q["dead"]) != (jobs, jobs, 0):
        failed.append("jobs lost or counted twice")
    bound("broker RSS at its peak while draining", rss(broker.pid, "VmHWM"), RSS_LIMIT, gib(rss(broker.pid, "VmHWM")))
    least = min_disk(broker, full)
    say("disk after all are done (results are kept for 1 h)", gib(least))
    if least > full / 2 and jobs >= 1_000_000:
        failed.append("the disk was not given back")
    for p in reversed(processes):
        p.stop(300)
    for f in failed:
        print(f"big.py: {f}", file=sys.stderr)
    print(f"{0 if failed else 1} passed, {len(failed)} failed")
    return 1 if failed else 0


def min_disk(broker, full):
    """What the data take once the broker has cleaned up: the least within two minutes of no change."""
    least, since = disk(broker.data), time.monotonic()
    while time.monotonic() - since < 60 and least > full / 10:
        time.sleep(2)
        sheaf(broker, "ping")
        now = disk(broker.data)
        if now < least:
            least, since = now, time.monotonic()
    return least


def main():
    jobs, processes = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000, []
    with tempfile.TemporaryDirectory(prefix="sheaf-big-") as folder:
        try:
            return run(folder, jobs, processes)
        finally:
            for p in processes:
                p.kill()


if __name__ == "__main__":
    sys.exit(main())
