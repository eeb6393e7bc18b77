"""NSQ's HTTP API at a real broker: messages, topics, channels, /stats beside live clients, HTTPS, hostile
connections."""
import json
import socket
import ssl
import struct
import subprocess
import urllib.request

from harness import PATIENCE, free_ports, wait_until
from nsq_case import NsqCase, make_certificate


def refusal(code):
    return '{"message":"%s"}' % code


class Http(NsqCase):
    def test_publishes_arrive(self):
        c = self.consumer("http.pub", "c", rdy=10)
        self.assertEqual(self.post("/pub", topic="http.pub", body=b"one"), "OK")
        self.assertEqual(self.post("/mpub", topic="http.pub", body=b"two\n\nthree\n"), "OK")
        packed = struct.pack(">i", 2) + b"".join(struct.pack(">i", len(m)) + m for m in (b"four\n", b"five"))
        self.assertEqual(self.post("/mpub", topic="http.pub", binary="true", body=packed), "OK")
        self.assertEqual(self.post("/pub", topic="http.pub", defer=50, body=b"six"), "OK")
        got = c.take(6)
        self.assertEqual(sorted(m.body for m in got), sorted([b"one", b"two", b"three", b"four\n", b"five", b"six"]))

    def test_refusals(self):
        self.assertEqual(self.http("POST", "/pub", body=b"", topic="t", expect=400), refusal("MSG_EMPTY"))
        self.assertEqual(self.http("POST", "/pub", body=b"x", expect=400), refusal("MISSING_ARG_TOPIC"))
        self.assertEqual(self.http("POST", "/pub", body=b"x", topic="a$", expect=400), refusal("INVALID_TOPIC"))
        big = b"x" * (1024 * 1024 + 1)
        self.assertEqual(self.http("POST", "/pub", body=big, topic="t", expect=413), refusal("MSG_TOO_BIG"))
        self.assertEqual(self.http("GET", "/pub", topic="t", expect=405), refusal("METHOD_NOT_ALLOWED"))
        self.assertEqual(self.http("GET", "/nothing", expect=404), refusal("NOT_FOUND"))
        self.assertEqual(self.http("POST", "/topic/pause", topic="never", expect=404), refusal("TOPIC_NOT_FOUND"))
        self.assertEqual(self.http("POST", "/channel/create", topic="never", channel="c", expect=404),
                         refusal("TOPIC_NOT_FOUND"))
        self.post("/topic/create", topic="http.there")
        self.assertEqual(self.http("POST", "/channel/pause", topic="http.there", channel="c", expect=404),
                         refusal("CHANNEL_NOT_FOUND"))
        self.assertEqual(self.http("GET", "/ping"), "OK")

    def test_life_of_a_channel(self):
        t = "http.life"
        self.post("/topic/create", topic=t)
        self.post("/channel/create", topic=t, channel="c")
        self.post("/channel/create", topic=t, channel="c")
        self.post("/channel/pause", topic=t, channel="c")
        for i in range(3):
            self.post("/pub", topic=t, body=b"m%d" % i)
        self.wait_channel(t, "c", depth=3, paused=True)
        c = self.consumer(t, "c", rdy=1)
        self.wait_channel(t, "c", client_count=1, in_flight_count=0)
        self.post("/channel/empty", topic=t, channel="c")
        self.wait_channel(t, "c", depth=0)
        self.post("/channel/unpause", topic=t, channel="c")
        self.post("/pub", topic=t, body=b"last")
        m = c.message()
        self.assertEqual(m.body, b"last")
        c.fin(m)
        self.post("/topic/pause", topic=t)
        self.post("/pub", topic=t, body=b"held")
        wait_until(lambda: self.topic_stats(t)["depth"] == 1 and self.topic_stats(t)["paused"])
        self.post("/topic/empty", topic=t)
        wait_until(lambda: self.topic_stats(t)["depth"] == 0)
        self.post("/topic/unpause", topic=t)
        self.post("/channel/delete", topic=t, channel="c")
        wait_until(lambda: self.channel_stats(t, "c") is None)
        self.post("/topic/delete", topic=t)
        wait_until(lambda: self.topic_stats(t) is None)

    def test_stats_of_clients(self):
        t = "http.stats"
        c = self.consumer(t, "c", rdy=2, client_id="me", hostname="myhost", user_agent="probe/1.0")
        p = self.client()
        p.identify(hostname="ph", user_agent="prod/2")
        for i in range(3):
            p.pub(t, b"m")
        first = c.message()
        self.wait_channel(t, "c", in_flight_count=2, depth=1, message_count=3)
        c.fin(first)
        self.wait_channel(t, "c", in_flight_count=2, depth=0)
        got = json.loads(self.http("GET", "/stats", format="json", topic=t))
        client = got["topics"][0]["channels"][0]["clients"][0]
        self.assertEqual([client[k] for k in ("client_id", "hostname", "user_agent", "version", "state", "ready_count",
                                              "in_flight_count", "finish_count", "message_count")],
                         ["me", "myhost", "probe/1.0", "V2", 3, 2, 2, 1, 3])
        mine = [x for x in got["producers"] if x["hostname"] == "ph"]
        self.assertEqual(mine[0]["pub_counts"], [{"topic": t, "count": 3}])
        self.assertEqual(got["health"], "OK")
        self.assertIn("heap_in_use_bytes", got["memory"])
        text = self.http("GET", "/stats", topic=t)
        self.assertRegex(text, r"\n   \[http.stats     \] depth: 0     be-depth: 0     msgs: 3        e2e%: \n")
        self.assertRegex(text, r"\n        \[V2 myhost:\d+ probe/1.0 *\] state: 3 inflt: 2    rdy: 2    fin: 1  ")
        self.assertRegex(text, r"\nProducers:\n(.*\n)*   \[V2 ph:\d+ prod/2 *\] msgs: 3        topics: http.stats=3 ")
        none = json.loads(self.http("GET", "/stats", format="json", topic=t, include_clients="false"))
        self.assertEqual((none["topics"][0]["channels"][0]["clients"], none["producers"]), (None, None))
        self.assertIsNone(json.loads(self.http("GET", "/stats", format="json", topic="unknown"))["topics"])

    def test_info_config_and_lookup(self):
        info = json.loads(self.http("GET", "/info"))
        port = int(self.nsq.rpartition(":")[2])
        self.assertEqual((info["tcp_port"], info["http_port"]), (port, port + 1))
        self.assertEqual(info["max_heartbeat_interval"], 60 * 10**9)
        self.assertEqual(self.http("GET", "/config/max_rdy_count"), "2500")
        self.assertEqual(self.http("GET", "/config/nothing", expect=400), refusal("INVALID_OPTION"))
        self.post("/topic/create", topic="http.found")
        self.post("/channel/create", topic="http.found", channel="c")
        found = json.loads(self.http("GET", "/lookup", topic="http.found"))
        self.assertEqual(found["channels"], ["c"])
        self.assertEqual(found["producers"][0]["tcp_port"], port)
        self.assertEqual(self.http("GET", "/lookup", topic="http.lost", expect=404), refusal("TOPIC_NOT_FOUND"))

    def test_curl_keeps_its_connection(self):
        url = f"http://{self.http_address}"
        done = subprocess.run(["curl", "-sS", "-v", "-d", "a", f"{url}/pub?topic=http.curl", "--next", "-sS", "-v",
                               "-H", "Expect: 100-continue", "-H", "Transfer-Encoding: chunked", "-d", "b" * 5000,
                               f"{url}/pub?topic=http.curl", "--next", "-sS", f"{url}/ping"],
                              capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.stdout, "OKOKOK", done.stderr)
        self.assertIn("HTTP/1.1 100 Continue", done.stderr)
        self.assertIn("Re-using existing connection", done.stderr)

    def test_hostile_connections_end_alone(self):
        host, port = self.http_address.rsplit(":", 1)
        slow = [socket.create_connection((host, int(port))) for _ in range(50)]
        self.addCleanup(lambda: [s.close() for s in slow])
        for s in slow:
            s.sendall(b"POST /pub?topic=slow HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc")
        for junk in (b"  V2IDENTIFY\n\0\0\0\2{}", b"\xff" * 1000, b"hello\n\n"):
            with socket.create_connection((host, int(port)), timeout=PATIENCE) as s:
                s.sendall(junk)
                got = b""
                while part := s.recv(4096):
                    got += part
                self.assertTrue(got.startswith(b"HTTP/1.1 400 "), got)
        for cut in (b"POST /pub?topic=cut HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc", b"GET /st", b"\0"):
            with socket.create_connection((host, int(port))) as s:
                s.sendall(cut)
        self.assertEqual(self.http("GET", "/ping"), "OK")
        self.assertIsNone(self.topic_stats("cut"))


class Https(NsqCase):
    def test_tls_required(self):
        cert, key = make_certificate(self.dir)
        port = free_ports(1)
        self.own_broker(nsq_tls_cert=cert, nsq_tls_key=key, nsq_tls_required=True, nsq_https=f"127.0.0.1:{port}")
        said = json.loads(self.http("GET", "/ping", expect=403))
        self.assertEqual(said, {"message": "TLS_REQUIRED", "https_port": port})
        trust = ssl.create_default_context(cafile=cert)
        url = f"https://127.0.0.1:{port}"
        with urllib.request.urlopen(url + "/ping", context=trust, timeout=PATIENCE) as answer:
            self.assertEqual(answer.read(), b"OK")
        request = urllib.request.Request(url + "/mpub?topic=https", data=b"x\n" * 100000)
        with urllib.request.urlopen(request, context=trust, timeout=PATIENCE) as answer:
            self.assertEqual(answer.read(), b"OK")
        with urllib.request.urlopen(url + "/stats?format=json", context=trust, timeout=PATIENCE) as answer:
            self.assertEqual(json.load(answer)["topics"][0]["message_count"], 100000)
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as s:
            s.sendall(b"GET /ping HTTP/1.1\r\n\r\n")
            self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 400 "))

    def test_client_certificates(self):
        cert, key = make_certificate(self.dir)
        for policy, more in (("require", {}), ("require-verify", {"nsq_tls_ca": cert})):
            port = free_ports(1)
            self.own_broker(nsq_tls_cert=cert, nsq_tls_key=key, nsq_tls_client_auth=policy,
                            nsq_https=f"127.0.0.1:{port}", **more)
            url = f"https://127.0.0.1:{port}/ping"
            with_one = ssl.create_default_context(cafile=cert)
            with_one.load_cert_chain(cert, key)
            with urllib.request.urlopen(url, context=with_one, timeout=PATIENCE) as answer:
                self.assertEqual(answer.read(), b"OK")
            with self.assertRaises(OSError):
                urllib.request.urlopen(url, context=ssl.create_default_context(cafile=cert), timeout=PATIENCE)
