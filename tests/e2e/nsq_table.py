"""NSQ's protocol as tables: what a client sends (behind the magic), and what the server answers, as observed of nsqd
1.3.0. test_nsq_conformance.py makes a test of each line.

An answer is a response ("OK"), an error (begins with E_; "/" begins and ends a regular expression), or JSON, the
answer to IDENTIFY; a last END means that the server then closes. Without END the connection stays open, and still
serves."""
from nsq_client import i32, mpub_body, sized

END = "(closed)"
JSON = "(what was negotiated)"

ID = b"0123456789abcdef"
SUB = b"SUB pt ch\n"
LONG = "a" * 64
MESSAGE_MOST, BODY_MOST = 1048576, 5242880


def identify(text):
    return b"IDENTIFY\n" + sized(text)


def wish(key, value, **more):
    """IDENTIFY that negotiates, with one number."""
    return identify(b'{"feature_negotiation":true,"%s":%d}' % (key.encode(), value))


def pub(topic, body=b"x"):
    return b"PUB %s\n" % topic + sized(body)


def mpub(topic, *bodies):
    return b"MPUB %s\n" % topic + mpub_body(bodies)


def count_of(n):
    """An MPUB that claims n messages."""
    return b"MPUB pt\n" + sized(i32(n) + sized(b"x"))


def refuses(key, value, name):
    return f"IDENTIFY {key}={value}", wish(key, value), [f"E_BAD_BODY IDENTIFY {name} ({value}) is invalid", END]


# ---- what each state allows: init, subscribed, closing ----

STATES = {"init": (b"", []), "subscribed": (SUB, ["OK"]), "closing": (SUB + b"CLS\n", ["OK", "CLOSE_WAIT"])}


def no(command):
    return [f"E_INVALID cannot {command} in current state", END]


def not_in_flight(command):
    return [f"E_{command}_FAILED {command} {ID.decode()} failed ID not in flight"]


COMMANDS = [  # what is sent, and the answers in init, subscribed, closing
    ("IDENTIFY", identify(b"{}"), ["OK"], no("IDENTIFY"), no("IDENTIFY")),
    ("AUTH", b"AUTH\n" + sized(b"s"), ["E_AUTH_DISABLED AUTH disabled", END], no("AUTH"), no("AUTH")),
    ("SUB", b"SUB pt ch2\n", ["OK"], no("SUB"), no("SUB")),
    ("PUB", pub(b"st"), ["OK"], ["OK"], ["OK"]),
    ("MPUB", mpub(b"st", b"a", b"b"), ["OK"], ["OK"], ["OK"]),
    ("DPUB", b"DPUB st 1\n" + sized(b"x"), ["OK"], ["OK"], ["OK"]),
    ("NOP", b"NOP\n", [], [], []),
    ("RDY", b"RDY 1\n", no("RDY"), [], []),
    ("FIN", b"FIN " + ID + b"\n", no("FIN"), not_in_flight("FIN"), not_in_flight("FIN")),
    ("REQ", b"REQ " + ID + b" 0\n", no("REQ"), not_in_flight("REQ"), not_in_flight("REQ")),
    ("TOUCH", b"TOUCH " + ID + b"\n", no("TOUCH"), not_in_flight("TOUCH"), not_in_flight("TOUCH")),
    ("CLS", b"CLS\n", no("CLS"), ["CLOSE_WAIT"], no("CLS")),
]

# ---- vectors ----

BAD_JSON = ["E_BAD_BODY IDENTIFY failed to decode JSON body", END]

VECTORS = [
    ("an empty line", b"\n", ["E_INVALID invalid command ", END]),
    ("lower case", b"pub t\n", ["E_INVALID invalid command pub", END]),
    ("a carriage return before the newline", b"NOP\r\nFOO\r\n", ["E_INVALID invalid command FOO", END]),
    ("a line of 17,000 without an end", b"x" * 17000, [END]),
    ("a line of 17,000", b"x" * 17000 + b"\n", [END]),
    ("a line of 16,000", b"FOO " + b"x" * 15996 + b"\n", ["E_INVALID invalid command FOO", END]),
    ("several commands at once", pub(b"pt") + b"NOP\n" + mpub(b"pt", b"a") + b"FOO\n",
     ["OK", "OK", "E_INVALID invalid command FOO", END]),
    ("nothing after an error counts", b"FOO\n" + pub(b"pt"), ["E_INVALID invalid command FOO", END]),

    ("IDENTIFY without negotiation", identify(b'{"client_id":"a","tls_v1":true,"snappy":true}'), ["OK"]),
    ("IDENTIFY with negotiation", identify(b'{"feature_negotiation":true}'), [JSON]),
    ("IDENTIFY twice", identify(b"{}") * 2, ["OK", "OK"]),
    ("IDENTIFY with unknown keys", identify(b'{"short_id":"a","long_id":"b","nested":{"a":[1,null]}}'), ["OK"]),
    ("IDENTIFY with bad JSON", identify(b"{"), BAD_JSON),
    ("IDENTIFY with an array", identify(b"[]"), BAD_JSON),
    ("IDENTIFY with a wrong type", identify(b'{"heartbeat_interval":"x"}'), BAD_JSON),
    ("IDENTIFY, empty body", b"IDENTIFY\n" + sized(b""), ["E_BAD_BODY IDENTIFY invalid body size 0", END]),
    ("IDENTIFY, negative size", b"IDENTIFY\n" + i32(-1), ["E_BAD_BODY IDENTIFY invalid body size -1", END]),
    ("IDENTIFY, too big", b"IDENTIFY\n" + i32(BODY_MOST + 1),
     [f"E_BAD_BODY IDENTIFY body too big {BODY_MOST + 1} > {BODY_MOST}", END]),
    refuses("heartbeat_interval", 999, "heartbeat interval"),
    refuses("heartbeat_interval", 60001, "heartbeat interval"),
    refuses("heartbeat_interval", -2, "heartbeat interval"),
    refuses("output_buffer_size", 63, "output buffer size"),
    refuses("output_buffer_size", 65537, "output buffer size"),
    refuses("output_buffer_timeout", 24, "output buffer timeout"),
    refuses("output_buffer_timeout", 30001, "output buffer timeout"),
    refuses("sample_rate", 100, "sample rate"),
    refuses("sample_rate", -1, "sample rate"),
    refuses("msg_timeout", 999, "msg timeout"),
    refuses("msg_timeout", 900001, "msg timeout"),
    ("IDENTIFY, the ends of what is allowed",
     identify(b'{"heartbeat_interval":1000,"output_buffer_size":64,"output_buffer_timeout":25,"sample_rate":99,'
              b'"msg_timeout":900000}') + identify(b'{"heartbeat_interval":60000,"output_buffer_size":-1,'
                                                   b'"output_buffer_timeout":-1,"sample_rate":0,"msg_timeout":1000}'),
     ["OK", "OK"]),
    ("IDENTIFY, the first thing that is wrong is named",
     identify(b'{"msg_timeout":1,"sample_rate":100,"output_buffer_size":1,"output_buffer_timeout":1,'
              b'"heartbeat_interval":1}'), ["E_BAD_BODY IDENTIFY heartbeat interval (1) is invalid", END]),
    ("IDENTIFY, snappy and deflate", identify(b'{"feature_negotiation":true,"snappy":true,"deflate":true}'),
     ["E_IDENTIFY_FAILED cannot enable both deflate and snappy compression", END]),

    ("SUB without parameters", b"SUB\n", ["E_INVALID SUB insufficient number of parameters", END]),
    ("SUB with one", b"SUB pt\n", ["E_INVALID SUB insufficient number of parameters", END]),
    ("SUB, a bad topic", b"SUB a$ ch\n", ['E_BAD_TOPIC SUB topic name "a$" is not valid', END]),
    ("SUB, a bad channel", b"SUB pt b$\n", ['E_BAD_CHANNEL SUB channel name "b$" is not valid', END]),
    ("SUB, two spaces", b"SUB  pt ch\n", ['E_BAD_TOPIC SUB topic name "" is not valid', END]),
    ("SUB, one parameter more", b"SUB pt ch more\n", ["OK"]),
    ("SUB without heartbeats", identify(b'{"heartbeat_interval":-1}') + SUB,
     ["OK", "E_INVALID cannot SUB with heartbeats disabled", END]),

    ("AUTH with parameters", b"AUTH x\n" + sized(b"s"), ["E_INVALID AUTH invalid number of parameters", END]),
    ("AUTH, empty", b"AUTH\n" + sized(b""), ["E_BAD_BODY AUTH invalid body size 0", END]),

    ("RDY without a count", SUB + b"RDY\n", ["OK"]),
    ("RDY 0 and the most", SUB + b"RDY 0\nRDY 2500\n", ["OK"]),
    ("RDY, negative", SUB + b"RDY -1\n", ["OK", "E_INVALID RDY could not parse count -1", END]),
    ("RDY, too much", SUB + b"RDY 2501\n", ["OK", "E_INVALID RDY count 2501 out of range 0-2500", END]),
    ("RDY, no number", SUB + b"RDY abc\n", ["OK", "E_INVALID RDY could not parse count abc", END]),
    ("FIN, a short id", SUB + b"FIN 0123\n", ["OK", "E_INVALID invalid message ID", END]),
    ("FIN without an id", SUB + b"FIN\n", ["OK", "E_INVALID FIN insufficient number of params", END]),
    ("REQ without a delay", SUB + b"REQ " + ID + b"\n", ["OK", "E_INVALID REQ insufficient number of params", END]),
    ("REQ, no number", SUB + b"REQ " + ID + b" x\n", ["OK", "E_INVALID REQ could not parse timeout x", END]),
    ("REQ, negative", SUB + b"REQ " + ID + b" -1\n", ["OK", "E_INVALID REQ could not parse timeout -1", END]),
    ("REQ, a short id", SUB + b"REQ 0123 0\n", ["OK", "E_INVALID invalid message ID", END]),
    ("TOUCH without an id", SUB + b"TOUCH\n", ["OK", "E_INVALID TOUCH insufficient number of params", END]),
    ("TOUCH, a short id", SUB + b"TOUCH 0123\n", ["OK", "E_INVALID invalid message ID", END]),
    ("an id that nobody has", SUB + b"FIN zzzzzzzzzzzzzzzz\nREQ " + ID + b" 5\nTOUCH " + ID + b"\n",
     ["OK", "E_FIN_FAILED FIN zzzzzzzzzzzzzzzz failed ID not in flight", *not_in_flight("REQ"),
      *not_in_flight("TOUCH")]),

    ("PUB without a topic", b"PUB\n", ["E_INVALID PUB insufficient number of parameters", END]),
    ("PUB, a bad topic", pub(b"a$"), ['E_BAD_TOPIC PUB topic name "a$" is not valid', END]),
    ("PUB, empty", pub(b"pt", b""), ["E_BAD_MESSAGE PUB invalid message body size 0", END]),
    ("PUB, negative size", b"PUB pt\n" + i32(-1), ["E_BAD_MESSAGE PUB invalid message body size -1", END]),
    ("PUB, too big", b"PUB pt\n" + i32(MESSAGE_MOST + 1),
     [f"E_BAD_MESSAGE PUB message too big {MESSAGE_MOST + 1} > {MESSAGE_MOST}", END]),
    ("PUB, as big as may be", pub(b"big#ephemeral", b"x" * MESSAGE_MOST), ["OK"]),
    ("PUB, one parameter more", b"PUB pt more\n" + sized(b"x"), ["OK"]),
    ("PUB, a topic of 64", pub(LONG.encode()), ["OK"]),
    ("PUB, a topic of 65", pub(LONG.encode() + b"a"), [f'E_BAD_TOPIC PUB topic name "{LONG}a" is not valid', END]),
    ("PUB, 54 and #ephemeral", pub(b"a" * 54 + b"#ephemeral"), ["OK"]),
    ("PUB, 55 and #ephemeral", pub(b"a" * 55 + b"#ephemeral"),
     [f'E_BAD_TOPIC PUB topic name "{"a" * 55}#ephemeral" is not valid', END]),
    ("PUB, #ephemeral alone", pub(b"#ephemeral"), ['E_BAD_TOPIC PUB topic name "#ephemeral" is not valid', END]),
    ("PUB, another #", pub(b"a#eph"), ['E_BAD_TOPIC PUB topic name "a#eph" is not valid', END]),
    ("PUB, all that a name may hold", pub(b".aZ0_-"), ["OK"]),

    ("MPUB", mpub(b"pt", b"a", b"bb"), ["OK"]),
    ("MPUB without a topic", b"MPUB\n", ["E_INVALID MPUB insufficient number of parameters", END]),
    ("MPUB, a bad topic", mpub(b"a$", b"a"),
     [r'/E_BAD_TOPIC (E_BAD_TOPIC )?MPUB topic name "a\$" is not valid/', END]),
    ("MPUB, empty body", b"MPUB pt\n" + i32(0), ["E_BAD_BODY MPUB invalid body size 0", END]),
    ("MPUB, negative size", b"MPUB pt\n" + i32(-5), ["E_BAD_BODY MPUB invalid body size -5", END]),
    ("MPUB, too big", b"MPUB pt\n" + i32(BODY_MOST + 1),
     [f"E_BAD_BODY MPUB body too big {BODY_MOST + 1} > {BODY_MOST}", END]),
    ("MPUB, no messages", count_of(0), ["E_BAD_BODY MPUB invalid message count 0", END]),
    ("MPUB, too many", count_of((BODY_MOST - 4) // 5 + 1),
     [f"E_BAD_BODY MPUB invalid message count {(BODY_MOST - 4) // 5 + 1}", END]),
    ("MPUB, a negative count", count_of(-1), ["E_BAD_BODY MPUB invalid message count -1", END]),
    ("MPUB, an empty message", mpub(b"pt", b"a", b""), ["E_BAD_MESSAGE MPUB invalid message(1) body size 0", END]),
    ("MPUB, a message that is too big", b"MPUB pt\n" + i32(2000000) + i32(1) + i32(MESSAGE_MOST + 1) + b"x" * 1999992,
     [f"E_BAD_MESSAGE MPUB message too big {MESSAGE_MOST + 1} > {MESSAGE_MOST}", END]),
    # The size of the body is looked at, but not compared with what is in it: the messages' own sizes count, as in
    # nsqd. Some clients live on that: squeaky, from npm, sends the sum of the messages without their sizes.
    ("MPUB, the size of the body leaves out what is not message", b"MPUB pt\n" + i32(2) + i32(2) + sized(b"a") +
     sized(b"b") + b"NOP\n", ["OK"]),
    ("MPUB, messages that are more than a body may be",
     b"MPUB pt\n" + i32(100) + i32(6) + sized(b"x" * 1000000) * 6, ["/E_BAD_BODY MPUB .*/", END]),

    ("DPUB", b"DPUB pt 100\n" + sized(b"x"), ["OK"]),
    ("DPUB, the longest", b"DPUB dt 3600000\n" + sized(b"x"), ["OK"]),
    ("DPUB, longer", b"DPUB pt 3600001\n" + sized(b"x"),
     ["E_INVALID DPUB timeout 3600001 out of range 0-3600000", END]),
    ("DPUB, negative", b"DPUB pt -1\n" + sized(b"x"), ["E_INVALID DPUB could not parse timeout -1", END]),
    ("DPUB without a delay", b"DPUB pt\n" + sized(b"x"), ["E_INVALID DPUB insufficient number of parameters", END]),
    ("DPUB, empty", b"DPUB pt 1\n" + sized(b""), ["E_BAD_MESSAGE DPUB invalid message body size 0", END]),
    ("DPUB, too big", b"DPUB pt 1\n" + i32(MESSAGE_MOST + 1),
     [f"E_BAD_MESSAGE DPUB message too big {MESSAGE_MOST + 1} > {MESSAGE_MOST}", END]),
    ("DPUB, a bad topic", b"DPUB t$ 1\n" + sized(b"x"), ['E_BAD_TOPIC DPUB topic name "t$" is not valid', END]),
]

# What IDENTIFY is answered with, all keys; None: looked at elsewhere.
NEGOTIATED = {"max_rdy_count": 2500, "version": None, "max_msg_timeout": 900000, "msg_timeout": 60000, "tls_v1": False,
              "deflate": False, "deflate_level": 6, "max_deflate_level": 6, "snappy": False, "sample_rate": 0,
              "auth_required": False, "output_buffer_size": 16384, "output_buffer_timeout": 250,
              "topology_region": "", "topology_zone": ""}
