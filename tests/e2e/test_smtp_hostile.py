"""Hostile input, over the wire, as a table: what a client can send to break the conversation, or to get at the jobs of
others. What needs a clock, TLS or a crowd is in test_smtp_abuse.py."""
import re

from smtp_client import Wire
from smtp_jobs import mail_of
from smtp_rig import SmtpCase

HELLO = b"EHLO client.test\r\n"
MAIL = b"MAIL FROM:<evil@client.test>\r\n"
RCPT = b"RCPT TO:<q@localhost>\r\n"
BEGIN = {"": ([], b""), "E": ([250], HELLO), "P": ([250, 250, 250], HELLO + MAIL + RCPT),
         "D": ([250, 250, 250, 354], HELLO + MAIL + RCPT + b"DATA\r\n")}
SMUGGLED = MAIL + RCPT + b"DATA\r\nsmuggled\r\n.\r\n"
CLOSED = object()  # in place of replies: the connection is closed, and nothing but what is named is said
MIB = 1 << 20


class Row:
    """begin: what is said before, of BEGIN. replies: to data; CLOSED at their end: then it closes, else it lives.
    mails: what is in the queue then. size: bytes of a packet. fin: the client ends its side."""

    def __init__(self, name, begin, data, replies, mails=(), size=None, fin=False):
        self.name, self.data, self.mails, self.size, self.fin = name, data, list(mails), size, fin
        before, self.begin = BEGIN[begin]
        self.closes = CLOSED in replies
        self.before, self.replies = before, [r for r in replies if r is not CLOSED]


BARE = ["550 5.5.2", CLOSED]
TABLE = [
    Row("bare LF around the dot", "D", b"x\n.\n" + SMUGGLED, BARE),
    Row("bare LF before the dot", "D", b"x\n.\r\n" + SMUGGLED, BARE),
    Row("bare LF behind the dot", "D", b"x\r\n.\n" + SMUGGLED, BARE),
    Row("CR behind the dot", "D", b"x\r\n.\r\r\n" + SMUGGLED, BARE),
    Row("NUL behind the dot", "D", b"x\r\n.\0\r\n" + SMUGGLED, BARE),
    Row("bare CR in a line", "D", b"a\rb\r\n.\r\n" + SMUGGLED, BARE),
    Row("bare LF in a header", "D", b"a: b\nc: d\r\n\r\n.\r\n" + SMUGGLED, BARE),
    Row("bare LF, a byte a packet", "D", b"x\n.\r\nQUIT\r\n", BARE, size=1),
    Row("bare LF ends a command", "E", b"NOOP\n" + SMUGGLED, BARE),
    Row("bare CR in a command", "E", b"NO\rOP\r\n" + SMUGGLED, BARE),
    Row("NUL in a command", "E", b"NOOP\0\r\n" + SMUGGLED, BARE),
    Row("bare LF in BDAT", "P", b"BDAT 4 LAST\r\na\nb\n" + SMUGGLED, BARE),
    Row("two dots", "D", b"..x\r\n.\r\n", [250], [b".x\r\n"]),
    Row("a dot alone", "D", b".\r\n", [250], [b""]),
    Row("two dots, a byte a packet", "D", b"..x\r\n.\r\n", [250], [b".x\r\n"], size=1),
    Row("an empty line, a byte a packet", "D", b"\r\n.\r\n", [250], [b"\r\n"], size=1),
    Row("everything in one write", "D", b"a\r\n.\r\n" + MAIL + RCPT + b"DATA\r\nb\r\n.\r\n",
        [250, 250, 250, 354, 250], [b"a\r\n", b"b\r\n"]),
    Row("half a body, then FIN", "D", b"half a b", [CLOSED], fin=True),
    Row("a body without its dot, then FIN", "D", b"half\r\n", [CLOSED], fin=True),
    Row("a command without its end, then FIN", "P", b"DATA", [CLOSED], fin=True),
    Row("half a chunk, then FIN", "P", b"BDAT 10 LAST\r\nabc", [CLOSED], fin=True),
    Row("a line of 10 MB", "D", b"x" * (10 * MIB) + b"\r\n.\r\n", [250], [b"x" * (10 * MIB) + b"\r\n"]),
    Row("a line of 100 MB", "D", b"x" * (100 * MIB) + b"\r\n.\r\n", ["552 5.3.4"]),
    Row("a size that overflows", "E", b"MAIL FROM:<a@b> SIZE=99999999999999999999\r\n", [("501", "552 5.3.4")]),
    Row("a size over the limit", "E", b"MAIL FROM:<a@b> SIZE=99999999999\r\n", ["552 5.3.4"]),
    Row("a body larger than its size", "E", b"MAIL FROM:<a@b> SIZE=1\r\n" + RCPT + b"DATA\r\nabc\r\nNOOP\r\n.\r\n",
        [250, 250, 354, "552 5.3.4"]),
    Row("BDAT that overflows", "P", b"BDAT 18446744073709551616 LAST\r\n", [501, CLOSED]),
    Row("BDAT without a number", "P", b"BDAT -1\r\n", [501, CLOSED]),
    Row("BDAT FIRST", "P", b"BDAT 5 FIRST\r\n", [501, CLOSED]),
    Row("BDAT before RCPT", "E", b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", ["503 5.5.1", 250]),
    Row("DATA behind BDAT", "P", b"BDAT 3\r\na\r\nDATA\r\nBDAT 3 LAST\r\nb\r\n", [250, "503 5.5.1", 250],
        [b"a\r\nb\r\n"]),
    Row("dots in BDAT", "P", b"BDAT 7 LAST\r\n..\r\n.\r\n", [250], [b"..\r\n.\r\n"]),
    Row("queues that are paths", "E", MAIL + b"RCPT TO:<../../etc/x@localhost>\r\nRCPT TO:<a|sh@localhost>\r\n"
        b"RCPT TO:<\"q;reboot\"@localhost>\r\nRCPT TO:<q%00@localhost>\r\nDATA\r\n",
        [250, 550, 550, 550, 550, "554 5.5.1"]),
    Row("relaying", "E", MAIL + b"RCPT TO:<q@elsewhere.test>\r\nRCPT TO:<q%elsewhere.test@localhost>\r\n"
        b"RCPT TO:<\"q@elsewhere.test\"@localhost>\r\nRCPT TO:<@localhost:q@elsewhere.test>\r\n",
        [250, "550 5.7.1", 550, 550, "550 5.7.1"]),
    Row("options out of range", "E", MAIL + b"RCPT TO:<q+priority=10@localhost>\r\nRCPT TO:<q+delay=x@localhost>\r\n"
        b"RCPT TO:<q+nice=1@localhost>\r\n", [250, "550 5.1.3", "550 5.1.3", "550 5.1.3"]),
    Row("senders that are none", "E", b'MAIL FROM:<\r\nMAIL FROM:<@@>\r\nMAIL FROM:<"a\\\r\nMAIL FROM:<a b>\r\n',
        [501, 501, 501, 501]),
    Row("a sender that is not ASCII", "E", "MAIL FROM:<jürgen@x>\r\n".encode(), ["553 5.6.7"]),
    Row("parameters that are not known", "E", b"MAIL FROM:<a@b> RET=FULL\r\nMAIL FROM:<a@b> SIZE\r\n",
        ["555 5.5.4", 501]),
    Row("long names", "E", b"MAIL FROM:<" + b"a" * 65 + b"@b>\r\nMAIL FROM:<a@" + b"b." * 127 + b"bb>\r\n"
        + MAIL + b"RCPT TO:<" + b"q" * 65 + b"@localhost>\r\n", [501, 501, 250, (501, 550)]),
    Row("order", "", b"MAIL FROM:<a@b>\r\n" + HELLO + b"DATA\r\nRCPT TO:<q@localhost>\r\n" + MAIL + MAIL + b"DATA\r\n",
        ["503 5.5.1", 250, "503 5.5.1", "503 5.5.1", 250, "503 5.5.1", ("503 5.5.1", "554 5.5.1")]),
    Row("no TLS here", "E", b"STARTTLS\r\nAUTH PLAIN AGEAYg==\r\nBLURB\r\n\r\n",
        [(454, 502, 500), (502, 538, 500), 500, 500]),
    Row("HTTP", "", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" + HELLO + SMUGGLED, ["421", CLOSED]),
    Row("HTTP, POST", "", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200\r\n\r\n" + HELLO + SMUGGLED,
        ["421", CLOSED]),
    Row("PROXY without trust", "", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n" + HELLO + SMUGGLED,
        [(421, 500, 550, 554), CLOSED]),
    Row("50,000 header lines", "D", b"X-A: b\r\n" * 50000 + b"\r\n.\r\n", ["554"]),
    Row("headers of 100 KB in a line", "D", b"X-A: " + b"b" * 200000 + b"\r\n\r\n.\r\n", ["554"]),
    Row("51 hops", "D", b"Received: from a by b; date\r\n" * 51 + b"\r\n.\r\n", ["554 5.4.6"]),
    Row("50 hops", "D", b"Received: from a by b\r\n" * 50 + b"\r\n.\r\n", [250],
        [b"Received: from a by b\r\n" * 50 + b"\r\n"]),
]


class Table(SmtpCase):
    TIMEOUT = 120

    def conversation(self, row):
        """The replies to row.data, and whether it was closed; QUIT is said where it should live."""
        with Wire(self.rig.smtp) as c:
            c.expect(220)
            c.send(row.begin)
            c.expect(*row.before)
            c.send_as_far_as_it_goes(row.data + (b"" if row.closes or row.fin else b"QUIT\r\n"), row.size)
            if row.fin:
                c.shut()
            return c.closed()

    def check(self, row):
        replies = self.conversation(row)
        wants = row.replies + ([] if row.closes else ["221 2.0.0"])
        self.assertEqual(len(replies), len(wants), f"{replies}, not {wants}")
        for got, want in zip(replies, wants):
            self.assertTrue(got.is_a(want), f"{got!r}, not {want}, of {replies}")
        if row.mails is not None:
            self.assertEqual([mail_of(j) for j in self.jobs("q")], row.mails)


def add_rows():
    for n, row in enumerate(TABLE):
        def test(self, row=row):
            self.check(row)
        setattr(Table, f"test_{n:02}_" + re.sub(r"\W+", "_", row.name), test)


add_rows()


if __name__ == "__main__":
    import unittest
    unittest.main()
