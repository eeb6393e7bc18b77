"""Reads jobs back as a worker does: their payloads, byte for byte, and their headers."""
import collections
import re
import time

from sheaf_client import JOBS, OUTCOMES, WORKER_BYE, Client, Worker

Job = collections.namedtuple("Job", "id headers payload")


def mail_of(job):
    """The mail's own bytes: what stands behind Return-Path and Received."""
    found = re.match(rb"Return-Path: <[^\r\n]*>\r\nReceived: [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", job.payload)
    if not found:
        raise AssertionError(f"no trace lines: {job.payload[:300]!r}")
    return job.payload[found.end():]


def headers_of(data):
    """{name: value} of a job's headers."""
    return dict(x.split("=", 1) for x in data.decode().split("\0") if x)


class Reader(Worker):
    """Takes all jobs of some queues until those whose ids it is told have come."""

    def __init__(self, endpoint, queues, seconds=60):
        super().__init__(endpoint, queues, None, name="reader", slots=512, seconds=seconds)

    def until(self, last):
        """Jobs that came before those of `last` (a set), by queue; they are done, durably."""
        end, found, last = time.monotonic() + self.seconds, collections.defaultdict(list), set(last)
        while last or self.settled < self.sent:
            if time.monotonic() > end:
                raise TimeoutError(f"jobs {last} did not come, {self.sent - self.settled} outcomes are not settled")
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
            self.received = message.number
            outcomes = []
            for job, token, _, queue, _, headers, payload, *_ in message.body[0]:
                outcomes.append([job, token, 1, 0, 0, b"", b""])
                if job in last:
                    last.remove(job)
                else:
                    found[queue].append(Job(job, headers_of(headers), payload))
            if outcomes:
                self.sent += 1
                self.send(self.outcomes, OUTCOMES, self.sent, outcomes)
        self.window = 0
        self.send(self.control, WORKER_BYE, 0, self.sent)
        self.close()
        return found


def take_jobs(broker, *queues):
    """All jobs that the queues have now, as lists in the order of `queues`, oldest first; they are done then. It
    submits a job to each to see where the end is, so jobs with a delay or another priority are not for it."""
    client = Client(broker.url)
    last = {client.submit(q, [b""], want=False)[0] for q in queues}
    client.bye()
    found = Reader(f"tcp://127.0.0.1:{broker.ports['workers']}", list(queues)).until(last)
    return [found[n] for n in range(len(queues))]
