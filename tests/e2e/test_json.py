"""--json, command by command: what is printed is what docs/json.md says."""
import json
import os
import re

from harness import ROOT, program, queue, wait_until
from test_cli import Cli

CHECKS = {
    "id": lambda v: isinstance(v, str) and re.fullmatch(r"b?[0-9]+", v),
    "text": lambda v: isinstance(v, str),
    "whole": lambda v: type(v) is int,
    "number": lambda v: type(v) in (int, float),
    "flag": lambda v: isinstance(v, bool),
    "time": lambda v: isinstance(v, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", v),
    "list": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
}


def documented():
    """{heading: {member: type}} of the page, with what a section takes over from another one."""
    with open(f"{ROOT}/docs/json.md") as f:
        parts = re.split(r"(?m)^## (.*)$", f.read())
    texts = dict(zip(parts[1::2], parts[2::2]))
    own = {head: dict(re.findall(r"(?m)^\| `(\w+)` \| (\w+\??) \|", text)) for head, text in texts.items()}
    anchors = {head.lower().replace(" ", "-"): head for head in texts}
    return {head: {**own.get(anchors.get(link.group(1) if (link := re.search(r"as \[.*?\]\(#([\w-]+)\)", text, re.I))
                                         else ""), {}), **own[head]} for head, text in texts.items()}


class Json(Cli):
    def objects(self, head, broker, *args, status=0, without=(), **more):
        """What a command prints; each line is an object as the page describes it."""
        lines = self.expect(status, broker, *args, "--json", **more).stdout.splitlines()
        members = {k: v for k, v in self.page[head].items() if k not in without}
        objects = [json.loads(line) for line in lines]
        for o in objects:
            for name, value in o.items():
                bare = name.replace("_base64", "")
                self.assertIn(bare, members, f"{head} prints {name}, which the page does not have")
                kind = members[bare].rstrip("?")
                self.assertTrue(CHECKS[kind](value), f"{head}: {name} is {value!r}, and no {kind}")
            missing = [m for m, kind in members.items() if not kind.endswith("?") and m not in o]
            self.assertEqual(missing, [], f"{head} does not print all that the page has")
        return objects

    def setUp(self):
        super().setUp()
        self.page = documented()

    def test_every_command_has_a_section(self):
        commands = [o["name"] for o in self.objects("sheaf help", None, "help")]
        self.assertGreater(len(commands), 15)
        for c in commands:
            if c != "completion":
                self.assertIn(f"sheaf {c}", self.page)
        self.assertEqual(self.objects("sheaf help", None, "help", "map")[0]["name"], "map")
        self.assertEqual(list(json.loads(self.expect(0, None, "--version", "--json").stdout)), ["version"])
        self.objects("sheaf keygen", None, "keygen", f"{self.dir}/keys")
        self.objects("sheaf keygen", None, "keygen", f"{self.dir}/keys", "--add", "web", "--role", "submit")

    def test_jobs(self):
        broker = self.broker()
        self.worker(broker, "q", *self.script('read -r x; case "$x" in bad) echo no >&2; exit 3;; '
                                              'raw) printf "\\\\377";; *) echo "$x";; esac'))
        good, bad, raw = [o["id"] for o in
                          self.objects("sheaf submit", broker, "submit", "q", "--lines", input="good\nbad\nraw\n")]
        self.objects("sheaf submit", broker, "submit", "q", "one", "--header", "A=b")
        states = self.objects("sheaf wait", broker, "wait", good, bad, "77777", status=4)
        self.assertEqual({o["id"]: o["state"] for o in states}, {good: "done", bad: "dead", "77777": "unknown"})
        self.assertEqual(self.objects("sheaf result", broker, "result", good)[0]["result"], "good\n")
        self.expect(0, broker, "wait", raw)
        self.assertEqual(self.objects("sheaf result", broker, "result", raw)[0]["result_base64"], "/w==")
        job, = self.objects("sheaf job", broker, "job", bad, without=["result", "result_omitted"])
        self.assertEqual(job["error"], "no\n")
        row = re.search(r"(?m)^\| `history` \| list \|(.*)$", open(f"{ROOT}/docs/json.md").read()).group(1)
        self.assertLessEqual(set(job["history"][0]), set(re.findall(r"`(\w+)`", row)))
        self.assertEqual((job["history"][0]["attempt"], job["history"][0]["verdict"]), (1, "failed"))
        self.assertEqual([o["id"] for o in self.objects("sheaf dead", broker, "dead", "q")], [bad])
        self.assertEqual(self.objects("sheaf retry", broker, "retry", bad)[0]["did"], "redriven")
        self.expect(1, broker, "wait", bad)
        for op, did in (("redrive", "redriven"), ("stop", "stopped"), ("purge", "purged")):
            self.assertEqual(self.objects("sheaf dead redrive", broker, "dead", "q", op)[0]["did"], did)
        self.assertEqual(self.objects("sheaf run", broker, "run", "q", "bad", status=3)[0]["exit"], 3)
        raced, = self.objects("sheaf race", broker, "race", "q", "a", "--replicas", "1", "--timeout", "60s")
        self.assertEqual(raced["result"], "a\n")
        seen = self.objects("sheaf map", broker, "map", "q", "--ordered", "--tag", status=1, input="a\nbad\n")
        self.assertEqual([(o["seq"], o["record"], o["state"]) for o in seen], [(1, "a", "done"), (2, "bad", "dead")])

    def test_running(self):
        """What runs, and what its handler says of it; `sheaf touch` itself says what it told."""
        broker = self.broker()
        here = os.environ.get("PATH", "")
        script = self.script('sheaf touch 30 "so far" --json >$D/told; cat >/dev/null; exec sleep 600')
        self.worker(broker, "q", *script, env={"PATH": os.path.dirname(program("sheaf")) + ":" + here})
        job = self.expect(0, broker, "submit", "q", "x").stdout.strip()
        def look():
            return [o for o in self.objects("sheaf jobs", broker, "jobs") if o.get("percent") == 30]
        shown, = wait_until(look, what="the job to say how far it is")
        self.assertEqual((shown["id"], shown["queue"], shown["attempt"], shown["progress"]), (job, "q", 1, "so far"))
        self.assertEqual(json.loads(self.read("told")), {"percent": 30, "text": "so far"})
        self.assertEqual((self.page["sheaf touch"]["percent"], self.page["sheaf touch"]["text"]), ("whole?", "text"))

    def test_queues_and_workers(self):
        broker = self.broker()
        self.expect(0, broker, "submit", "held", "--lines", input="a\nb\nc\n")
        self.worker(broker, "q", "--name", "w", "--builtin", "echo")
        peeked = self.objects("sheaf queue peek", broker, "queue", "held", "peek")
        self.assertEqual([o["payload"] for o in peeked], ["a", "b", "c"])
        self.assertEqual(self.objects("sheaf cancel", broker, "cancel", peeked[0]["id"])[0]["state"], "cancelled")
        self.objects("sheaf job", broker, "job", peeked[1]["id"], without=["result", "result_omitted", "exit"])
        self.assertEqual([o["name"] for o in self.objects("sheaf queues", broker, "queues")], ["held", "q"])
        done, = self.objects("sheaf queue set", broker, "queue", "held", "set", "concurrency=2")
        self.assertEqual(done["did"], "set")
        self.assertEqual(self.objects("sheaf queue", broker, "queue", "held")[0]["ready"], 2)
        for op, did in (("pause", "paused"), ("resume", "resumed"), ("purge", "purged"), ("delete", "deleted")):
            wait_until(lambda: queue(broker, "held")["ready"] in (0, 2))
            self.assertEqual(self.objects("sheaf queue pause", broker, "queue", "held", op)[0]["did"], did)
        self.assertEqual([o["name"] for o in self.objects("sheaf workers", broker, "workers")], ["w"])
        self.objects("sheaf workers drain", broker, "workers", "drain", "w")
        self.objects("sheaf workers drain", broker, "workers", "resume", "w")

    def test_batches(self):
        broker = self.broker()
        batch = self.objects("sheaf batch new", broker, "batch", "new", "--then", "next")[0]["id"]
        job = self.objects("sheaf submit", broker, "batch", "add", batch, "q", "x")[0]["id"]
        self.assertEqual(self.objects("sheaf batch", broker, "batch", "show", batch)[0]["then_queue"], "next")
        later = self.expect(0, broker, "submit", "q", "y", "--after", job).stdout.strip()
        self.assertEqual(self.objects("sheaf job", broker, "job", later)[0]["after"], [job])
        self.assertEqual(self.objects("sheaf batch new", broker, "batch", "close", batch)[0]["id"], batch)
        self.worker(broker, "q", "--builtin", "echo")
        self.assertEqual(self.objects("sheaf batch", broker, "batch", "wait", batch)[0]["state"], "done")

    def test_cron(self):
        broker = self.broker()
        args = ["cron", "add", "daily", "@daily", "q", "p", "--tz", "Europe/Berlin"]
        self.assertEqual(self.objects("sheaf cron add", broker, *args)[0]["did"], "added")
        self.assertEqual(self.objects("sheaf cron add", broker, *args)[0]["did"], "same")
        more = ["--attempts", "3", "--lease", "5s", "--backoff", "1s", "--backoff-max", "9s", "--expires", "30s",
                "--tenant", "t", "--group", "g", "--header", "A=b"]
        done, = self.objects("sheaf cron add", broker, *args, *more, "--replace")
        self.assertEqual((done["did"], done["lease_ms"], done["headers"]), ("replaced", 5000, {"A": "b"}))
        self.objects("sheaf cron add", broker, "cron", "add", "tick", "@every 1s", "q")
        wait_until(lambda: self.objects("sheaf cron", broker, "cron", "ls")[1]["jobs"] > 0, what="a tick")
        self.assertEqual(self.objects("sheaf cron next", broker, "cron", "next", "@yearly", "-n", "1")[0]["next"][4:],
                         "-01-01T00:00:00.000Z")
        for op, did in (("pause", "paused"), ("resume", "resumed"), ("rm", "removed")):
            self.assertEqual(self.objects("sheaf cron pause", broker, "cron", op, "tick")[0]["did"], did)

    def test_the_broker(self):
        broker = self.broker()
        self.worker(broker, "bench", "--builtin", "noop")
        self.objects("sheaf ping", broker, "ping")
        self.assertEqual(len(self.objects("sheaf top", broker, "top", "-n", "2", "--interval", "100ms")), 2)
        self.assertGreater(len(self.objects("sheaf doctor", broker, "doctor")), 8)
        stats, = [json.loads(line) for line in self.expect(0, broker, "stats", "--json").stdout.splitlines()]
        self.assertTrue(all(type(v) is int for v in stats.values()))
        self.assertIn("jobs.done", stats)
        # the members of lists, which the page names in a sentence
        with open(f"{ROOT}/docs/json.md") as f:
            page = f.read()
        top = self.objects("sheaf top", broker, "top", "--interval", "100ms")[0]
        bench = self.objects("sheaf bench", broker, "bench", "--mode", "one", "--jobs", "20")[0]
        self.assertEqual([r["jobs"] for r in bench["results"]], [20])
        for name, inner in (("queues", top["queues"][0]), ("workers", top["workers"][0]), ("floor", bench["floor"]),
                            ("results", bench["results"][0])):
            row = re.search(rf"(?m)^\| `{name}` \| (?:list|object) \|(.*)$", page).group(1)
            self.assertEqual(sorted(re.findall(r"`(\w+)`", row)), sorted(inner))
