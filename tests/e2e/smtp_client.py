"""A client of SMTP and LMTP that does exactly what it is told, byte for byte, to test a server with.

    c = Wire("127.0.0.1:2525")
    c.expect(220)
    c.say("EHLO test", 250)
    c.send(b"MAIL FROM:<a@x>\\r\\nRCPT TO:<q@localhost>\\r\\nDATA\\r\\n")
    c.expect(250, 250, 354)

An address is HOST:PORT, or the path of a Unix socket."""
import re
import socket
import ssl
import struct

from harness import PATIENCE

CRLF = b"\r\n"


class Gone(Exception):
    """The server has closed, or reset, the connection."""


class Unexpected(AssertionError):
    """Another reply came than the one that was waited for."""


class Reply:
    def __init__(self, lines):
        self.code, self.lines = int(lines[0][:3]), [x[4:] for x in lines]
        self.text = "\n".join(self.lines)
        found = re.match(r"([245]\.\d{1,3}\.\d{1,3})(?: |$)", self.lines[0])
        self.status = found.group(1) if found else ""  # the enhanced status code

    def __repr__(self):
        return f"{self.code} {self.text}"

    def is_a(self, want):
        """want: a code, "550 5.1.1", "452", or a tuple of them."""
        if isinstance(want, tuple):
            return any(self.is_a(w) for w in want)
        code, _, status = str(want).partition(" ")
        return self.code == int(code) and status in ("", self.status)

    def ids(self):
        """Of the 250 after a mail: its jobs."""
        found = re.fullmatch(r"2\.0\.0 (?:<.*> )?queued as ((?:\d+ ?)+)(?:and \d+ more)?", self.lines[-1])
        if not found:
            raise AssertionError(f"no ids in {self!r}")
        return [int(i) for i in found.group(1).split()]


def connect(address, source=None):
    if address.startswith("/"):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE)
        s.connect(address)
        return s
    host, _, port = address.rpartition(":")
    s = socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE,
                                 source_address=(source, 0) if source else None)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


class Wire:
    def __init__(self, address, tls=None, source=None):
        """tls: an SSLContext, for implicit TLS. source: the address that it comes from."""
        self.s, self.inbox, self.address = connect(address, source), b"", address
        if tls:
            self.start_tls(tls)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def start_tls(self, context):
        """Shakes hands; what had come before it in clear is thrown away."""
        self.s, self.inbox = context.wrap_socket(self.s, server_hostname="localhost"), b""

    def send(self, data, size=None):
        """Sends all of it, `size` bytes in each packet. Gone if the server has closed."""
        try:
            for at in range(0, len(data), size or len(data) or 1):
                self.s.sendall(data[at:at + (size or len(data))])
        except (ConnectionError, ssl.SSLError) as e:
            raise Gone(str(e)) from e

    def send_as_far_as_it_goes(self, data, size=None):
        try:
            self.send(data, size)
        except Gone:
            pass

    def line(self):
        while CRLF not in self.inbox:
            try:
                got = self.s.recv(65536)
            except (ConnectionError, ssl.SSLError) as e:
                raise Gone(str(e)) from e
            if not got:
                raise Gone(f"closed; what was left: {self.inbox!r}")
            self.inbox += got
        line, _, self.inbox = self.inbox.partition(CRLF)
        return line.decode()

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        if not all(re.fullmatch(r"[2-5]\d\d[ -].*", x) and x[:3] == lines[0][:3] for x in lines):
            raise Unexpected(f"no reply: {lines}")
        if any(len(x.encode()) > 510 for x in lines):
            raise Unexpected(f"a reply's line is longer than 512 bytes: {lines}")
        return Reply(lines)

    def expect(self, *wants):
        """Reads a reply for each; the last one. A want is as Reply.is_a has it."""
        got = None
        for n, want in enumerate(wants):
            got = self.reply()
            if not got.is_a(want):
                raise Unexpected(f"reply {n + 1} of {len(wants)} is {got!r}, not {want}")
        return got

    def say(self, line, want):
        self.send((line if isinstance(line, bytes) else line.encode()) + CRLF)
        return self.expect(want)

    def hello(self, verb="EHLO"):
        """Greeting and EHLO; the capabilities: {"SIZE": "1000", "PIPELINING": ""}."""
        self.expect(220)
        return self.capabilities(verb)

    def capabilities(self, verb="EHLO"):
        got = self.say(f"{verb} client.test", 250)
        return dict((x + " ").split(" ", 1) for x in got.lines[1:])

    def envelope(self, *rcpts, sender="sender@client.test", parameters=""):
        self.say(f"MAIL FROM:<{sender}>{parameters}", 250)
        for r in rcpts:
            self.say(f"RCPT TO:<{r}>", 250)

    def data(self, mail, want=250):
        self.say("DATA", 354)
        self.send(stuffed(mail))
        return self.expect(want)

    def mail(self, rcpt, mail, want=250, **more):
        self.envelope(*([rcpt] if isinstance(rcpt, str) else rcpt), **more)
        return self.data(mail, want)

    def closed(self):
        """Waits until the server closes; the replies that came before."""
        replies = []
        try:
            while True:
                replies.append(self.reply())
        except Gone:
            return replies

    def shut(self):
        """Tells the server that nothing more comes."""
        self.s.shutdown(socket.SHUT_WR)

    def reset(self):
        """Closes with RST."""
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.s.close()

    def close(self):
        self.s.close()


def stuffed(mail):
    """A mail as DATA sends it, with its end. Its lines end in CRLF."""
    assert mail == b"" or mail.endswith(CRLF), mail[-20:]
    return re.sub(rb"(?m)^\.", b"..", mail) + b".\r\n"
