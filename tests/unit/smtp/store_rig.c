/* See store_rig.h. */
#include "tests/unit/smtp/store_rig.h"

#include <poll.h>
#include <stdlib.h>
#include <zmq.h>

#include "base/text.h"
#include "broker/smtp/jobs.h"

#define ENDPOINT "inproc://test-edges"

/* ---- instead of jobs, letters and spools ---- */

_Atomic int store_rig_letters, store_rig_jobs;

struct spool {
	uint64_t size;
};

uint64_t spool_size(const struct spool *s)
{
	return s->size;
}

bool spool_large(const struct spool *s)
{
	return s->size > SPOOL_MEMORY;
}

struct letter *store_rig_letter(const char *queues, const char *helo, uint64_t size)
{
	struct letter *l = calloc(1, sizeof *l);

	l->spool = calloc(1, sizeof *l->spool);
	l->spool->size = size;
	l->rcpts = calloc(LIMIT_MAIL_RCPTS, sizeof *l->rcpts);
	text_format(l->helo, sizeof l->helo, "%s", helo);
	while (*queues != '\0') {
		size_t n = strcspn(queues, " ");

		memcpy(l->rcpts[l->n++].rcpt.queue, queues, n);
		queues += n + (queues[n] == ' ');
	}
	store_rig_letters++;
	return l;
}

void letter_free(struct letter *l)
{
	free(l->spool);
	free(l->rcpts);
	free(l);
	store_rig_letters--;
}

bool jobs_slow(const struct letter *l, const struct smtp_config *c)
{
	(void)c;
	return strcmp(l->helo, "slow") == 0;
}

struct jobs *jobs_make(struct letter *l, const struct smtp_config *c, enum jobs_fault *fault, char why[JOBS_WHY])
{
	struct jobs *j;

	(void)c;
	if (strcmp(l->helo, "bad") == 0) {
		*fault = JOBS_HEADER;
		text_format(why, JOBS_WHY, "X-Job-Delay: no");
		return NULL;
	}
	j = calloc(1, sizeof *j);
	j->all.v = j->parts;
	for (uint32_t i = 0; i < l->n; i++) {
		struct span queue = span_str(l->rcpts[i].rcpt.queue);
		uint32_t at = 0;

		while (at < j->all.n && !span_eq(j->parts[at].queue, queue))
			at++;
		if (at == j->all.n)
			j->parts[j->all.n++] = (struct msg_all_part){ .queue = queue, .payload = span_str("x") };
		j->part_of[i] = at;
	}
	store_rig_jobs++;
	return j;
}

void jobs_free(struct jobs *j)
{
	free(j);
	store_rig_jobs--;
}

/* ---- the broker ---- */

static void say(struct store_rig *r, enum msg_kind kind, uint64_t number, struct msg m)
{
	m.h = (struct msg_header){
		.version = 1, .kind = (uint32_t)kind, .epoch = 1, .session = r->session, .number = number
	};
	buf_clear(&r->out);
	msg_encode(&r->out, &m);
	zmq_send(r->router, r->route, r->route_n, ZMQ_SNDMORE);
	ck_assert_int_ge(zmq_send(r->router, r->out.p, r->out.n, 0), 0);
}

static void refuse(struct store_rig *r, uint64_t number, enum sheaf_error e, const char *why)
{
	say(r, MSG_REPLY, number, (struct msg){ .u.reply = { .error = (uint32_t)e, .text = span_str(why) } });
}

static bool begins(struct span name, const char *with)
{
	return name.n >= strlen(with) && memcmp(name.p, with, strlen(with)) == 0;
}

static void show(struct store_rig *r, const struct msg *m)
{
	struct span name = m->u.queue_op.queue;
	struct msg_queue_rec row = { .name = name,
		                     .paused = begins(name, "paused"),
		                     .draining = begins(name, "closed") };

	ck_assert_uint_eq(m->u.queue_op.op, QUEUE_SHOW);
	r->asked++;
	if (begins(name, "silent"))
		return;
	if (begins(name, "missing"))
		refuse(r, m->h.number, SHEAF_E_UNKNOWN, "there is no such queue");
	else
		say(r, MSG_QUEUE_INFO, m->h.number, (struct msg){ .u.queue_info = { .v = &row, .n = 1 } });
}

void store_rig_accept(struct store_rig *r, uint32_t index)
{
	uint64_t ids[LIMIT_ALL_PARTS];

	for (uint32_t i = 0; i < r->parts[index]; i++)
		ids[i] = r->next_id++;
	say(r, MSG_ALL_ACCEPTED, r->numbers[index], (struct msg){ .u.all_accepted = { ids, r->parts[index] } });
}

static void submit(struct store_rig *r, const struct msg *m)
{
	ck_assert_uint_lt(r->n, STORE_RIG_MAILS);
	r->numbers[r->n] = m->h.number;
	r->parts[r->n++] = m->u.submit_all.n;
	if (r->refuses != SHEAF_OK)
		refuse(r, m->h.number, r->refuses, r->why);
	else if (!r->holds)
		store_rig_accept(r, r->n - 1);
}

static void take(struct store_rig *r, const struct msg *m)
{
	r->session = m->h.session;
	if (m->h.kind == MSG_CLIENT_HELLO && r->denies)
		refuse(r, 0, SHEAF_E_DENIED, "go away");
	else if (m->h.kind == MSG_CLIENT_HELLO)
		say(r, MSG_CLIENT_WELCOME, m->h.number, (struct msg){ .u.client_welcome = { .version = 1 } });
	else if (m->h.kind == MSG_PING)
		say(r, MSG_PONG, m->h.number, (struct msg){ 0 });
	else if (m->h.kind == MSG_QUEUE_OP)
		show(r, m);
	else if (m->h.kind == MSG_SUBMIT_ALL)
		submit(r, m);
	else
		ck_assert_uint_eq(m->h.kind, MSG_CLIENT_BYE);
}

static bool receive(struct store_rig *r)
{
	zmq_msg_t frame;
	const char *why = NULL;
	struct msg m;
	int n = r->router != NULL ? zmq_recv(r->router, r->route, sizeof r->route, ZMQ_DONTWAIT) : -1;

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

void store_rig_turn(struct store_rig *r)
{
	uv_run(&r->loop, UV_RUN_NOWAIT);
	while (!r->deaf && receive(r))
		;
}

void store_rig_settle(struct store_rig *r)
{
	for (int i = 0; i < 50; i++)
		store_rig_turn(r);
}

/* ---- life ---- */

void store_rig_come(struct store_rig *r)
{
	int zero = 0, bound = -1;

	r->router = zmq_socket(r->context, ZMQ_ROUTER);
	zmq_setsockopt(r->router, ZMQ_LINGER, &zero, sizeof zero);
	/* the one that left closes its socket in its own time */
	for (int i = 0; i < 1000 && (bound = zmq_bind(r->router, r->endpoint)) != 0; i++)
		poll(NULL, 0, 10);
	ck_assert_int_eq(bound, 0);
}

void store_rig_leave(struct store_rig *r)
{
	zmq_close(r->router);
	r->router = NULL;
}

/* A port that nobody has; then nobody listens on it. */
static void find_port(struct store_rig *r)
{
	size_t n = sizeof r->endpoint;

	text_format(r->endpoint, sizeof r->endpoint, "tcp://127.0.0.1:*");
	store_rig_come(r);
	ck_assert_int_eq(zmq_getsockopt(r->router, ZMQ_LAST_ENDPOINT, r->endpoint, &n), 0);
}

void store_rig_init(struct store_rig *r, bool over_tcp, bool away)
{
	struct store_setup setup = { .loop = &r->loop, .config = &r->config };

	memset(r, 0, sizeof *r);
	r->next_id = 1000;
	r->why = "no";
	r->config.answer_ms = 30000;
	ck_assert_int_eq(uv_loop_init(&r->loop), 0);
	r->context = zmq_ctx_new();
	if (over_tcp) {
		find_port(r);
	} else {
		text_format(r->endpoint, sizeof r->endpoint, ENDPOINT);
		store_rig_come(r);
	}
	if (away)
		store_rig_leave(r);
	r->room = msg_room_new();
	buf_init(&r->out);
	setup.link =
	    (struct link_setup){ .name = "smtp", .endpoint = r->endpoint, .context = over_tcp ? NULL : r->context };
	r->store = store_open(&setup);
	ck_assert_ptr_nonnull(r->store);
}

static void closed(void *arg)
{
	struct store_rig *r = arg;

	r->closed = true;
}

void store_rig_fini(struct store_rig *r)
{
	store_close(&r->store, closed, r);
	ck_assert_ptr_null(r->store);
	while (!r->closed)
		uv_run(&r->loop, UV_RUN_DEFAULT);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&r->loop), 0);
	if (r->router != NULL)
		zmq_close(r->router);
	zmq_ctx_term(r->context);
	msg_room_free(r->room);
	buf_fini(&r->out);
	ck_assert_int_eq(store_rig_letters, 0);
	ck_assert_int_eq(store_rig_jobs, 0);
}
