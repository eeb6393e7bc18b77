"""A small client of NSQ's TCP protocol on plain sockets, for tests: frames, commands, and the layers that IDENTIFY may
ask for (TLS, snappy, deflate). Nothing is done behind the test's back except that heartbeats are answered.

    c = NsqClient("127.0.0.1:4150")
    c.identify()
    c.pub("topic", b"body")
    c.sub("topic", "channel", rdy=10)
    m = c.message()
    c.fin(m)
"""
import collections
import json
import select
import socket
import ssl
import struct
import time
import zlib

from harness import PATIENCE
from snappy_frames import SnappyReader, snappy_write

RESPONSE, ERROR, MESSAGE = 0, 1, 2
HEARTBEAT = b"_heartbeat_"
MAGIC = b"  V2"

Message = collections.namedtuple("Message", "time_ns attempts id body")


class Closed(Exception):
    """The server has closed the connection."""


class Refused(AssertionError):
    """An error frame where a response was wanted; args[0] is its text."""


def i32(n):
    return struct.pack(">i", n)


def sized(body):
    """As the body of a command: its size, and it."""
    return i32(len(body)) + body


def mpub_body(bodies):
    return sized(i32(len(bodies)) + b"".join(map(sized, bodies)))


def text(x):
    return x.encode() if isinstance(x, str) else x if isinstance(x, bytes) else str(x).encode()


class Deflate:
    """Raw DEFLATE over another layer."""

    def __init__(self, below, level=6):
        self.below = below
        self.out, self.inn = zlib.compressobj(level, zlib.DEFLATED, -15), zlib.decompressobj(-15)

    def send(self, data):
        self.below.send(self.out.compress(data) + self.out.flush(zlib.Z_SYNC_FLUSH))

    def decode(self, data):
        return self.inn.decompress(data)

    def recv(self):
        data = self.below.recv()
        return (self.decode(data) or None) if data else data


class Snappy:
    """Snappy's framing format over another layer."""

    def __init__(self, below):
        self.below, self.began, self.reader = below, False, SnappyReader()

    def send(self, data):
        self.below.send(snappy_write(data, begin=not self.began))
        self.began = True

    def decode(self, data):
        return self.reader.feed(data)

    def recv(self):
        data = self.below.recv()
        return (self.decode(data) or None) if data else data


class Plain:
    """A socket, with TLS or without. recv() of any layer gives b"" at the end, None if there is nothing whole yet."""

    def __init__(self, sock):
        self.sock = sock

    def send(self, data):
        self.sock.sendall(data)

    def recv(self):
        try:
            return self.sock.recv(1 << 16)
        except ssl.SSLWantReadError:
            return None
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
            return b""


class NsqClient:
    def __init__(self, address, magic=MAGIC, seconds=None):
        """seconds: how long to wait for anything, PATIENCE unless told otherwise."""
        host, _, port = address.rpartition(":")
        self.seconds = PATIENCE if seconds is None else seconds
        self.sock = socket.create_connection((host, int(port)), timeout=self.seconds)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.layer = Plain(self.sock)
        self.got = b""
        self.messages = collections.deque()
        self.heartbeats, self.answers_heartbeats = 0, True
        self.negotiated = None
        if magic:
            self.send(magic)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- bytes and frames ---

    def send(self, data):
        self.layer.send(data)

    def command(self, *words, body=None):
        """One command; a body gets its size in front."""
        self.send(b" ".join(map(text, words)) + b"\n" + (b"" if body is None else sized(body)))

    def waiting(self, seconds):
        """Whether something can be read within that time."""
        if isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
            return True
        return bool(select.select([self.sock], [], [], max(0, seconds))[0])

    def frame(self, seconds=None):
        """(type, data) of the next frame, whatever it is; None if none comes in time. Closed at the end."""
        end = time.monotonic() + (self.seconds if seconds is None else seconds)
        while True:
            if len(self.got) >= 8:
                n, kind = struct.unpack_from(">ii", self.got)
                if not 4 <= n <= 16 << 20 or kind not in (RESPONSE, ERROR, MESSAGE):
                    raise AssertionError(f"that is no frame: {self.got[:40]!r}")
                if len(self.got) >= 4 + n:
                    data, self.got = self.got[8:4 + n], self.got[4 + n:]
                    return kind, data
            if not self.waiting(end - time.monotonic()):
                return None
            data = self.layer.recv()
            if data == b"":
                raise Closed()
            self.got += data or b""

    def next(self, seconds=None):
        """The next frame that is no heartbeat; messages are kept for message(). None if none comes in time."""
        end = time.monotonic() + (self.seconds if seconds is None else seconds)
        while True:
            got = self.frame(max(0, end - time.monotonic()))
            if got is None:
                return None
            kind, data = got
            if kind == RESPONSE and data == HEARTBEAT:
                self.heartbeats += 1
                if self.answers_heartbeats:
                    self.send(b"NOP\n")
            else:
                return kind, data

    def keep(self, data):
        self.messages.append(Message(*struct.unpack_from(">qH", data), data[10:26], data[26:]))

    def response(self, seconds=None):
        """The next response; messages that come before it are kept. Refused if it is an error."""
        while True:
            got = self.next(seconds)
            if got is None:
                raise AssertionError("the server does not answer")
            kind, data = got
            if kind == MESSAGE:
                self.keep(data)
            elif kind == ERROR:
                raise Refused(data.decode(errors="replace"))
            else:
                return data

    def error(self, seconds=None):
        """The text of the next error frame; a response is a failure."""
        try:
            got = self.response(seconds)
        except Refused as e:
            return e.args[0]
        raise AssertionError(f"was answered with {got!r} and not with an error")

    def ok(self):
        got = self.response()
        if got != b"OK":
            raise AssertionError(f"was answered with {got!r} and not with OK")

    def ended(self, seconds=None):
        """Reads until the server closes; the frames on the way, without heartbeats. AssertionError if it does not."""
        frames = []
        while True:
            try:
                got = self.next(seconds)
            except (Closed, OSError):
                return frames
            if got is None:
                raise AssertionError(f"the connection stays open; it brought {frames}")
            frames.append(got)

    # --- commands ---

    def identify(self, tls=None, **wishes):
        """IDENTIFY with negotiation; takes the layers that were agreed. tls: an ssl.SSLContext. Returns the answer."""
        wishes = {"client_id": "test", "hostname": "test", "user_agent": "test/1", "feature_negotiation": True,
                  **({"tls_v1": True} if tls else {}), **wishes}
        self.command("IDENTIFY", body=json.dumps(wishes).encode())
        answer = self.negotiated = json.loads(self.response())
        if answer["tls_v1"] and tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname="localhost")
            self.layer = Plain(self.sock)
            self.ok()
        if answer["snappy"]:
            self.put_on(Snappy(self.layer))
        if answer["deflate"]:
            self.put_on(Deflate(self.layer, answer["deflate_level"]))
        return answer

    def put_on(self, layer):
        """A layer over what there is; what has come already and is not read belongs to it."""
        self.layer, self.got = layer, layer.decode(self.got)
        self.ok()

    def pub(self, topic, body):
        self.command("PUB", topic, body=text(body))
        self.ok()

    def mpub(self, topic, bodies):
        self.send(b"MPUB " + text(topic) + b"\n" + mpub_body([text(b) for b in bodies]))
        self.ok()

    def dpub(self, topic, defer_ms, body):
        self.command("DPUB", topic, defer_ms, body=text(body))
        self.ok()

    def sub(self, topic, channel, rdy=None):
        self.command("SUB", topic, channel)
        self.ok()
        if rdy is not None:
            self.rdy(rdy)

    def rdy(self, n):
        self.command("RDY", n)

    def message(self, seconds=None):
        """The next message; None if none comes in time. Refused if an error comes instead."""
        if self.messages:
            return self.messages.popleft()
        got = self.next(seconds)
        if got is None:
            return None
        kind, data = got
        if kind == ERROR:
            raise Refused(data.decode(errors="replace"))
        if kind != MESSAGE:
            raise AssertionError(f"{data!r} came instead of a message")
        self.keep(data)
        return self.messages.popleft()

    def take(self, n, seconds=None):
        """n messages; AssertionError if they do not come."""
        got = []
        while len(got) < n:
            m = self.message(seconds)
            if m is None:
                raise AssertionError(f"{len(got)} messages came and not {n}")
            got.append(m)
        return got

    def fin(self, message):
        self.command("FIN", getattr(message, "id", message))

    def req(self, message, delay_ms=0):
        self.command("REQ", getattr(message, "id", message), delay_ms)

    def touch(self, message):
        self.command("TOUCH", getattr(message, "id", message))

    def cls(self):
        self.command("CLS")
        got = self.response()
        if got != b"CLOSE_WAIT":
            raise AssertionError(f"CLS was answered with {got!r}")

    def is_open(self):
        """Whether the server still answers. A publish is allowed in every state."""
        try:
            self.pub("is-open#ephemeral", b"x")
            return True
        except (Closed, OSError):
            return False

