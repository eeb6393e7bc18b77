"""Everything at once in one broker, and kill -9 of the broker and of a worker in each round.

Each feature has a function that submits a round of its jobs and returns how they have to end; handlers write down what
they run in a file of their queue, and what must be true of these files is checked at the end. ROUNDS is the number of
rounds: 4 in CI, 40 by hand."""
import collections
import json
import os
import random
import time

from harness import Case, Worker, pids_with_environment, queue, wait_until

ROUNDS = int(os.environ.get("ROUNDS", "4"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))
LINES = 4000     # plain jobs of a round, submitted while the broker dies
NARROW = 2       # the concurrency of a queue
RATE = 10        # jobs per second of another
DELAY = 0.7      # seconds
WORKERS = 3
QUEUES = "flaky,delayed,ordered,narrow,paced,doomed,arena,slow,stuck,keyed,long,ticked,member,report,chain"

# A payload is "ROUND NUMBER"; W is the worker's name.
HANDLER = r"""
read -r round n
say() { echo "$1 $SHEAF_JOB_ID $SHEAF_ATTEMPT $W $(date +%s.%N) $round $n" >>"$D/log.$SHEAF_QUEUE"; }
say begin
status=0
case $SHEAF_QUEUE in
flaky) [ "$SHEAF_ATTEMPT" -ge 3 ] || status=7 ;;
ordered) [ "$SHEAF_ATTEMPT" -ge 2 ] || [ $((n % 3)) != 0 ] || status=5 ;;
narrow) sleep 0.05 ;;
doomed) [ -e "$D/mended.$round" ] || status=9 ;;
member | chain) [ "$n" != 9 ] || status=3 ;;
ticked) echo "$SHEAF_JOB_ID $SHEAF_H_DUE" >>"$D/ticks" ;;
arena) mkdir "$D/slow.$round" 2>/dev/null && sleep 600 ;;
slow) for i in 1 2 3 4 5 6 7 8; do sleep 0.2; echo "$((i * 12)) step $i" >&"$SHEAF_PROGRESS_FD"; done ;;
stuck | long) sleep 600 ;;
esac
say end
echo "$round $n"
exit $status
"""

Line = collections.namedtuple("Line", "what job attempt worker at round n")


class AllOn(Case):
    TIMEOUT = 120 + 30 * ROUNDS

    def setUp(self):
        super().setUp()
        self.rng = random.Random(SEED)
        print(f"SEED={SEED}", flush=True)
        self.broker_ = self.broker(segment="64M")
        self.workers = [self.new_worker() for _ in range(WORKERS)]
        self.worker(self.broker_, "plain", "--builtin", "echo")
        self.expect(0, self.broker_, "queue", "narrow", "set", f"concurrency={NARROW}")
        self.expect(0, self.broker_, "queue", "paced", "set", f"rate={RATE}/s", "burst=1")
        self.expect(0, self.broker_, "queue", "flaky", "set", "attempts=5", "backoff=30ms")
        self.expect(0, self.broker_, "cron", "add", "tick", "@every 1s", "ticked", "0 0")
        self.keys = {}      # key: id
        self.begun = {}     # (queue, round): when its submit began
        self.plain = []     # commands that submit plain jobs
        self.batches = []   # two of each round
        self.races = []     # (command, what it has to print)
        self.redrive = None  # the command that redrives what is dead, under way while the next round's deaths happen

    def new_worker(self):
        name = f"all{Worker.count}"
        return self.worker(self.broker_, QUEUES, "-j", 8, "--grace", "300ms", "--name", name, "--", "sh", "-c", HANDLER,
                           env={"W": name, "D": self.dir})

    def submit(self, name, round_, numbers, *options):
        """A job for each number; their ids."""
        self.begun[name, round_] = time.time()
        text = "".join(f"{round_} {n}\n" for n in numbers)
        return self.expect(0, self.broker_, "submit", name, "--lines", *options, input=text).stdout.split()

    def log(self, name):
        try:
            with open(f"{self.dir}/log.{name}") as f:
                return [Line(w, job, int(attempt), worker, float(at), int(round_), int(n)) for
                        w, job, attempt, worker, at, round_, n in map(str.split, f)]
        except FileNotFoundError:
            return []

    # A round of each feature: what was submitted, and how it has to end.

    def flaky(self, r):
        """Fail twice; attempts and backoff are the queue's."""
        return dict.fromkeys(self.submit("flaky", r, range(6)), "done")

    def delayed(self, r):
        return dict.fromkeys(self.submit("delayed", r, range(4), "--delay", f"{int(DELAY * 1000)}ms"), "done")

    def expiring(self, r):
        """Of a queue without workers; a worker comes for it at the end, and finds nothing."""
        return dict.fromkeys(self.submit("nobody", r, range(3), "--expires", "300ms"), "expired")

    def ordered(self, r):
        """Two tenants with a group of the same name; every third job fails once."""
        ends = {}
        for tenant, numbers in (("acme", range(0, 6)), ("tiny", range(100, 106))):
            ids = self.submit("ordered", r, numbers, "--tenant", tenant, "--group", "g", "--attempts", 3,
                              "--backoff", "20ms")
            ends.update(dict.fromkeys(ids, "done"))
        return ends

    def narrow(self, r):
        return dict.fromkeys(self.submit("narrow", r, range(8)), "done")

    def paced(self, r):
        return dict.fromkeys(self.submit("paced", r, range(8)), "done")

    def doomed(self, r):
        """Dead letters at first; done once their handler is mended and they are redriven: see mend()."""
        return dict.fromkeys(self.submit("doomed", r, range(4), "--attempts", 2), "dead")

    def touched(self, r):
        """Takes longer than its lease, and says that it goes on."""
        return dict.fromkeys(self.submit("slow", r, [0], "--lease", "1s", "--attempts", 9), "done")

    def stuck(self, r):
        """Says nothing, so that its lease runs out."""
        return dict.fromkeys(self.submit("stuck", r, [0], "--lease", "400ms"), "dead")

    def cancelled(self, r):
        ids = self.submit("long", r, range(2))
        self.expect(0, self.broker_, "cancel", *ids)
        return dict.fromkeys(ids, "cancelled")

    def keyed(self, r):
        for n in range(3):
            done = self.expect(0, self.broker_, "submit", "keyed", f"{r} {n}", "--key", f"{r}-{n}")
            self.keys[f"{r}-{n}"] = done.stdout.strip()
        return dict.fromkeys([self.keys[f"{r}-{n}"] for n in range(3)], "done")

    def raced(self, r):
        """Whoever takes it first hangs; the second replica answers."""
        self.races.append((self.command(self.broker_, "race", "arena", f"{r} 0", "--replicas", 2, "--hedge", "100ms",
                                        "--timeout", "10m"), f"{r} 0\n"))
        return {}

    def flood(self, r):
        """Many plain jobs whose submitter goes on while the broker dies."""
        path = f"{self.dir}/plain.{r}"
        with open(path, "w") as f:
            f.writelines(f"{r} {n} {'x' * 100}\n" for n in range(LINES))
        self.plain.append(self.command(self.broker_, "submit", "plain", "--lines", stdin=path))
        return {}

    def batched(self, r):
        """Two batches that are open while the broker and a worker die, see close_batches(). One has a job that
        fails. Each is followed by one job."""
        ends = {}
        for which, when in enumerate(("success", "failure")):
            done = self.expect(0, self.broker_, "batch", "new", "--then", "report", "--then-when", when,
                               "--then-payload", f"{r} {which}")
            batch = done.stdout.strip()
            self.batches.append(batch)
            ends.update(dict.fromkeys(self.submit("member", r, range(3), "--batch", batch), "done"))
            if when == "failure":
                ends.update(dict.fromkeys(self.submit("member", r, [9], "--batch", batch), "dead"))
        return ends

    def chained(self, r):
        """1 and 2 follow 0, and 3 follows both; 10 follows 9, which fails, and 11 follows 10."""
        a, = self.submit("chain", r, [0], "--delay", "300ms")
        b, c = self.submit("chain", r, [1, 2], "--after", a)
        d, = self.submit("chain", r, [3], "--after", f"{b},{c}")
        bad, = self.submit("chain", r, [9], "--delay", "300ms")
        after, = self.submit("chain", r, [10], "--after", bad)
        last, = self.submit("chain", r, [11], "--after", after)
        return {a: "done", b: "done", c: "done", d: "done", bad: "dead", after: "cancelled", last: "cancelled"}

    FEATURES = (flood, raced, flaky, delayed, expiring, ordered, narrow, paced, doomed, touched, stuck, cancelled,
                keyed, batched, chained)

    # Deaths.

    def kill_a_worker(self):
        victim = self.workers.pop(self.rng.randrange(WORKERS))
        name = victim.env["W"]
        victim.kill()
        wait_until(lambda: not pids_with_environment("W", name), what="the handlers of a killed worker to be gone")
        for log in QUEUES.split(","):  # what they had begun is not under way any more
            with open(f"{self.dir}/log.{log}", "a") as f:
                f.write(f"gone - 0 {name} 0 0 0\n")
        self.workers.append(self.new_worker())

    def kill_the_broker(self):
        self.broker_.kill()
        self.broker_.start()

    def same_ids(self, keys):
        for key in keys:
            again = self.expect(0, self.broker_, "submit", "keyed", "another payload", "--key", key).stdout.strip()
            self.assertEqual(again, self.keys[key], f"the id of key {key}")

    def close_batches(self, r):
        """With one more job each."""
        for batch in self.batches[-2:]:
            self.submit("member", r, [5], "--batch", batch)
            self.expect(0, self.broker_, "batch", "close", batch)

    # What has to be true when a round is over, and at the end.

    def ended(self, ends):
        """Waits for them all; each ends as it should."""
        ids = list(ends)
        lines = self.sheaf(self.broker_, "wait", *ids, "--json").stdout.splitlines()
        self.assertEqual({o["id"]: o["state"] for o in map(json.loads, lines)}, ends)

    def mend(self, r):
        """The handler of a round's dead letters is mended, and they are redriven, at a rate."""
        if self.redrive:
            self.assertEqual(self.redrive.wait(), 0, self.redrive.tail())
        open(f"{self.dir}/mended.{r}", "w").close()
        self.redrive = self.command(self.broker_, "dead", "doomed", "redrive", "--rate", "5/s")

    def mend_the_rest(self):
        self.mend(ROUNDS - 1)
        self.assertEqual(self.redrive.wait(), 0, self.redrive.tail())
        def none_is_dead():
            if self.settled("doomed")["dead_letters"] == 0:
                return True
            self.expect(0, self.broker_, "dead", "doomed", "redrive")
            return False
        wait_until(none_is_dead, what="all dead letters to be redriven and done")

    def check_one_at_a_time(self):
        """The jobs of a group, in order, whatever failed or died."""
        for first in (0, 100):
            seen, under_way = [], None
            for line in self.log("ordered"):
                if line.what == "gone" and under_way and under_way.worker == line.worker:
                    under_way = None
                elif line.what == "begin" and line.n // 100 == first // 100:
                    self.assertIn(under_way and under_way.job, (None, line.job), "two of a group at a time")
                    under_way = line
                    if not seen or seen[-1] != (line.round, line.n):
                        seen.append((line.round, line.n))
                elif line.what == "end" and under_way and under_way.job == line.job:
                    under_way = None
            self.assertEqual(seen, [(r, first + n) for r in range(ROUNDS) for n in range(6)])

    def check_limits(self):
        under_way = {}
        for line in self.log("narrow"):
            if line.what == "begin":
                under_way[line.job] = line.worker
            elif line.what == "end":
                under_way.pop(line.job, None)
            else:
                under_way = {job: worker for job, worker in under_way.items() if worker != line.worker}
            self.assertLessEqual(len(under_way), NARROW, under_way)
        for r in range(ROUNDS):
            last = max(line.at for line in self.log("paced") if line.what == "begin" and line.round == r)
            self.assertGreaterEqual(last - self.begun["paced", r], (8 - 1) / RATE, f"round {r}: faster than its rate")

    def check_times(self):
        for line in self.log("delayed"):
            if line.what == "begin":
                self.assertGreaterEqual(line.at - self.begun["delayed", line.round], DELAY, line)
        self.worker(self.broker_, "nobody", "--", "touch", f"{self.dir}/log.nobody")
        self.expect(0, self.broker_, "submit", "nobody", "x")
        wait_until(lambda: queue(self.broker_, "nobody")["done"] == 1)
        self.assertEqual(queue(self.broker_, "nobody")["expired"], 3 * ROUNDS)

    def check_batches(self):
        """Each has ended as its jobs did, and one job followed."""
        for i, batch in enumerate(self.batches):
            shown = json.loads(self.expect(0, self.broker_, "batch", "show", batch, "--json").stdout)
            want = ("done", 4, 0) if i % 2 == 0 else ("failed", 5, 1)
            self.assertEqual((shown["state"], shown["total"], shown["failed"]), want, shown)
        q = self.settled("report")
        self.assertEqual((q["submitted"], q["done"]), (2 * ROUNDS, 2 * ROUNDS), q)
        ran = {(line.round, line.n): line.job for line in self.log("report") if line.what == "end"}
        self.assertEqual(sorted(ran), [(r, which) for r in range(ROUNDS) for which in (0, 1)])

    def check_order_of_chains(self):
        ended, begun = {}, {}
        for i, line in enumerate(self.log("chain")):
            if line.what == "begin":
                begun.setdefault((line.round, line.n), i)
            elif line.what == "end":
                ended.setdefault((line.round, line.n), i)
        for r in range(ROUNDS):
            for first, then in ((0, 1), (0, 2), (1, 3), (2, 3)):
                self.assertLess(ended[r, first], begun[r, then], f"round {r}: {then} did not wait for {first}")
        self.assertEqual({n for _, n in begun}, {0, 1, 2, 3, 9})

    def check_attempts(self):
        """A job that fails twice is done with the third attempt, however often its worker died."""
        for job in {line.job for line in self.log("flaky") if line.what != "gone"}:
            info = json.loads(self.expect(0, self.broker_, "job", job, "--json").stdout)
            self.assertEqual((info["attempt"], info["attempts"]), (3, 5), info)
            self.assertEqual([h["verdict"] for h in info["history"] if h["verdict"] != "lost"],
                             ["failed", "failed", "done"], info)

    def check_counts(self):
        """Nothing is left, and every job was counted once. A dead letter counts as dead each time it dies."""
        per_round = {"flaky": 6, "delayed": 4, "ordered": 12, "narrow": 8, "paced": 8, "slow": 1, "keyed": 3,
                     "plain": LINES}
        for name, n in per_round.items():
            q = self.settled(name)
            self.assertEqual((q["submitted"], q["done"]), (n * ROUNDS, n * ROUNDS), q)
            self.assertEqual(q["dead"] + q["expired"] + q["cancelled"], 0, q)
        q = self.settled("arena")
        self.assertEqual((q["submitted"], q["done"], q["cancelled"]), (3 * ROUNDS, 2 * ROUNDS, ROUNDS), q)
        q = self.settled("doomed")
        self.assertEqual((q["submitted"], q["done"], q["dead_letters"]), (4 * ROUNDS, 4 * ROUNDS, 0), q)
        self.assertEqual(q["dead"], q["redriven"], q)
        self.assertEqual((self.settled("stuck")["dead"], self.settled("long")["cancelled"]), (ROUNDS, 2 * ROUNDS))

    def settled(self, name):
        def look():
            q = queue(self.broker_, name)
            return q["ready"] + q["running"] + q["blocked"] + q["delayed"] == 0 and q
        return wait_until(look, what=f"{name} to be done")

    def check_ticks(self):
        """At most one job for each tick, and all that the broker submitted have run."""
        self.expect(0, self.broker_, "cron", "pause", "tick")
        tick = json.loads(self.expect(0, self.broker_, "cron", "ls", "--json").stdout)
        self.assertEqual(self.settled("ticked")["done"], tick["jobs"])
        with open(f"{self.dir}/ticks") as f:
            ran = dict(line.split() for line in f)
        self.assertEqual((len(ran), len(set(ran.values()))), (tick["jobs"], tick["jobs"]), "two jobs for a tick")
        self.assertGreaterEqual(len(ran), 1)

    def check_commands(self):
        """Those that were under way while the broker died."""
        for command in self.plain:
            self.assertEqual(command.wait(), 0, command.tail())
            ids = command.stdout().split()
            self.assertEqual((len(ids), len(set(ids))), (LINES, LINES))
        for command, answer in self.races:
            self.assertEqual((command.wait(), command.stdout()), (0, answer), command.tail())

    def test_kill_with_everything_on(self):
        pending = {}
        for r in range(ROUNDS):
            ends = {}
            for feature in self.FEATURES:
                ends.update(feature(self, r))
            deaths = [self.kill_the_broker, self.kill_a_worker]
            self.rng.shuffle(deaths)
            for die in deaths:
                time.sleep(self.rng.random() * 0.5)
                die()
            self.close_batches(r)
            self.same_ids(self.rng.sample(sorted(self.keys), min(4, len(self.keys))))
            self.ended(pending)
            if r:
                self.mend(r - 1)
            pending = ends
            print(f"round {r}: {', '.join(d.__name__ for d in deaths)}; {len(ends)} jobs looked after", flush=True)
        self.ended(pending)
        self.mend_the_rest()
        self.check_commands()
        self.same_ids(self.keys)
        for check in (self.check_counts, self.check_attempts, self.check_one_at_a_time, self.check_limits,
                      self.check_times, self.check_ticks, self.check_batches, self.check_order_of_chains):
            check()
        self.broker_.stop()
