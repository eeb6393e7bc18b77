"""Registration with nsqlookupds, against one that the test plays: what is told and when, and new topics whose channels
are elsewhere already."""
import json

from harness import wait_until
from nsq_case import NsqCase
from nsq_fakes import FakeLookupd


class Lookupd(NsqCase):
    def lookupd(self):
        fake = FakeLookupd()
        self.addCleanup(fake.close)
        return fake

    def registered(self, fake, *names):
        wait_until(lambda: set(names) <= fake.names, what=f"{names} to be registered; these are: {fake.names}")

    def test_told_everything_and_each_change(self):
        fake, other = self.lookupd(), self.lookupd()
        self.own_broker(nsq_lookupd=f"{fake.address},{other.address}", nsq_broadcast="me.example")
        wait_until(lambda: fake.peers and other.peers)
        port = int(self.nsq.rpartition(":")[2])
        peer = fake.peers[0]
        self.assertEqual((peer["broadcast_address"], peer["tcp_port"], peer["http_port"]),
                         ("me.example", port, port + 1))
        self.assertEqual(set(peer), {"version", "tcp_port", "http_port", "hostname", "broadcast_address",
                                     "topology_zone", "topology_region"})
        self.post("/topic/create", topic="t")
        self.post("/channel/create", topic="t", channel="c")
        c = self.consumer("u", "gone#ephemeral", rdy=1)
        for f in (fake, other):
            self.registered(f, ("t",), ("t", "c"), ("u",), ("u", "gone#ephemeral"))
        c.close()
        wait_until(lambda: ("u", "gone#ephemeral") not in fake.names)
        self.post("/topic/delete", topic="t")
        wait_until(lambda: ("t",) not in fake.names and ("t", "c") not in fake.names)
        order = [c for c in fake.commands if c.startswith("UNREGISTER t")]
        self.assertEqual(order, ["UNREGISTER t c", "UNREGISTER t"])

    def test_comes_again_after_a_loss_and_after_a_restart(self):
        fake = self.lookupd()
        broker = self.own_broker(nsq_lookupd=fake.address)
        self.post("/topic/create", topic="first")
        self.registered(fake, ("first",))
        self.consumer("t", "c", rdy=1)
        self.post("/topic/create", topic="lone")
        self.registered(fake, ("t", "c"), ("lone",))
        wait_until(lambda: "t" in fake.asked)
        fake.refuse = b"E_INVALID no"
        fake.hang_up()
        wait_until(lambda: len(fake.peers) >= 3, what="a connection after the loss, and another after the refusal")
        self.registered(fake, ("t", "c"), ("lone",))
        broker.restart()
        wait_until(lambda: len(fake.peers) >= 4)
        self.registered(fake, ("t", "c"), ("lone",))
        self.assertEqual(fake.asked.count("t"), 1)

    def test_a_new_topic_gets_its_channels_before_its_first_message(self):
        fake = self.lookupd()
        fake.channels = {"t": ["a", "b", "x#ephemeral", "bad name"], "h": ["a"]}
        self.own_broker(nsq_lookupd=fake.address)
        self.post("/topic/create", topic="first")
        self.registered(fake, ("first",))  # so it has answered, and can be asked
        self.assertEqual(self.http("GET", "/config/nsqlookupd_tcp_addresses"), json.dumps([fake.address]))
        self.producer().mpub("t", [b"1", b"2"])
        self.assertIn("t", fake.asked)
        for channel in ("a", "b"):
            self.wait_channel("t", channel, depth=2)
        self.assertIsNone(self.channel_stats("t", "x#ephemeral"))
        self.post("/pub", topic="h", body=b"x")
        self.wait_channel("h", "a", depth=1)
        self.assertEqual([x for x in fake.asked if x != "first"], ["t", "h"])

    def test_another_list_while_it_runs(self):
        fake, other = self.lookupd(), self.lookupd()
        self.own_broker(nsq_lookupd=fake.address)
        self.post("/topic/create", topic="t")
        self.registered(fake, ("t",))
        self.http("PUT", "/config/nsqlookupd_tcp_addresses", body=json.dumps([other.address]).encode())
        self.registered(other, ("t",))
        wait_until(lambda: not fake.names)

    def test_one_that_is_not_there_holds_nothing_up(self):
        fake = self.lookupd()
        fake.close()
        self.own_broker(nsq_lookupd=fake.address)
        c = self.consumer("t", "c", rdy=5)
        self.producer().pub("t", b"x")
        self.assertEqual(c.message().body, b"x")
