"""kill -9 in the middle of load: of the broker, of its clients and of workers. What was accepted ends done, once.

ROUNDS is the number of rounds of each test: 20 in CI, 200 by hand."""
import os
import random
import subprocess
import time

from harness import Case, Worker, descendants, is_alive, queue, wait_until

ROUNDS = int(os.environ.get("ROUNDS", "20"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))
LINES = int(os.environ.get("LINES", "60000"))


def write_lines(path, lines):
    with open(path, "w") as f:
        f.writelines(x + "\n" for x in lines)
    return path


def lines_of(path):
    """The whole lines of a file that a program may still write to."""
    with open(path) as f:
        return f.read().rpartition("\n")[0].split("\n") if os.path.getsize(path) else []


class Kill(Case):
    TIMEOUT = 120 + 40 * ROUNDS

    def setUp(self):
        super().setUp()
        self.rng = random.Random(SEED)
        print(f"SEED={SEED}", flush=True)

    def waited(self, broker, ids, status=0):
        """`sheaf wait` for all ids, some thousand at a time."""
        for i in range(0, len(ids), 4000):
            self.expect(status, broker, "wait", *ids[i:i + 4000])

    def same_results(self, broker, ids, payloads, sample):
        for i in self.rng.sample(range(len(ids)), min(sample, len(ids))):
            self.assertEqual(self.expect(0, broker, "result", ids[i]).stdout.rstrip("\n"), payloads[i],
                             f"the result of job {ids[i]}")

    def all_done(self, broker, name, total):
        """Everything in the queue is done, exactly `total` jobs."""
        def look():
            q = queue(broker, name)
            return q if q["done"] >= q["submitted"] else None
        q = wait_until(look, what=f"all jobs of {name} to be done")
        self.assertEqual((q["submitted"], q["done"]), (total, total), q)
        for state in ("blocked", "delayed", "ready", "running", "dead", "expired", "cancelled"):
            self.assertEqual(q[state], 0, q)

    def test_broker(self):
        """A submitter and a map are at work; the broker dies at a random moment and comes back."""
        broker = self.broker()
        for _ in range(2):
            self.worker(broker, "s,m,k", "-j", 2, "--builtin", "echo")
        sent = mapped = 0
        for n in range(ROUNDS):
            work = [f"{n}.{i}.{'x' * 180}" for i in range(LINES)]
            small = [f"m{n}.{i}" for i in range(LINES // 6)]
            submit = self.command(broker, "submit", "s", "--lines", stdin=write_lines(f"{self.dir}/in", work))
            mapping = self.command(broker, "map", "m", stdin=write_lines(f"{self.dir}/map", small))
            at = self.rng.randrange(LINES)
            wait_until(lambda: len(lines_of(submit.stdout_path)) >= at or not submit.running(), what="ids")
            time.sleep(self.rng.random() * 0.02)
            broker.kill()
            broker.start()
            self.assertEqual(submit.wait(), 0, submit.tail())
            self.assertEqual(mapping.wait(), 0, mapping.tail())
            ids = lines_of(submit.stdout_path)
            self.assertEqual((len(ids), len(set(ids))), (LINES, LINES), "ids printed, and distinct ones")
            self.assertEqual(sorted(lines_of(mapping.stdout_path)), sorted(small))
            self.waited(broker, ids)
            self.same_results(broker, ids, work, 20)
            sent, mapped = sent + LINES, mapped + len(small)
            self.all_done(broker, "s", sent)
            self.all_done(broker, "m", mapped)
            print(f"round {n}: killed after {at} of {LINES} ids", flush=True)
        broker.stop()

    def test_broker_and_submitter(self):
        """Both die. Every id that the submitter printed is a job that ends done; others may have come with them."""
        broker = self.broker()
        self.worker(broker, "s", "-j", 2, "--builtin", "echo")
        accepted = 0
        for n in range(max(1, ROUNDS // 2)):
            work = [f"{n}.{i}.{'y' * 180}" for i in range(LINES)]
            submit = self.command(broker, "submit", "s", "--lines", stdin=write_lines(f"{self.dir}/in", work))
            at = self.rng.randrange(LINES)
            wait_until(lambda: len(lines_of(submit.stdout_path)) >= at or not submit.running(), what="ids")
            for victim in self.rng.sample([broker, submit], 2):
                victim.kill()
                time.sleep(self.rng.random() * 0.01)
            ids = lines_of(submit.stdout_path)
            broker.start()
            accepted += len(ids)
            self.waited(broker, ids)
            self.same_results(broker, ids, work, 20)
            q = queue(broker, "s")
            self.assertGreaterEqual(q["submitted"], accepted)
            self.all_done(broker, "s", q["submitted"])
        broker.stop()

    def test_worker(self):
        """Workers with handlers of their own die. Each line of the map comes back once; no handler outlives its
        worker, and none of what a handler started."""
        broker = self.broker()
        mark = f"mark{os.getpid()}"
        # the handler has a child of its own, and both carry the mark on their command line
        script = f'sh -c "sleep 0.01; exit 0 # {mark}"; cat # {mark}'

        def new():
            return self.worker(broker, "q", "-j", 3, "--", "sh", "-c", script)

        workers, total = [new() for _ in range(3)], 0
        for n in range(ROUNDS):
            work = [f"{n}.{i}" for i in range(400)]
            mapping = self.command(broker, "map", "q", stdin=write_lines(f"{self.dir}/map", work))
            at = self.rng.randrange(300)
            wait_until(lambda: len(lines_of(mapping.stdout_path)) >= at or not mapping.running(), what="results")
            victim = workers.pop(self.rng.randrange(len(workers)))
            below = descendants(victim.pid)
            victim.kill()
            wait_until(lambda: not any(is_alive(p) for p in below), what="the handlers of a killed worker to be gone")
            workers.append(new())
            self.assertEqual(mapping.wait(), 0, mapping.tail())
            self.assertEqual(sorted(lines_of(mapping.stdout_path)), sorted(work))
            total += len(work)
            self.all_done(broker, "q", total)
        for w in workers:
            w.stop()
        left = subprocess.run(["grep", "-la", mark, *[f"/proc/{p}/cmdline" for p in os.listdir("/proc")
                                                      if p.isdigit() and int(p) != os.getpid()]],
                              capture_output=True, text=True).stdout.split()
        self.assertEqual([x for x in left if is_alive(int(x.split("/")[2]))], [], "handlers left behind")
        broker.stop()

    def test_a_handler_dies_with_its_worker(self):
        """So does what the handler started and waits for."""
        broker = self.broker()
        worker = self.own(Worker(broker, "q", "-j", 1, "--", "sh", "-c", "sleep 1000 & sleep 1001 & wait")).start()
        self.expect(0, broker, "submit", "q", "x")
        handlers = wait_until(lambda: len(descendants(worker.pid)) >= 3 and descendants(worker.pid), what="a handler")
        worker.kill()
        wait_until(lambda: not any(is_alive(p) for p in handlers), what=f"the handlers {handlers} to be gone")

    def test_a_job_that_kills_its_workers(self):
        """It ends as a dead letter after a bounded number of deliveries; others are not harmed."""
        broker = self.broker()
        # the handler's worker is the parent of the handler's parent or the parent itself: end every sheaf-worker above
        script = ('read p; [ "$p" = good ] && { echo fine; exit 0; }; pid=$$; while [ "$pid" -gt 1 ]; do '
                  'pid=$(awk \'{print $4}\' /proc/$pid/stat); '
                  'case $(tr "\\0" " " </proc/$pid/cmdline) in *sheaf-worker*) victims="$victims $pid";; esac; done; '
                  'kill -9 $victims')
        bad = self.expect(0, broker, "submit", "q", "bad").stdout.strip()
        self.expect(0, broker, "submit", "q", "good")
        worker = None

        def ended():
            nonlocal worker
            if worker is None or not worker.running():
                worker = self.own(Worker(broker, "q", "-j", 1, "--", "sh", "-c", script)).start(ready=False)
            q = queue(broker, "q")
            return q["dead"] == 1 and q["done"] == 1
        wait_until(ended, what="the job to be a dead letter")
        self.expect(1, broker, "wait", bad)
        broker.stop()


if __name__ == "__main__":
    import unittest
    unittest.main()
