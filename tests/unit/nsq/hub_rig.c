/* See hub_rig.h. */
#include "tests/unit/nsq/hub_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#define ENDPOINT "inproc://test-edges"

void hub_rig_init(struct hub_rig *r)
{
	int zero = 0;

	*r = (struct hub_rig){ .next_run = 100 };
	ck_assert_int_eq(uv_loop_init(&r->loop), 0);
	r->context = zmq_ctx_new();
	r->router = zmq_socket(r->context, ZMQ_ROUTER);
	zmq_setsockopt(r->router, ZMQ_LINGER, &zero, sizeof zero);
	ck_assert_int_eq(zmq_bind(r->router, ENDPOINT), 0);
	r->room = msg_room_new();
	buf_init(&r->out);
	buf_init(&r->trace);
	buf_init(&r->packed);
	r->hub = hub_open(&r->loop, r->context, ENDPOINT);
	ck_assert_ptr_nonnull(r->hub);
}

static void closed(void *arg)
{
	struct hub_rig *r = arg;

	r->closed = true;
}

void hub_rig_fini(struct hub_rig *r)
{
	hub_close(&r->hub, closed, r);
	while (!r->closed)
		uv_run(&r->loop, UV_RUN_DEFAULT);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&r->loop), 0);
	zmq_close(r->router);
	zmq_ctx_term(r->context);
	msg_room_free(r->room);
	buf_fini(&r->out);
	buf_fini(&r->trace);
	buf_fini(&r->packed);
}

void hub_rig_send(struct hub_rig *r, enum msg_kind kind, uint64_t number, struct msg m)
{
	m.h = (struct msg_header){
		.version = 1, .kind = (uint32_t)kind, .epoch = 1, .session = r->session, .number = number
	};
	buf_clear(&r->out);
	msg_encode(&r->out, &m);
	zmq_send(r->router, r->route, r->route_n, ZMQ_SNDMORE);
	ck_assert_int_ge(zmq_send(r->router, r->out.p, r->out.n, 0), 0);
}

static void reply(struct hub_rig *r, uint64_t number)
{
	hub_rig_send(r, MSG_REPLY, number,
	             (struct msg){ .u.reply = { .error = r->refuses, .text = span_str(r->refuses ? "no" : "") } });
}

static void note(struct hub_rig *r, const char *what, struct span topic, struct span channel)
{
	char line[256];
	int n = snprintf(line, sizeof line, "%s %.*s %.*s\n", what, (int)topic.n, (const char *)topic.p, (int)channel.n,
	                 (const char *)channel.p);

	buf_put(&r->trace, line, (size_t)n);
}

void hub_rig_accept(struct hub_rig *r, uint32_t index)
{
	struct msg_accepted_rec rec = { r->publishes[index].number, r->next_run * 64, r->publishes[index].count };

	r->next_run += 1 + rec.count / 64;
	hub_rig_send(r, MSG_ACCEPTED, 0, (struct msg){ .u.accepted = { &rec, 1 } });
}

void hub_rig_deliver(struct hub_rig *r, uint64_t run, bool lost)
{
	static const uint8_t packed[] = { 0, 0, 0, 1, 'x' };
	struct msg_delivery_rec rec = { .sub = r->sub,
		                        .run = run,
		                        .token = run + 1,
		                        .mask = 1,
		                        .attempts = 3,
		                        .time_ns = 4,
		                        .packed = span_of(packed, sizeof packed) };

	if (!lost)
		hub_rig_send(r, MSG_MESSAGES, r->delivered, (struct msg){ .u.messages = { &rec, 1 } });
	r->delivered++;
}

static void publish(struct hub_rig *r, const struct msg *m)
{
	struct hub_rig_publish *p = &r->publishes[r->n];
	const struct msg_publish *u = &m->u.publish;

	ck_assert_uint_lt(r->n, HUB_RIG_PUBLISHES);
	*p = (struct hub_rig_publish){
		.number = m->h.number, .defer_ms = u->defer_ms, .count = u->count, .bytes = u->packed.n
	};
	memcpy(p->topic, u->topic.p, u->topic.n);
	buf_put_span(&r->packed, u->packed);
	r->n++;
	if (r->refuses)
		reply(r, m->h.number);
	else if (!r->holds || (strcmp(r->holds, "*") != 0 && strcmp(r->holds, p->topic) != 0))
		hub_rig_accept(r, r->n - 1);
}

static void list(struct hub_rig *r, const struct msg *m)
{
	struct msg_topic_rec row = { .topic = span_str(m->u.topic_list.after ? "second" : "first") };

	note(r, "list", m->u.topic_list.topic, span_of(NULL, 0));
	hub_rig_send(r, MSG_TOPICS_INFO, m->h.number,
	             (struct msg){ .u.topics_info = { .more = m->u.topic_list.after == 0,
	                                              .next = m->u.topic_list.after + 1,
	                                              .generation = 8,
	                                              .v = &row,
	                                              .n = 1 } });
}

static void settle(struct hub_rig *r, const struct msg *m)
{
	r->settles += m->u.settle.n;
	for (uint32_t i = 0; i < m->u.settle.n; i++)
		r->settled += (uint64_t)__builtin_popcountll(m->u.settle.v[i].mask);
}

static void other(struct hub_rig *r, const struct msg *m)
{
	switch (m->h.kind) {
	case MSG_SUBSCRIBE:
		note(r, "subscribe", m->u.subscribe.topic, m->u.subscribe.channel);
		r->sub = m->u.subscribe.sub;
		reply(r, m->h.number);
		break;
	case MSG_UNSUBSCRIBE:
		note(r, "unsubscribe", span_of(NULL, 0), span_of(NULL, 0));
		hub_rig_send(r, MSG_REPLY, m->h.number, (struct msg){ 0 });
		break;
	case MSG_CREDIT:
		r->ready = m->u.credit.v[0].ready;
		r->window = m->u.credit.v[0].bytes;
		break;
	case MSG_SETTLE:
		settle(r, m);
		break;
	case MSG_TOPIC_OP:
		note(r, m->u.topic_op.op == TOPIC_CREATE ? "create" : "op", m->u.topic_op.topic, m->u.topic_op.channel);
		reply(r, m->h.number);
		break;
	case MSG_TOPIC_LIST:
		if (r->refuses)
			reply(r, m->h.number);
		else
			list(r, m);
		break;
	case MSG_CLIENT_BYE:
		note(r, "bye", span_of(NULL, 0), span_of(NULL, 0));
		break;
	default:
		ck_abort_msg("kind %u", m->h.kind);
	}
}

static void take(struct hub_rig *r, const struct msg *m)
{
	r->session = m->h.session;
	if (m->h.kind == MSG_CLIENT_HELLO && r->denies) {
		hub_rig_send(r, MSG_REPLY, 0,
		             (struct msg){ .u.reply = { .error = SHEAF_E_DENIED, .text = span_str("go away") } });
	} else if (m->h.kind == MSG_CLIENT_HELLO) {
		hub_rig_send(r, MSG_CLIENT_WELCOME, m->h.number,
		             (struct msg){ .u.client_welcome = { .version = 1, .message_max = MIB } });
	} else if (m->h.kind == MSG_PING) {
		hub_rig_send(r, MSG_PONG, m->h.number, (struct msg){ .u.ping.delivered = r->delivered });
	} else if (m->h.kind == MSG_PUBLISH) {
		publish(r, m);
	} else {
		other(r, m);
	}
}

static bool receive(struct hub_rig *r)
{
	zmq_msg_t frame;
	const char *why = NULL;
	struct msg m;
	int n = zmq_recv(r->router, r->route, sizeof r->route, ZMQ_DONTWAIT);

	if (n < 0)
		return false;
	r->route_n = (size_t)n;
	zmq_msg_init(&frame);
	ck_assert_int_ge(zmq_msg_recv(&frame, r->router, 0), 0);
	ck_assert_int_eq(msg_decode(span_of(zmq_msg_data(&frame), zmq_msg_size(&frame)), r->room, &m, &why), SHEAF_OK);
	take(r, &m);
	zmq_msg_close(&frame);
	return true;
}

void hub_rig_turn(struct hub_rig *r)
{
	uv_run(&r->loop, UV_RUN_NOWAIT);
	while (!r->deaf && receive(r))
		;
}

void hub_rig_settle(struct hub_rig *r)
{
	for (int i = 0; i < 20; i++)
		hub_rig_turn(r);
}

void hub_rig_expect(struct hub_rig *r, const char *trace)
{
	buf_put_u8(&r->trace, 0);
	ck_assert_str_eq((const char *)r->trace.p, trace);
	buf_clear(&r->trace);
}

/* ---- the tests ---- */

char heard[4096];
static struct hub_rig *the;

void hear(const char *what, const char *who)
{
	size_t n = strlen(heard);

	ck_assert_uint_lt(n + strlen(what) + strlen(who) + 3, sizeof heard);
	snprintf(heard + n, sizeof heard - n, "%s:%s ", who, what);
}

bool has_heard(const char *all)
{
	return strcmp(heard, all) == 0;
}

void answer(void *arg, enum sheaf_error e, struct span text)
{
	char what[64];

	snprintf(what, sizeof what, "%d%.*s", (int)e, (int)(text.n < 40 ? text.n : 40), (const char *)text.p);
	hear(e ? what : "ok", arg);
}

static void setup(void)
{
	hub_rig_init(the);
	heard[0] = '\0';
	hub_rig_until(the, hub_connected(the->hub));
}

static void teardown(void)
{
	hub_rig_fini(the);
}

int hub_rig_suite(const char *name, struct hub_rig *r, const TTest *const *tests, size_t n)
{
	Suite *s = suite_create(name);
	SRunner *sr;
	int failed;

	the = r;
	for (size_t i = 0; i < n; i++) {
		TCase *tc = tcase_create(tests[i]->name);

		tcase_add_checked_fixture(tc, setup, teardown);
		tcase_set_timeout(tc, 60);
		tcase_add_test(tc, tests[i]);
		suite_add_tcase(s, tc);
	}
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
