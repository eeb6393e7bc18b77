"""Authorisation by an auth server, which the test plays: over TCP, and with a secret in each publish over HTTP."""
import urllib.error
import urllib.request

from harness import PATIENCE, wait_until
from nsq_case import NsqCase
from nsq_fakes import FakeAuth


def grant(topic, channels, permissions, ttl=3600):
    return {"ttl": ttl, "identity": "bob", "identity_url": "http://x/bob",
            "authorizations": [{"topic": topic, "channels": channels, "permissions": permissions}]}


class Auth(NsqCase):
    def start(self, **flags):
        self.auth = FakeAuth()
        self.addCleanup(self.auth.close)
        self.auth.grants = {"all": grant(".*", [".*"], ["subscribe", "publish"]),
                            "reader": grant("^news", ["^c$"], ["subscribe"]),
                            "writer": grant("^news$", [".*"], ["publish"]),
                            "none": {"ttl": 60, "authorizations": []},
                            "brief": grant(".*", [".*"], ["publish"], ttl=1),
                            "broken": b"{", "bad": grant("(", [], [])}
        self.own_broker(**{"nsq_auth": self.auth.address, **flags})

    def authed(self, secret):
        c = self.client()
        c.command("AUTH", body=secret.encode())
        return c

    def refused(self, client, *words, body=None):
        client.command(*words, body=body)
        return client.error()

    def text(self, client):
        got = client.response()
        return got.decode() if isinstance(got, bytes) else got

    def errors(self, x):
        return x.decode() if isinstance(x, bytes) else str(x)

    def test_over_tcp(self):
        self.start()
        c = self.authed("all")
        self.assertEqual(self.text(c),
                         '{"identity":"bob","identity_url":"http://x/bob","permission_count":1}')
        method, path, query, accept = self.auth.asked[0]
        self.assertEqual((method, path, accept), ("GET", "/auth", "application/vnd.nsq; version=1.0"))
        self.assertEqual(query, {"common_name": [""], "remote_ip": ["127.0.0.1"], "secret": ["all"], "tls": ["false"]})
        c.pub("news", b"x")
        c.sub("news", "c", 1)
        self.assertEqual(c.message().body, b"x")
        self.assertEqual(self.errors(self.refused(self.client(), "PUB", "t", body=b"x")),
                         "E_AUTH_FIRST AUTH required before PUB")
        for secret in ("unknown", "broken", "bad"):
            self.assertEqual(self.errors(self.authed(secret).error()), "E_AUTH_FAILED AUTH failed")
        self.assertEqual(self.errors(self.authed("none").error()), "E_UNAUTHORIZED AUTH no authorizations found")

    def test_permissions(self):
        self.start()
        reader = self.authed("reader")
        self.text(reader)
        self.assertEqual(self.errors(self.refused(reader, "PUB", "news", body=b"x")),
                         'E_UNAUTHORIZED AUTH failed for PUB on "news" ""')
        reader = self.authed("reader")
        self.text(reader)
        self.assertEqual(self.errors(self.refused(reader, "SUB", "news", "d")),
                         'E_UNAUTHORIZED AUTH failed for SUB on "news" "d"')
        writer = self.authed("writer")
        self.text(writer)
        writer.pub("news", b"x")
        self.assertEqual(self.errors(self.refused(writer, "SUB", "news", "c")),
                         'E_UNAUTHORIZED AUTH failed for SUB on "news" "c"')

    def test_asked_again_when_its_time_is_over(self):
        self.start()
        c = self.authed("brief")
        self.text(c)
        asked = len(self.auth.asked)

        def again():
            c.pub("news", b"x")
            return len(self.auth.asked) > asked
        wait_until(again)

    def test_post_and_the_next_server(self):
        dead = FakeAuth()
        dead.close()
        self.auth = FakeAuth()
        self.addCleanup(self.auth.close)
        self.auth.grants = {"s3 &=": grant(".*", [".*"], ["publish"])}
        self.own_broker(nsq_auth=f"{dead.address},http://{self.auth.address}/mine", nsq_auth_method="post")
        for _ in range(3):  # whichever of both is asked first
            c = self.authed("s3 &=")
            self.text(c)
        method, path, query, _ = self.auth.asked[0]
        self.assertEqual((method, path), ("POST", "/mine"))
        self.assertEqual(query, {"common_name": [""], "remote_ip": ["127.0.0.1"], "secret": ["s3 &="],
                                 "tls": ["false"]})

    def publish(self, topic, secret=None):
        request = urllib.request.Request(f"http://{self.http_address}/pub?topic={topic}", data=b"x", method="POST",
                                         headers={"Authorization": f"Bearer {secret}"} if secret else {})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def test_over_http(self):
        self.start()
        self.assertEqual(self.publish("news"), (403, '{"message":"AUTH_REQUIRED"}'))
        self.assertEqual(self.publish("news", "unknown"), (403, '{"message":"AUTH_FAILED"}'))
        self.assertEqual(self.publish("other", "writer"), (403, '{"message":"UNAUTHORIZED"}'))
        self.assertEqual(self.publish("news", "reader"), (403, '{"message":"UNAUTHORIZED"}'))
        asked = len(self.auth.asked)
        for _ in range(5):
            self.assertEqual(self.publish("news", "writer"), (200, "OK"))
        self.assertEqual(len(self.auth.asked), asked)  # it was asked for "other" already, and that is kept
        self.assertEqual(self.topic_stats("news")["message_count"], 5)
