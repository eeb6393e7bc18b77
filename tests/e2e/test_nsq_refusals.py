"""What the NSQ edge refuses because of how the broker was started: who may do what, how many, and how much."""
import http.server
import json
import threading
import time
import urllib.parse

from harness import wait_until
from nsq_case import NsqCase
from nsq_client import Refused


class AuthServer(http.server.ThreadingHTTPServer):
    """Answers as it is told; keeps what it was asked."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.asked, self.status, self.answer = [], 200, {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query,
                                                                 keep_blank_values=True)))
            body = json.dumps(self.server.answer).encode()
            self.send_response(self.server.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass


def allowed(*grants, ttl=3600):
    return {"ttl": ttl, "identity": "bob", "identity_url": "http://x/bob", "authorizations": [
        {"topic": t, "channels": c, "permissions": p} for t, c, p in grants]}


class Auth(NsqCase):
    @classmethod
    def setUpClass(cls):
        cls.server = AuthServer()
        cls.FLAGS = {"nsq_auth": "127.0.0.1:%d" % cls.server.server_port}
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()
        super().tearDownClass()

    def authorised(self, secret="s3cret"):
        c = self.client()
        self.assertTrue(c.identify()["auth_required"])
        c.command("AUTH", body=secret.encode())
        return c, json.loads(c.response())

    def test_first(self):
        for words, body in (("SUB t c", None), ("PUB t", b"x"), ("DPUB t 1", b"x")):
            c = self.client()
            c.command(words, body=body)
            self.assertEqual(c.error(), f"E_AUTH_FIRST AUTH required before {words.split()[0]}")
            self.assertEqual(c.ended(), [])
        c = self.client()
        with self.assertRaisesRegex(Refused, "^E_AUTH_FIRST AUTH required before MPUB$"):
            c.mpub("t", ["x"])
        self.assertEqual(c.ended(), [])

    def test_granted(self):
        self.server.status, self.server.answer = 200, allowed(
            ("^good", [".*"], ["subscribe", "publish"]), ("^read$", ["^ch$"], ["subscribe"]))
        self.server.asked.clear()
        c, answer = self.authorised()
        self.assertEqual(answer, {"identity": "bob", "identity_url": "http://x/bob", "permission_count": 2})
        self.assertEqual(self.server.asked, [{"common_name": "", "remote_ip": "127.0.0.1", "secret": "s3cret",
                                              "tls": "false"}])
        c.pub("good1", "x")
        c.mpub("good1", ["y"])
        c.dpub("good1", 1, "z")
        c.sub("good1", "any", rdy=3)
        self.assertEqual(sorted(m.body for m in c.take(3)), [b"x", b"y", b"z"])
        self.assertEqual(len(self.server.asked), 1, "what was answered counts for its time to live")

    def test_not_granted(self):
        self.server.status, self.server.answer = 200, allowed(("^read$", ["^ch$"], ["subscribe"]))
        for command, why in ((lambda c: c.pub("read", "x"), 'PUB on "read" ""'),
                             (lambda c: c.mpub("read", ["x"]), 'MPUB on "read" ""'),
                             (lambda c: c.dpub("other", 1, "x"), 'DPUB on "other" ""'),
                             (lambda c: c.sub("read", "not"), 'SUB on "read" "not"')):
            c, _ = self.authorised()
            with self.assertRaises(Refused) as e:
                command(c)
            self.assertEqual(e.exception.args[0], "E_UNAUTHORIZED AUTH failed for " + why)
            self.assertEqual(c.ended(), [])
        c, _ = self.authorised()
        c.sub("read", "ch")

    def test_failed(self):
        for status, answer, why in ((500, {}, "E_AUTH_FAILED AUTH failed"), (200, {}, "E_AUTH_FAILED AUTH failed"),
                                    (200, allowed(), "E_UNAUTHORIZED AUTH no authorizations found"),
                                    (200, allowed(("[", [".*"], ["publish"])), "E_AUTH_FAILED AUTH failed"),
                                    (200, allowed((".*", [".*"], ["fly"])), "E_AUTH_FAILED AUTH failed"),
                                    (200, allowed((".*", [".*"], ["publish"]), ttl=0), "E_AUTH_FAILED AUTH failed")):
            with self.subTest(answer):
                self.server.status, self.server.answer = status, answer
                c = self.client()
                c.command("AUTH", body=b"s")
                self.assertEqual(c.error(), why)
                self.assertEqual(c.ended(), [])

    def test_twice(self):
        self.server.status, self.server.answer = 200, allowed((".*", [".*"], ["publish"]))
        c, _ = self.authorised()
        c.command("AUTH", body=b"again")
        self.assertEqual(c.error(), "E_INVALID AUTH already set")

    def test_asked_again(self):
        """When its time to live is over; what was granted before may be gone then."""
        self.server.status, self.server.answer = 200, allowed((".*", [".*"], ["publish"]), ttl=1)
        c, _ = self.authorised()
        c.pub("t", "x")
        self.server.answer = allowed(("^other$", [".*"], ["publish"]))
        time.sleep(1.1)
        with self.assertRaisesRegex(Refused, '^E_UNAUTHORIZED AUTH failed for PUB on "t" ""$'):
            c.pub("t", "x")


class Bounds(NsqCase):
    FLAGS = {"nsq_max_channel_consumers": 1, "nsq_max_rdy": 10, "nsq_max_msg_size": 1000, "nsq_max_body_size": 5000,
             "nsq_max_req_timeout": "10s"}

    def test_consumers(self):
        one = self.consumer("a", "c")
        two = self.client()
        two.command("SUB", "a", "c")
        self.assertEqual(two.error(), "E_SUB_FAILED SUB failed consumers for a:c exceeds limit of 1")
        self.assertEqual(two.ended(), [])
        self.consumer("a", "other")
        one.close()

        def again():
            c = self.client()
            try:
                c.sub("a", "c")
                return True
            except Refused:
                return False
        wait_until(again, what="room for another consumer")

    def test_others(self):
        c = self.client()
        self.assertEqual(c.identify()["max_rdy_count"], 10)
        c.sub("b", "c")
        c.rdy(11)
        self.assertEqual(c.error(), "E_INVALID RDY count 11 out of range 0-10")
        for send, why in ((lambda c: c.pub("b", "x" * 1001), "E_BAD_MESSAGE PUB message too big 1001 > 1000"),
                          (lambda c: c.mpub("b", ["x" * 999] * 5), "E_BAD_BODY MPUB body too big 5019 > 5000"),
                          (lambda c: c.dpub("b", 10001, "x"), "E_INVALID DPUB timeout 10001 out of range 0-10000")):
            with self.assertRaises(Refused) as e:
                send(self.client())
            self.assertEqual(e.exception.args[0], why)


class Full(NsqCase):
    """At the cap of --disk publishes are refused; what was accepted is delivered, and then there is room again."""
    FLAGS = {"disk": "512M", "fsync": "never"}
    TIMEOUT = 170

    def fill(self, word, publish, accepted):
        """Publishes until that is refused with its own error; how many messages were accepted so far."""
        c = self.client()
        for _ in range(1000):
            try:
                publish(c, accepted)
                accepted += 8 if word == "MPUB" else 1
            except Refused as e:
                self.assertRegex(e.args[0], f"^E_{word}_FAILED {word} failed ")
                self.assertEqual(c.ended(), [])
                return accepted
        self.fail("gigabytes were accepted")

    def test_full(self):
        def body(n):
            return b"%08d" % n + b"x" * 500000
        accepted = self.fill("MPUB", lambda c, n: c.mpub("full", [body(n + i) for i in range(8)]), 0)
        accepted = self.fill("PUB", lambda c, n: c.pub("full", body(n)), accepted)
        accepted = self.fill("DPUB", lambda c, n: c.dpub("full", 1, body(n)), accepted)
        c = self.consumer("full", "a", rdy=20)
        numbers = set()
        while len(numbers) < accepted:
            m = c.message()
            numbers.add(int(m.body[:8]))
            c.fin(m)
        self.assertEqual(numbers, set(range(accepted)))

        def room():
            try:
                self.client().pub("full", "x" * 500000)
                return True
            except Refused:
                return False
        wait_until(room, what="room for publishes")


if __name__ == "__main__":
    import unittest
    unittest.main()
