"""What the tests of the NSQ edge share: one broker with the edge for all tests of a class, clients that end with their
test, the edge's HTTP side, and certificates."""
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import PATIENCE, Broker, free_ports, wait_until
from nsq_client import NsqClient


def make_certificate(folder):
    """A certificate for localhost, signed by itself, and its key: two paths."""
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "30", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    return cert, key


def trusting(cert):
    """An SSLContext of a client that trusts this certificate alone."""
    return ssl.create_default_context(cafile=cert)


class NsqCase(unittest.TestCase):
    """FLAGS are sheafd's. A test that ends its broker makes one of its own with own_broker()."""
    FLAGS = {}
    TLS = False
    TIMEOUT = 90
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="sheaf-e2e-")
        flags = dict(cls.FLAGS)
        if cls.TLS:
            cls.cert, key = make_certificate(cls.dir)
            flags.update(nsq_tls_cert=cls.cert, nsq_tls_key=key)
        cls.broker = cls.new_broker(cls.dir, **flags).start()
        cls.nsq, cls.http_address = cls.broker.flags["nsq"], cls.broker.flags["nsq_http"]

    @classmethod
    def tearDownClass(cls):
        try:
            cls.broker.stop()
        except AssertionError:
            print(cls.broker.tail(), flush=True)
            raise
        finally:
            cls.broker.kill()
            shutil.rmtree(cls.dir, ignore_errors=True)

    @staticmethod
    def new_broker(folder, **flags):
        port = free_ports(2)
        return Broker(folder, nsq=f"127.0.0.1:{port}", nsq_http=f"127.0.0.1:{port + 1}", **flags)

    def own_broker(self, **flags):
        """A broker of this test's own; its addresses take the place of the class's for self.client() and others."""
        folder = tempfile.mkdtemp(prefix="sheaf-e2e-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        broker = self.new_broker(folder, **flags)
        self.addCleanup(broker.kill)
        broker.start()
        self.nsq, self.http_address = broker.flags["nsq"], broker.flags["nsq_http"]
        return broker

    def client(self, **more):
        c = NsqClient(self.nsq, **more)
        self.addCleanup(c.close)
        return c

    def producer(self):
        return self.client()

    def consumer(self, topic, channel, rdy=None, **wishes):
        c = self.client()
        if wishes:
            c.identify(**wishes)
        c.sub(topic, channel, rdy)
        return c

    def http(self, method, path, body=None, expect=200, **query):
        """The text of the answer."""
        url = f"http://{self.http_address}{path}" + ("?" + urllib.parse.urlencode(query) if query else "")
        data = (b"" if method == "POST" else None) if body is None else body
        request = urllib.request.Request(url, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            status, text = e.code, e.read().decode()
        self.assertEqual(status, expect, f"{method} {url}: {text}")
        return text

    def post(self, path, **query):
        return self.http("POST", path, **query)

    def channel_stats(self, topic, channel):
        """Of /stats, the channel; None if there is none."""
        got = json.loads(self.http("GET", "/stats", format="json", topic=topic, channel=channel))
        for t in got["topics"] or []:
            for c in t["channels"] or []:
                if (t["topic_name"], c["channel_name"]) == (topic, channel):
                    return c
        return None

    def topic_stats(self, topic):
        got = json.loads(self.http("GET", "/stats", format="json", topic=topic))
        return next((t for t in got["topics"] or [] if t["topic_name"] == topic), None)

    def wait_channel(self, topic, channel, **want):
        """Until /stats says so of the channel: wait_channel("t", "c", depth=0, in_flight_count=2)."""
        def look():
            got = self.channel_stats(topic, channel)
            return got is not None and all(got[k] == v for k, v in want.items())
        wait_until(look, what=f"channel {channel} of {topic} to have {want}")
