"""Schedules: what is due is submitted once, also when the broker is killed meanwhile; what people see and may do."""
import datetime
import json
import time
import zoneinfo

from harness import Case, wait_until

EVERY = 2.0  # seconds between the ticks of those that are missed
GRACE = 1.0  # after which these are missed, and not only late


def seconds(text):
    """A time as the broker writes it, in seconds since 1970."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Cron(Case):
    def cron(self, broker, name):
        """The schedule as `cron ls --json` has it."""
        lines = self.expect(0, broker, "cron", "ls", "--json").stdout.splitlines()
        return next(k for k in map(json.loads, lines) if k["name"] == name)

    def settled(self, broker, name):
        """The schedule, and its ticks that are settled."""
        k = self.cron(broker, name)
        return k, k["jobs"] + k["missed_ticks"]

    def runs(self, name):
        """{job: when its tick was due} of the jobs of a schedule that have run."""
        try:
            with open(f"{self.dir}/runs") as f:
                lines = [line.split() for line in f]
        except FileNotFoundError:
            return {}
        return {job: seconds(due) for job, cron, due in lines if cron == name}

    def recorder(self, broker, queue):
        return self.worker(broker, queue, "--", "sh", "-c",
                           f'echo "$SHEAF_JOB_ID $SHEAF_H_CRON $SHEAF_H_DUE" >>{self.dir}/runs')

    def check_ticks(self, broker, name, every):
        """A job for each tick at most, and every tick is settled. The schedule has to be paused."""
        k = self.cron(broker, name)
        wait_until(lambda: len(self.runs(name)) == k["jobs"], what="all jobs to run")
        dues = sorted(self.runs(name).values())
        self.assertEqual(len(set(dues)), len(dues), "two jobs for one tick")
        for a, b in zip(dues, dues[1:]):
            self.assertAlmostEqual((b - a) / every, round((b - a) / every), places=6)
        return k, dues

    def test_it_survives_kills(self):
        broker = self.broker()
        self.recorder(broker, "q")
        done = self.expect(0, broker, "cron", "add", "tick", "@every 1s", "q", "payload")
        self.assertRegex(done.stdout, r"^tick added: next \w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d.*\+00:00 \(in ")
        for _ in range(3):
            before = len(self.runs("tick"))
            wait_until(lambda: len(self.runs("tick")) >= before + 2, what="two more ticks")
            broker.kill()
            broker.start()
        before = len(self.runs("tick"))
        wait_until(lambda: len(self.runs("tick")) > before, what="one more tick")
        self.expect(0, broker, "cron", "pause", "tick")
        k, dues = self.check_ticks(broker, "tick", 1)
        self.assertEqual(k["jobs"] + k["missed_ticks"], round(dues[-1] - dues[0]) + 1)
        self.assertEqual(k["last_job"], max(self.runs("tick"), key=int))

    def test_missed(self):
        broker = self.broker()
        self.recorder(broker, "q")
        for missed in ("once", "skip"):
            self.expect(0, broker, "cron", "add", missed, f"@every {EVERY:.0f}s", "q", "--missed", missed)
        wait_until(lambda: self.cron(broker, "once")["jobs"] and self.cron(broker, "skip")["jobs"], what="a tick")
        killed = time.time()
        broker.kill()
        time.sleep(2 * EVERY + GRACE + 0.3)  # it is to miss something
        started = time.time()
        broker.start()
        settled = {name: self.settled(broker, name)[1] for name in ("once", "skip")}
        for name in settled:
            wait_until(lambda: self.settled(broker, name)[1] > settled[name] and
                       self.cron(broker, name)["missed_ticks"] > 0, what="the next tick")
            self.expect(0, broker, "cron", "pause", name)
            k, dues = self.check_ticks(broker, name, EVERY)
            passed_over = [d for d in dues if killed < d < started - GRACE]
            self.assertLessEqual(len(passed_over), 1 if name == "once" else 0)
            self.assertEqual(k["jobs"] + k["missed_ticks"],
                             round((seconds(k["last"]) - dues[0]) / EVERY) + 1)
        self.assertGreaterEqual(self.cron(broker, "skip")["missed_ticks"], 2)
        broker.wait_line(r"warn cron-missed cron=skip ticks=\d+")

    def test_pause_and_rm(self):
        broker = self.broker()
        self.expect(0, broker, "cron", "add", "tick", "@every 1s", "q")
        wait_until(lambda: self.cron(broker, "tick")["jobs"] > 0, what="a tick")
        self.assertEqual(self.expect(0, broker, "cron", "pause", "tick").stdout, "tick paused\n")
        paused = self.cron(broker, "tick")
        self.assertTrue(paused["paused"] and "next" not in paused)
        broker.restart()
        time.sleep(1.5)  # it would be due
        self.assertEqual(self.cron(broker, "tick"), paused)
        self.expect(0, broker, "cron", "resume", "tick")
        wait_until(lambda: self.cron(broker, "tick")["jobs"] > paused["jobs"], what="a tick after the pause")
        self.assertEqual(self.cron(broker, "tick")["missed_ticks"], 0)
        self.assertEqual(self.expect(0, broker, "cron", "rm", "tick").stdout, "tick removed\n")
        gone = self.expect(4, broker, "cron", "rm", "tick")
        self.assertEqual(gone.stderr, "sheaf: there is no schedule 'tick': 'sheaf cron ls' lists them\n")
        self.assertRegex(self.expect(0, broker, "cron").stderr, "there are no schedules")

    def test_replace(self):
        broker = self.broker()
        args = ["cron", "add", "report", "0 7 * * MON", "q", "-", "--tz", "Europe/Berlin"]
        self.assertRegex(self.expect(0, broker, *args, input="weekly").stdout, "^report added: next Mon ")
        self.assertRegex(self.expect(0, broker, *args, input="weekly").stdout, "^report is there already, just so: ")
        refused = self.expect(4, broker, *args, input="daily")
        self.assertEqual(refused.stderr, "sheaf: there is another schedule 'report': --replace puts this one in its "
                                         "place\n")
        self.assertEqual(self.cron(broker, "report")["payload"], "weekly")
        self.assertRegex(self.expect(0, broker, *args, "--replace", input="daily").stdout, "^report replaced: ")
        broker.restart()
        k = self.cron(broker, "report")
        self.assertEqual((k["payload"], k["zone"], k["spec"]), ("daily", "Europe/Berlin", "0 7 * * MON"))
        self.assertRegex(k["next_local"], r"T07:00:00\.000\+0[12]:00$")
        self.assertRegex(self.expect(0, broker, "cron", "ls").stdout, r"report +0 7 \* \* MON +q +Mon .* in \d+")

    def test_next_in_zones(self):
        broker = self.broker()
        for zone in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"):
            lines = self.expect(0, broker, "cron", "next", "30 6 1 * *", "--tz", zone, "-n", "24", "--json").stdout
            times = [json.loads(line) for line in lines.splitlines()]
            self.assertEqual(len(times), 24)
            for t in times:
                wall = datetime.datetime.fromtimestamp(seconds(t["next"]), zoneinfo.ZoneInfo(zone))
                self.assertEqual((wall.day, wall.hour, wall.minute), (1, 6, 30))
                self.assertEqual(t["next_local"], wall.isoformat(timespec="milliseconds"))
        self.expect(0, broker, "cron", "add", "noon", "0 12 * * *", "q", "--tz", "Asia/Tokyo")
        shown = self.expect(0, broker, "cron", "next", "noon", "-n", "3").stdout.splitlines()
        self.assertEqual(len(shown), 3)
        self.assertRegex(shown[0], r"^\w{3} \d{4}-\d\d-\d\d 12:00:00\+09:00  in ")

    def test_mistakes(self):
        broker = self.broker()
        for args, said in (
                (["add", "x", "0 25 * * *", "q"], "hour '25': allowed is 0 to 23"),
                (["add", "x", "0 0 30 2 *", "q"], "there is no such day"),
                (["add", "x", "@every 1ms", "q"], "allowed is a duration from 1s to ten years"),
                (["add", "x", "@daily", "q", "--tz", "Europe/Brlin"], "'Europe/Brlin': there is no such zone"),
                (["add", "x", "@daily", "q", "--tz", "../../etc/passwd"], "a time zone has a name such as"),
                (["add", "x", "@daily", "q", "--expires", "2099-01-01T00:00:00Z"], "say a duration"),
                (["add", "x", "@daily", "q", "--header", "due=now"], "the headers cron and due are set"),
                (["add", "x", "@daily", "q", "p" * 5000], "has at most 4096 bytes; this one has 5000"),
                (["add", "a b", "@daily", "q"], "no schedule can be named 'a b'"),
                (["add", "x", "0", "7", "*", "*", "1", "q"], "put when into quotes"),
                (["add", "x", "@daily", "q", "--delay", "5s"], "cron has no option --delay"),
                (["add", "x", "@daily"], "cron add needs a name, when, and a queue"),
                (["add", "x", "@daily", "q", "--missed", "never"], "none of once|skip"),
                (["next", "0 0 * *"], "here are fewer"),
                (["next", "noon", "--tz", "UTC"], "has its own time zone"),
                (["pasue", "x"], "did you mean 'pause'?"),
                (["frobnicate"], "add, ls, rm, pause, resume and next")):
            done = self.expect(2, broker, "cron", *args)
            self.assertIn(said, done.stderr)
        self.expect(0, broker, "cron", "add", "report", "@daily", "q")
        self.assertIn("did you mean 'report'?", self.expect(4, broker, "cron", "pause", "reprot").stderr)
