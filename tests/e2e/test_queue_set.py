"""What is set on a queue with `sheaf queue NAME set`: shown, durable, and kept to."""
import json
import re

from harness import Case, queue, wait_until


class QueueSet(Case):
    def set(self, broker, name, *words, status=0):
        return self.expect(status, broker, "queue", name, "set", *words)

    def test_shown_and_durable(self):
        broker = self.broker()
        self.set(broker, "q", "concurrency=4", "rate=100/s", "keep=90m", "keep-bytes=64M")
        self.set(broker, "q", "rate=default", "attempts=3")
        shown = {"concurrency": 4, "keep": "90m", "keep-bytes": "64M", "attempts": 3}
        for _ in range(2):
            self.assertEqual(queue(broker, "q")["settings"], shown)
            text = self.expect(0, broker, "queue", "q").stdout
            for key, value in shown.items():
                self.assertRegex(text, rf"(?m)^{re.escape(key)} +{value}$")
            broker.restart()
        did = json.loads(self.set(broker, "q", "keep=1h", "--json").stdout)
        self.assertEqual(did["settings"]["keep"], "1h")
        self.assertEqual(queue(broker, "q")["settings"]["keep"], "1h")

    def test_mistakes_change_nothing(self):
        broker = self.broker()
        for words, says in ((["concurency=4"], "did you mean 'concurrency'"), (["rate=5"], "100/s"),
                            (["rate=6/m", "keep=0"], "keep=default"), ([], "KEY=VALUE")):
            self.assertIn(says, self.set(broker, "q", *words, status=2).stderr)
        self.expect(4, broker, "queue", "q")
        self.assertIn("rate: jobs started in a time", self.expect(0, broker, "help", "queue").stdout)

    def test_results_go_after_their_time(self):
        broker = self.broker()
        self.set(broker, "q", "keep=300ms")
        self.worker(broker, "q", "--builtin", "echo")
        self.assertEqual(self.expect(0, broker, "run", "q", "hello").stdout, "hello")
        wait_until(lambda: queue(broker, "q")["results_kept"] == 0, what="the result to go")
