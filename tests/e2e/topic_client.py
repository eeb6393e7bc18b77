"""Topics for the Python client, written from proto/PROTOCOL.md alone.

    client = Topics("tcp://127.0.0.1:7400")
    client.publish("news", [b"one", b"two"])
    sub = client.subscribe("news", "me")
    client.credit(sub, 10)
    for message in client.messages(2):
        client.finish(message)

It finds its broker once and does not subscribe again: who loses its connection makes a new one."""
import collections
import struct

from sheaf_client import ACCEPTED, PING, PONG, REPLY, Client, Refused

PUBLISH, SUBSCRIBE, CREDIT, SETTLE, UNSUBSCRIBE, TOPIC_OP, TOPIC_LIST = range(25, 32)
MESSAGES, TOPICS_INFO, MESSAGES_GONE = 43, 47, 48
CREATE, DELETE, EMPTY, PAUSE, RESUME, SET = range(1, 7)
FINISH, REQUEUE, TOUCH = 1, 2, 3
TIMEOUT, EMPTIED, DELETED, STALE = 1, 2, 3, 4

Delivered = collections.namedtuple("Delivered", "sub id attempts time_ns body run token place")
Gone = collections.namedtuple("Gone", "sub run token mask why")
Row = collections.namedtuple("Row", "topic channel flags consumers depth in_hand deferred messages bytes requeued "
                                    "timed_out dead kept keep_ms keep_bytes attempts dead_topic")


def pack(bodies):
    return b"".join(struct.pack(">I", len(b)) + b for b in bodies)


def unpack(packed):
    at = 0
    while at < len(packed):
        n, = struct.unpack_from(">I", packed, at)
        yield packed[at + 4:at + 4 + n]
        at += 4 + n


class Topics(Client):
    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.subs, self.came, self.gone, self.counted = 0, collections.deque(), [], 0

    def ask(self, kind, *body):
        """The answer to a request; what is delivered meanwhile is kept."""
        self.requests += 1
        self.send(self.socket, kind, self.requests, *body)
        while True:
            message = self.next(ACCEPTED, REPLY, TOPICS_INFO)
            if message.kind == ACCEPTED:
                for number, first, count, *_ in message.body[0]:
                    if number == self.requests:
                        return first, count
            elif message.number == self.requests:
                if message.kind == REPLY and message.body[0]:
                    raise Refused(message.body[0], message.body[1].decode())
                return message.body

    def next(self, *kinds):
        """The next message of one of these kinds. Deliveries go to self.came, what is taken back to self.gone."""
        while True:
            message = self.receive(self.socket, MESSAGES, MESSAGES_GONE, *kinds)
            if message.kind == MESSAGES:
                self.take_messages(message)
            elif message.kind == MESSAGES_GONE:
                self.gone += [Gone(*record[:5]) for record in message.body[0]]
            if message.kind in kinds:
                return message

    def take_messages(self, message):
        assert message.number == self.counted, f"{message.number} deliveries were sent before, {self.counted} came"
        for sub, run, token, mask, attempts, time_ns, packed, *_ in message.body[0]:
            places = [i for i in range(64) if mask >> i & 1]
            bodies = list(unpack(packed))
            assert len(places) == len(bodies) > 0, (mask, len(bodies))
            self.counted += 1
            self.came += [Delivered(sub, run * 64 + i, attempts, time_ns, b, run, token, i)
                          for i, b in zip(places, bodies)]

    def publish(self, topic, bodies, defer_ms=0):
        """The id of the first message, once all are durable."""
        return self.ask(PUBLISH, topic, self.requests, defer_ms, len(bodies), pack(bodies))[0]

    def subscribe(self, topic, channel, *terms, ready=0, window=1 << 40):
        """terms: the optional fields, from timeout_ms on. Returns the subscription's number."""
        self.subs += 1
        self.ask(SUBSCRIBE, self.subs, topic, channel, *terms)
        if ready:
            self.credit(self.subs, ready, window)
        return self.subs

    def credit(self, sub, ready, window=1 << 40):
        self.send(self.socket, CREDIT, 0, [[sub, ready, window]])

    def messages(self, n):
        """The next n messages, as they come."""
        for _ in range(n):
            while not self.came:
                self.next(MESSAGES)
            yield self.came.popleft()

    def quiet(self):
        """What has come, after the broker has answered a ping: no more is on its way for what was said before."""
        for _ in range(3):
            self.send(self.socket, PING, 1, 0, self.counted)
            self.next(PONG)
        came, self.came = list(self.came), collections.deque()
        return came

    def settle(self, verdict, *messages, delay_ms=0):
        for at in range(0, len(messages), 1024):
            self.send(self.socket, SETTLE, 0, [[m.run, m.token, 1 << m.place, verdict, delay_ms]
                                               for m in messages[at:at + 1024]])

    def finish(self, *messages):
        self.settle(FINISH, *messages)

    def requeue(self, message, delay_ms=0):
        self.settle(REQUEUE, message, delay_ms=delay_ms)

    def touch(self, message):
        self.settle(TOUCH, message)

    def taken_back(self):
        """The next thing that is no longer in our hands."""
        while not self.gone:
            self.next(MESSAGES_GONE)
        return self.gone.pop(0)

    def unsubscribe(self, sub):
        """What was finished before is durable behind this."""
        return self.ask(UNSUBSCRIBE, sub)

    def op(self, op, topic, channel="", *more):
        return self.ask(TOPIC_OP, topic, channel, op, *more)

    def topics(self, topic=""):
        """Rows by (topic, channel)."""
        rows, after = {}, 0
        while True:
            more, after, self.generation, records = self.ask(TOPIC_LIST, topic, after, 0)[:4]
            for record in records:
                row = Row(*(x.decode() if isinstance(x, bytes) else x for x in record[:17]))
                rows[row.topic, row.channel] = row
            if not more:
                return rows


__all__ = ["Topics", "Refused"]
