"""A client and a worker for Sheaf in plain Python, written from proto/PROTOCOL.md alone, to test that page.

    client = Client("tcp://127.0.0.1:7400")
    first, = client.submit("mail", [b"hello"])
    print(client.wait([first])[first].result)

    Worker("tcp://127.0.0.1:7402", ["mail"], bytes.upper).run(jobs=1)

It keeps to what a well-behaved network needs: it finds its broker once, and does not send anything again."""
import collections
import os
import time

import msgpack
import zmq

CLIENT_HELLO, SUBMIT, WAIT, RESULT_GET, PING, CLIENT_BYE, SUBMIT_ALL = 1, 2, 3, 4, 11, 15, 113
CLIENT_WELCOME, ACCEPTED, RESULTS, REPLY, PONG, ALL_ACCEPTED = 32, 33, 34, 35, 36, 49
WORKER_HELLO, WORKER_READY, BEAT, RETURN, WORKER_BYE, PROGRESS = 64, 65, 66, 67, 68, 69
WORKER_WELCOME, BEAT_ANSWER, SETTLED, RECALL, REVOKE, NO_SESSION = 80, 81, 82, 83, 84, 85
JOBS_WELCOME, JOBS, OUTCOMES = 96, 97, 112
DONE = 5  # a job's state

Message = collections.namedtuple("Message", "version kind shard epoch session number body")
Result = collections.namedtuple("Result", "id state attempt exit gone submitted_ms started_ms finished_ms error result")
Welcome = collections.namedtuple("Welcome", "version features results workers payload_max records_max waits_max "
                                            "beat_ms software")


class Refused(Exception):
    """The broker said no: error number and text; `value` is what else it said."""
    value = 0


class Peer:
    """What both have in common: a session, and messages that are one frame each."""

    def __init__(self, seconds, keys):
        """keys: the broker's public key, and our own public and secret ones, or None."""
        self.keys = keys
        self.context, self.seconds, self.session, self.epoch, self.sockets = zmq.Context(), seconds, 0, 0, []

    def connect(self, kind, endpoint):
        socket = self.context.socket(kind)
        socket.linger = 0
        if self.keys:
            socket.curve_serverkey, socket.curve_publickey, socket.curve_secretkey = self.keys
        socket.connect(endpoint)
        self.sockets.append(socket)
        return socket

    def send(self, socket, kind, number, *body):
        socket.send(msgpack.packb([1, kind, 0, self.epoch, self.session, number, *body]))

    def receive(self, socket, *kinds):
        """The next message of one of these kinds; others are passed over."""
        end = time.monotonic() + self.seconds
        while socket.poll(max(0, int(1000 * (end - time.monotonic())))):
            head = msgpack.unpackb(socket.recv(), raw=True)
            message = Message(*head[:6], head[6:])
            if message.kind in kinds:
                return message
            if message.kind == REPLY and message.body[0]:
                refused = Refused(message.body[0], message.body[1].decode())
                refused.value = message.body[2]
                raise refused
        raise TimeoutError(f"none of the messages {kinds} came")

    def close(self):
        for socket in self.sockets:
            socket.close(linger=1000)
        self.context.term()


class Client(Peer):
    def __init__(self, endpoint, name="python", seconds=30, keys=None):
        super().__init__(seconds, keys)
        self.session = int.from_bytes(os.urandom(8), "little") | 1
        self.socket, self.requests, self.asked, self.results = self.connect(zmq.DEALER, endpoint), 0, set(), {}
        self.send(self.socket, CLIENT_HELLO, 0, 1, 1, 0, name)
        message = self.receive(self.socket, CLIENT_WELCOME)
        self.epoch, self.welcome = message.epoch, Welcome(*message.body[:9])

    def submit(self, queue, payloads, priority=4, attempts=1, headers=b"", batch=0, terms=(), want=True):
        """Submits a job for each payload; returns their ids, once they are durable. `terms`: the optional fields, from
        delay_ms on."""
        self.requests += 1
        self.send(self.socket, SUBMIT, self.requests, queue, int(want), priority, attempts, 0, batch, self.requests - 1,
                  headers, list(payloads), *terms)
        while True:
            message = self.receive(self.socket, ACCEPTED, RESULTS)
            if message.kind == RESULTS:
                self.take(message)
            for number, first, count, *_ in message.body[0] if message.kind == ACCEPTED else ():
                if number == self.requests:
                    self.asked.update(range(first, first + count) if want else ())
                    return range(first, first + count)

    def submit_all(self, parts, again=0):
        """Submits a job for each part, all or none; returns their ids. A part is a dict: queue, payload or same (the
        number of an earlier part, from 1), and create, priority, attempts, lease_ms, delay_ms, within_ms, key, headers.
        `again`: the number of a request that is sent once more."""
        self.requests += not again
        number = again or self.requests
        fields = {"queue": "", "create": 0, "priority": 4, "attempts": 0, "lease_ms": 0, "delay_ms": 0, "within_ms": 0,
                  "key": b"", "headers": b"", "same": 0, "payload": b""}
        self.send(self.socket, SUBMIT_ALL, number, 0, [list({**fields, **part}.values()) for part in parts])
        while True:
            message = self.receive(self.socket, ALL_ACCEPTED)
            if message.number == number:
                return message.body[0]

    def take(self, message):
        for record in message.body[1]:
            self.results[record[0]] = Result(*record[:10])

    def wait(self, ids):
        """The results of these jobs, by id. They were asked for by submit(); WAIT asks for those of others."""
        others = [i for i in ids if i not in self.asked]
        for at in range(0, len(others), 1024):
            self.send(self.socket, WAIT, 0, 0, others[at:at + 1024])
        missing = {i for i in ids if i not in self.results}
        while missing:  # who reads slowly loses results
            message = self.receive(self.socket, RESULTS)
            self.take(message)
            missing.difference_update(record[0] for record in message.body[1])
        self.asked.difference_update(ids)
        return {i: self.results.pop(i) for i in ids}

    def ping(self):
        """The number of results that the broker has pushed."""
        self.send(self.socket, PING, 1, 0)
        return self.receive(self.socket, PONG).body[0]

    def bye(self):
        self.send(self.socket, CLIENT_BYE, 0)
        self.close()


class Worker(Peer):
    """Runs function(payload) -> bytes for each job; an exception is a failed attempt."""

    def __init__(self, endpoint, queues, function, name="python", slots=1, seconds=30, keys=None):
        super().__init__(seconds, keys)
        self.function, self.beats, self.received, self.sent, self.settled, self.lost = function, 0, 0, 0, 0, []
        self.control = self.connect(zmq.DEALER, endpoint)
        instance = int.from_bytes(os.urandom(8), "little") | 1
        self.send(self.control, WORKER_HELLO, 0, 1, 1, 0, instance, name, slots, queues, [])
        message = self.receive(self.control, WORKER_WELCOME)
        self.session, self.epoch = message.session, message.epoch
        _, _, jobs, results, beat_ms, _, _, *_ = message.body
        self.jobs, self.outcomes = (self.connect(kind, self.beside(where.decode(), endpoint))
                                    for kind, where in ((zmq.PULL, jobs), (zmq.PUSH, results)))
        self.beat_s, self.window, self.next_beat = beat_ms / 1000, 2 * slots, 0
        self.send(self.control, WORKER_READY, 0, self.receive(self.jobs, JOBS_WELCOME).body[0])

    @staticmethod
    def beside(endpoint, dialled):
        """The endpoint, with the host that was dialled in place of a wildcard."""
        host, _, port = endpoint[len("tcp://"):].rpartition(":")
        return f"{dialled.rpartition(':')[0]}:{port}" if host in ("*", "0.0.0.0", "[::]") else endpoint

    def beat(self, started=()):
        self.beats += 1
        self.send(self.control, BEAT, self.beats, self.window, 1 << 24, self.received, self.lost, list(started))
        self.next_beat = time.monotonic() + self.beat_s

    def listen(self):
        """Takes what has come on control. This worker runs a job at once, so it has nothing to give back."""
        while self.control.poll(0):
            message = self.receive(self.control, BEAT_ANSWER, SETTLED, RECALL, REVOKE, NO_SESSION)
            if message.kind in (BEAT_ANSWER, SETTLED):
                self.settled = max(self.settled, message.body[0])
            if message.kind == NO_SESSION:
                raise Refused(0, "the broker has forgotten this worker")
            if message.kind == BEAT_ANSWER and message.number == self.beats:
                self.lost = []

    def outcome(self, job, token, payload):
        self.beat([token])
        self.send(self.control, PROGRESS, 0, [[job, token, 0, "begun"]])
        began = time.monotonic()
        try:
            verdict, status, error, result = 1, 0, b"", self.function(payload)
        except Exception as e:  # whatever the function raises is its verdict
            verdict, status, error, result = 2, 1, repr(e).encode()[:4096], b""
        return [job, token, verdict, status, int(1000 * (time.monotonic() - began)), error, result]

    def run(self, jobs):
        """Runs so many jobs, waits until their outcomes are durable, and says goodbye."""
        end = time.monotonic() + self.seconds
        while jobs > 0 or self.settled < self.sent:
            if time.monotonic() > end:
                raise TimeoutError(f"{jobs} jobs did not come, {self.sent - self.settled} outcomes are not settled")
            if time.monotonic() >= self.next_beat:
                self.beat()
            self.listen()
            if not self.jobs.poll(20):
                continue
            message = self.receive(self.jobs, JOBS)
            if message.session != self.session:
                continue
            if message.number > self.received + 1:
                self.lost.append([self.received + 1, message.number - 1])
            self.received, records = message.number, message.body[0]
            for job, token, _, _, _, _, payload, *_ in records:
                jobs -= 1
                self.window = min(self.window, max(jobs, 0))
                self.sent += 1
                self.send(self.outcomes, OUTCOMES, self.sent, [self.outcome(job, token, payload)])
        self.send(self.control, WORKER_BYE, 0, self.sent)
        self.close()
