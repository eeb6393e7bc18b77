"""`sheaf pub`, `sheaf sub`, `sheaf topics` and `sheaf topic` as people use them."""
import json
import os
import signal
import time

from harness import Case, Command, is_alive, wait_until


class PubSub(Case):
    def rows(self, broker, *args):
        done = self.expect(0, broker, *(args or ("topics",)), "--json")
        return {(r["topic"], r.get("channel")): r for r in map(json.loads, done.stdout.splitlines())}

    def subscribe(self, broker, topic, *args, channel="c"):
        """A `sheaf sub` that has its channel."""
        sub = self.command(broker, "sub", topic, "--channel", channel, *args)
        wait_until(lambda: self.rows(broker).get((topic, channel), {}).get("consumers", 0) > 0 or not sub.running(),
                   what=f"a consumer of {channel}: {sub.tail()}")
        return sub

    def test_a_message_reaches_every_channel(self):
        broker = self.broker()
        one, two = (self.subscribe(broker, "news", "-n", 3, channel=c) for c in ("one", "two"))
        first = self.expect(0, broker, "pub", "news", "hello").stdout
        self.assertRegex(first, r"^\d+\n$")
        self.expect(0, broker, "pub", "news", "--lines", input="a\n\nb\n")
        for sub in one, two:
            self.assertEqual((sub.wait(), sub.stdout()), (0, "hello\na\nb\n"))
        rows = self.rows(broker)
        self.assertEqual(rows["news", None]["messages"], 3)
        for c in "one", "two":
            row = rows["news", c]
            self.assertEqual((row["depth"], row["in_hand"], row["messages"]), (0, 0, 3))
        shown = self.expect(0, broker, "topics").stdout
        self.assertRegex(shown, r"(?m)^TOPIC +CHANNEL +DEPTH")
        self.assertRegex(shown, r"(?m)^news +two +0 +0 +0 +3 +0$")

    def test_many_lines_arrive_in_order(self):
        broker = self.broker()
        lines = "".join(f"line {i}\n" for i in range(50000))
        self.expect(0, broker, "pub", "t", "--lines", input=lines)
        self.assertEqual(self.rows(broker)["t", None]["depth"], 50000)
        self.assertEqual(self.expect(0, broker, "sub", "t", "--channel", "c", "-n", 50000).stdout, lines)
        self.assertEqual(self.rows(broker)["t", "c"]["depth"], 0)

    def test_bytes_and_json(self):
        broker = self.broker()
        sub = self.subscribe(broker, "t", "-n", 2, "--json")
        self.expect(0, broker, "pub", "t", input=b"a\0\xff\n", text=False)
        self.expect(0, broker, "pub", "t", "caf\u00e9")
        self.assertEqual(sub.wait(), 0)
        raw, text = map(json.loads, sub.stdout().splitlines())
        self.assertEqual((raw["body_base64"], text["body"]), ("YQD/Cg==", "caf\u00e9"))
        self.assertEqual((text["topic"], text["channel"], text["attempt"]), ("t", "c", 1))
        self.assertRegex(text["published"], r"^\d{4}-\d\d-\d\dT")

    def test_a_private_channel_leaves_nothing(self):
        broker = self.broker()
        sub = self.command(broker, "sub", "t", "-n", 1)
        wait_until(lambda: len(self.rows(broker)) == 2, what="a channel")
        self.expect(0, broker, "pub", "t", "x")
        self.assertEqual((sub.wait(), sub.stdout()), (0, "x\n"))
        wait_until(lambda: list(self.rows(broker)) == [("t", None)], what="the channel to go")

    def test_an_interrupt_loses_nothing(self):
        broker = self.broker()
        sub = self.subscribe(broker, "t")
        self.expect(0, broker, "pub", "t", "--lines", input="".join(f"{i}\n" for i in range(100)))
        wait_until(lambda: sub.stdout().count("\n") == 100, what="all of them")
        sub.signal(signal.SIGINT)
        self.assertEqual(sub.wait(), 130)
        row = self.rows(broker)["t", "c"]
        self.assertEqual((row["depth"], row["in_hand"], row["consumers"]), (0, 0, 0))
        done = self.expect(124, broker, "sub", "t", "--channel", "c", "--timeout", "700ms")
        self.assertEqual(done.stdout, "")

    def test_exec_decides_by_its_exit_status(self):
        broker = self.broker()
        tries = os.path.join(self.dir, "tries")
        command = f'm=$(cat); echo "$m $SHEAF_ATTEMPT $SHEAF_TOPIC $SHEAF_CHANNEL" >> {tries}; ' \
                  'test "$m" = good || test "$SHEAF_ATTEMPT" -ge 2; s=$?; echo "did $m"; exit $s'
        sub = self.subscribe(broker, "t", "--exec", command, "-j", 2)
        self.expect(0, broker, "pub", "t", "--lines", input="good\nbad\n")
        wait_until(lambda: os.path.exists(tries) and open(tries).read().count("\n") == 3, what="three runs")
        wait_until(lambda: self.rows(broker)["t", "c"]["in_hand"] == 0, what="the last to be finished")
        self.assertEqual(sorted(open(tries).read().splitlines()), ["bad 1 t c", "bad 2 t c", "good 1 t c"])
        sub.signal(signal.SIGINT)
        self.assertEqual(sub.wait(), 130)
        self.assertEqual(sorted(sub.stdout().split("\n"))[1:], ["did bad", "did bad", "did good"])
        self.assertIn("exit status 1", sub.stderr())
        row = self.rows(broker)["t", "c"]
        self.assertEqual((row["depth"], row["deferred"], row["requeued"]), (0, 0, 1))

    def test_exec_keeps_its_message_and_finishes_it_when_interrupted(self):
        broker = self.broker()
        begun = os.path.join(self.dir, "begun")
        sub = self.subscribe(broker, "t", "--exec", f"cat > {begun}; sleep 3; echo finished", "--lease", "1s")
        self.expect(0, broker, "pub", "t", "slow")
        wait_until(lambda: os.path.exists(begun) and os.path.getsize(begun) == 4, what="the command")
        time.sleep(1.5)
        sub.signal(signal.SIGINT)
        self.assertEqual((sub.wait(), sub.stdout()), (130, "finished\n"))
        row = self.rows(broker)["t", "c"]
        self.assertEqual((row["depth"], row["timed_out"], row["requeued"]), (0, 0, 0))

    def test_managing(self):
        broker = self.broker()
        self.expect(4, broker, "topic", "news")
        self.assertEqual(self.expect(0, broker, "topic", "news", "create").stdout, "news created\n")
        self.expect(0, broker, "topic", "news", "create", "--channel", "mail")
        self.assertIn("did you mean 'news'?", self.expect(4, broker, "topic", "newz", "pause").stderr)
        self.expect(4, broker, "topic", "news", "pause", "--channel", "mial")
        self.expect(0, broker, "topic", "news", "pause", "--channel", "mail")
        self.expect(0, broker, "topic", "news", "set", "keep=24h", "keep-bytes=1G")
        self.expect(0, broker, "topic", "news", "set", "ordered=yes", "attempts=5", "dead=bad", "--channel", "mail")
        rows = self.rows(broker, "topic", "news")
        self.assertEqual((rows["news", None]["keep"], rows["news", None]["keep_bytes"]), ("24h", 1 << 30))
        mail = rows["news", "mail"]
        self.assertEqual((mail["paused"], mail["ordered"]), (True, True))
        self.assertEqual((mail["attempts"], mail["dead_topic"]), (5, "bad"))
        broker.kill()
        broker.start()
        self.assertEqual(self.rows(broker, "topic", "news"), rows)
        self.expect(0, broker, "pub", "news", "x")
        self.expect(0, broker, "topic", "news", "empty", "--channel", "mail")
        self.assertEqual(self.rows(broker)["news", "mail"]["depth"], 0)
        self.expect(0, broker, "topic", "news", "delete")
        self.assertEqual(self.rows(broker), {})

    def test_wrong_words(self):
        broker = self.broker()
        for args, said in ((("pub", "no good", "x"), "letters, digits"),
                           (("pub", "t", ""), "at least one byte"),
                           (("sub", "t", "--channel", "a,b"), "letters, digits"),
                           (("sub", "t", "--since", "never"), "neither 'all'"),
                           (("topic", "t", "set"), "KEY=VALUE"),
                           (("topic", "t", "set", "ordered=yes"), "--channel"),
                           (("topic", "t", "set", "kep=1h"), "did you mean 'keep'?"),
                           (("topic", "t", "purge"), "what there is"),
                           (("sub", "t", "--exec", "cat", "--json"), "leave --json")):
            self.assertIn(said, self.expect(2, broker, *args).stderr)
        self.expect(2, broker, "pub", "t", input="x" * (2 << 20))
        self.expect(2, broker, "sub", "jobs.q")
        self.assertEqual(self.rows(broker), {})

    def test_a_broker_that_comes_back_is_no_event(self):
        broker = self.broker()
        sub = self.subscribe(broker, "t", "-n", 2000)
        pub = self.own(Command(broker, "pub", "t", "--lines", stdin=self.slow_lines(2000))).start()
        wait_until(lambda: sub.stdout().count("\n") > 200, what="some messages")
        broker.kill()
        broker.start()
        self.assertEqual(pub.wait(), 0, pub.tail())
        self.assertEqual(sub.wait(), 0, sub.tail())
        got = sub.stdout().splitlines()
        self.assertLessEqual(set(got), {f"line {i}" for i in range(2000)})
        rest = self.sheaf(broker, "sub", "t", "--channel", "c", "--timeout", "1s").stdout.splitlines()
        self.assertEqual(set(got) | set(rest), {f"line {i}" for i in range(2000)})

    def slow_lines(self, n):
        """A fifo that somebody writes lines to, a few at a time."""
        path = os.path.join(self.dir, "fifo")
        os.mkfifo(path)
        pid = os.fork()
        if pid == 0:
            try:
                with open(path, "w") as f:
                    for i in range(n):
                        f.write(f"line {i}\n")
                        if i % 10 == 0:
                            f.flush()
                            time.sleep(0.005)
            finally:
                os._exit(0)

        def reap():
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.addCleanup(reap)
        return path
