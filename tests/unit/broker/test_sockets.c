/* The broker's sockets: a client that reads nothing is held to a bound, and nobody else feels it. */
#include "broker/sockets.h"

#include <stdlib.h>

#include "tests/unit/base/suite.h"

enum { BIG = 1 << 20, TRIES = 200, RECEIVE_MS = 20000 };

static uint8_t big[BIG];

/* A client that has said something, and the route under which the broker knows it. */
static void *client_new(struct sockets *s, uint64_t *route)
{
	void *dealer = zmq_socket(s->context, ZMQ_DEALER);
	zmq_pollitem_t item = { s->clients, 0, ZMQ_POLLIN, 0 };
	int one = 1, zero = 0, patience = RECEIVE_MS;
	zmq_msg_t frame;

	ck_assert_ptr_nonnull(dealer);
	zmq_setsockopt(dealer, ZMQ_RCVHWM, &one, sizeof one);
	zmq_setsockopt(dealer, ZMQ_LINGER, &zero, sizeof zero);
	zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &patience, sizeof patience);
	ck_assert_int_eq(zmq_connect(dealer, s->clients_at), 0);
	ck_assert_int_eq(zmq_send(dealer, "x", 1, 0), 1);
	ck_assert_int_eq(zmq_poll(&item, 1, RECEIVE_MS), 1);
	ck_assert_int_eq(sockets_take(s->clients, route, &frame), GOT_MESSAGE);
	zmq_msg_close(&frame);
	return dealer;
}

START_TEST(test_deaf_client)
{
	struct config c = { .listen = "tcp://127.0.0.1:*",
		            .results = "tcp://127.0.0.1:*",
		            .workers = "tcp://127.0.0.1:*",
		            .jobs_host = "127.0.0.1",
		            .jobs_first = 1,
		            .jobs_last = 64 };
	uint64_t deaf_route, good_route;
	struct sockets s;
	char err[OPTIONS_ERR];
	void *deaf, *good;
	int sent = 0;

	ck_assert_msg(sockets_open(&s, &c, err) == 0, "%s", err);
	deaf = client_new(&s, &deaf_route);
	good = client_new(&s, &good_route);
	while (sent < TRIES && sockets_answer(&s, deaf_route, span_of(big, BIG)))
		sent++;
	ck_assert_int_gt(sent, 32);
	ck_assert_int_lt(sent, TRIES);
	/* small answers still go, and all goes to others */
	ck_assert(sockets_answer(&s, deaf_route, span_of(big, 100)));
	for (int i = 0; i < TRIES; i++) {
		ck_assert(sockets_answer(&s, good_route, span_of(big, BIG)));
		ck_assert_int_eq(zmq_recv(good, big, BIG, 0), BIG);
	}
	/* it reads again */
	for (int i = 0; i < sent; i++)
		ck_assert_int_eq(zmq_recv(deaf, big, BIG, 0), BIG);
	ck_assert_int_eq(zmq_recv(deaf, big, BIG, 0), 100);
	ck_assert(sockets_answer(&s, deaf_route, span_of(big, BIG)));
	ck_assert_int_eq(zmq_recv(deaf, big, BIG, 0), BIG);
	/* nobody there */
	ck_assert(!sockets_answer(&s, 12345, span_of(big, BIG)));
	ck_assert(!sockets_answer(&s, 12345, span_of(big, 10)));
	for (int i = 0; i < 10; i++) /* freed unsent */
		ck_assert(sockets_answer(&s, deaf_route, span_of(big, BIG)));
	zmq_close(deaf);
	zmq_close(good);
	sockets_close(&s);
}
END_TEST

/* An edge and a client may have the same number; what is meant for the one never comes to the other. */
START_TEST(test_edge)
{
	struct config c = { .listen = "tcp://127.0.0.1:*",
		            .results = "tcp://127.0.0.1:*",
		            .workers = "tcp://127.0.0.1:*",
		            .jobs_host = "127.0.0.1",
		            .jobs_first = 1,
		            .jobs_last = 64,
		            .edges = true };
	uint64_t client_route, route;
	zmq_pollitem_t item = { 0 };
	int patience = RECEIVE_MS, zero = 0;
	struct sockets s;
	char err[OPTIONS_ERR];
	void *client, *edge;
	zmq_msg_t frame;

	ck_assert_msg(sockets_open(&s, &c, err) == 0, "%s", err);
	client = client_new(&s, &client_route);
	edge = zmq_socket(s.context, ZMQ_DEALER);
	zmq_setsockopt(edge, ZMQ_RCVTIMEO, &patience, sizeof patience);
	zmq_setsockopt(edge, ZMQ_LINGER, &zero, sizeof zero);
	ck_assert_int_eq(zmq_connect(edge, EDGES_AT), 0);
	ck_assert_int_eq(zmq_send(edge, "edge", 4, 0), 4);
	item = (zmq_pollitem_t){ s.edges, 0, ZMQ_POLLIN, 0 };
	ck_assert_int_eq(zmq_poll(&item, 1, RECEIVE_MS), 1);
	ck_assert_int_eq(sockets_take(s.edges, &route, &frame), GOT_MESSAGE);
	zmq_msg_close(&frame);
	ck_assert_uint_eq(route & ROUTE_EDGE, 0);
	ck_assert(sockets_answer(&s, route | ROUTE_EDGE, span_of("small", 5)));
	ck_assert(sockets_answer(&s, route | ROUTE_EDGE, span_of(big, BIG)));
	ck_assert(sockets_answer(&s, client_route, span_of("other", 5)));
	ck_assert_int_eq(zmq_recv(edge, big, BIG, 0), 5);
	ck_assert_int_eq(zmq_recv(edge, big, BIG, 0), BIG);
	ck_assert_int_eq(zmq_recv(client, big, BIG, 0), 5);
	ck_assert_mem_eq(big, "other", 5);
	ck_assert(!sockets_answer(&s, 12345 | ROUTE_EDGE, span_of(big, BIG)));
	zmq_close(edge);
	zmq_close(client);
	sockets_close(&s);
}
END_TEST

SUITE_MAIN("sockets", test_deaf_client, test_edge)
