"""`sheaf map` as users of GNU parallel know it: --halt, --tag, --retry-failed, --resume-failed."""
import json
import os

from harness import queue, wait_until
from test_cli import Cli


class Halt(Cli):
    def halting(self, how, status, script, n=40):
        """A map of the numbers 1 to n over two slots. (stdout, stderr, the queue)"""
        self.one = getattr(self, "one", None) or self.broker()
        name = f"q{len(self.processes)}"
        self.worker(self.one, name, "-j", 2, *self.script(script))
        done = self.expect(status, self.one, "map", name, "--halt", how, "--joblog", f"{self.dir}/log",
                           input="".join(f"{i}\n" for i in range(1, n + 1)))
        wait_until(lambda: queue(self.one, name)["running"] == 0, what="nothing to run")
        return done.stdout.split(), done.stderr, queue(self.one, name)

    def test_soon(self):
        """The job beside the one that failed goes on to its end."""
        out, err, q = self.halting("soon", 1, 'read x; if [ $x = 1 ]; then while [ ! -e $D/failed ]; do sleep 0.02; '
                                              'done; echo $x; else touch $D/failed; exit 3; fi')
        self.assertIn("1", out)
        self.assertRegex(err, r"(?m)^sheaf: halting after 0 done, \d+ failed: waiting for what runs$")
        self.assertRegex(err, r"sheaf map q\d+ --joblog \S+/log --resume")
        self.assertGreater(q["cancelled"], 0)
        self.assertEqual(q["ready"], 0)
        self.assertEqual(q["done"] + q["dead"] + q["cancelled"], 40)

    def test_now(self):
        """The job beside it would run for ever."""
        out, err, q = self.halting("now,fail=1", 1, 'read x; [ $x = 1 ] || exit 3; touch $D/one; sleep 600')
        self.assertEqual(out, [])
        self.assertRegex(err, r"(?m)^sheaf: halting after 0 done, \d+ failed$")
        self.assertGreater(q["cancelled"], 0)
        self.assertEqual(q["ready"], 0)

    def test_success(self):
        """What was looked for has been found: exit status 0, whatever failed."""
        out, err, q = self.halting("now,success=1", 0, 'read x; [ $x = 7 ] || exit 1; echo found')
        self.assertEqual(out, ["found"])
        self.assertGreater(q["cancelled"], 0)

    def test_percent_and_never(self):
        out, err, q = self.halting("soon,fail=50%", 1, 'read x; [ $x -gt 4 ] && exit 1; echo $x')
        self.assertGreaterEqual(q["dead"], 20)
        self.assertEqual(self.halting("soon,fail=50%", 1, 'read x; [ $x -gt 4 ] || exit 1; echo $x')[2]["done"], 36)
        self.assertEqual(self.halting("never", 1, 'read x; [ $x -gt 4 ] || exit 1; echo $x')[2]["done"], 36)
        self.fails(2, None, "map", "q", "--halt", "later", input="", says="soon,fail=3")


class Again(Cli):
    def test_tag(self):
        broker = self.broker()
        self.worker(broker, "q", *self.script('read x; case $x in 3) echo no; echo three; echo bad >&2; exit 1;; '
                                              '2) ;; *) echo $x; printf more;; esac'))
        done = self.expect(1, broker, "map", "q", "--tag", "--ordered", input="1\n2\n3\nfo ur\n")
        self.assertEqual(done.stdout, "1\t1\n1\tmore\n2\t\nfo ur\tfo ur\nfo ur\tmore\n")
        self.assertRegex(done.stderr, r"(?m)^sheaf: 3: 3\tbad$")
        done = self.expect(1, broker, "map", "q", "--tag", "--json", "--ordered", input="1\n3\n")
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(o["seq"], o["record"], o["state"]) for o in objects], [(1, "1", "done"), (2, "3", "dead")])

    def test_retry_failed(self):
        broker = self.broker()
        self.worker(broker, "q", *self.script('read -r x; [ ! -e "$D/bad$x" ] || exit 5; echo "$x"'))
        for i in (2, 4):
            self.write(f"bad{i}", "")
        log = f"{self.dir}/log"
        text = "1\n2\n3\n4\n"
        done = self.expect(1, broker, "map", "q", "--joblog", log, "--ordered", input=text)
        self.assertEqual(done.stdout, "1\n3\n")
        again = ("map", "q", "--joblog", log, "--retry-failed")
        self.assertEqual(self.expect(1, broker, *again, "--tag", input="9\n").stdout, "")
        os.unlink(f"{self.dir}/bad4")
        done = self.expect(1, broker, *again, "--ordered")  # stdin is not read
        self.assertEqual(done.stdout, "4\n")
        self.assertRegex(done.stderr, "(?m)^sheaf: 1 of 2 jobs failed$")
        os.unlink(f"{self.dir}/bad2")
        self.assertEqual(self.expect(0, broker, *again, "--tag").stdout, "2\t2\n")
        self.assertEqual(self.expect(0, broker, *again).stdout, "")
        rows = [line.split("\t") for line in self.read("log").splitlines()[1:]]
        self.assertEqual([r[0] for r in rows].count("2"), 4)
        self.assertEqual({r[0]: r[6] for r in rows}, {"1": "0", "2": "0", "3": "0", "4": "0"})
        self.assertTrue(all(len(r) == 9 for r in rows))

    def test_resume_failed(self):
        broker = self.broker()
        self.worker(broker, "q", *self.script('read -r x; [ -e "$D/good" ] || [ "$x" = 1 ] || exit 5; echo "$x"'))
        log = f"{self.dir}/log"
        self.expect(1, broker, "map", "q", "--joblog", log, input="1\n2\n")
        self.write("good", "")
        done = self.expect(0, broker, "map", "q", "--joblog", log, "--resume-failed", "--ordered", input="1\n2\n3\n")
        self.assertEqual(done.stdout, "2\n3\n")

    def test_usage(self):
        self.fails(2, None, "map", "q", "--retry-failed", input="", says="--joblog")
        self.fails(2, None, "map", "q", "--joblog", "x", "--resume", "--retry-failed", input="", says="exclude")
        broker = self.broker()
        self.fails(2, broker, "map", "q", "--joblog", f"{self.dir}/none", "--retry-failed", input="", says="none")
        # a record that the log has only the beginning of
        self.worker(broker, "q", "--builtin", "fail")
        log = f"{self.dir}/log"
        self.expect(1, broker, "map", "q", "--joblog", log, "--quiet", input="x" * 20000 + "\n")
        self.fails(2, broker, "map", "q", "--joblog", log, "--retry-failed", says="--resume-failed")
