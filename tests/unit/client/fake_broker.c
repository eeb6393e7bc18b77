/* A broker of a hundred lines; see fake_broker.h. */
#include "tests/unit/client/fake_broker.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <zmq.h>

#include "base/clock.h"
#include "proto/codec.h"

enum { SESSIONS = 8, REQUESTS = 4096, JOBS = 1 << 17 };

struct route {
	uint8_t id[32];
	size_t n;
};

struct session {
	uint64_t name; /* 0 = free */
	bool here;
	uint64_t pushed;
	uint64_t first[REQUESTS]; /* by number: the first id of an accepted submit; 0 = none */
	uint32_t count[REQUESTS];
};

struct stored {
	uint8_t *p;
	size_t n;
};

struct fake_broker {
	pthread_t thread;
	pthread_mutex_t lock; /* over all that follows but socket, room and out */
	bool stop;
	struct fake_faults faults;
	uint64_t restart_ms; /* the socket is to be dropped and bound again at this time; 0 = not so */
	struct session sessions[SESSIONS];
	struct stored *jobs; /* by id */
	uint64_t n_jobs;     /* ids 1 to n_jobs */
	uint64_t epoch;
	char endpoint[64];

	void *context;
	void *socket;
	struct msg_room *room;
	struct buf out;
	struct route route; /* of the message at hand */
};

static void bind_socket(struct fake_broker *b, const char *endpoint)
{
	size_t n = sizeof b->endpoint;
	int zero = 0, rc;

	b->socket = zmq_socket(b->context, ZMQ_ROUTER);
	ck_assert_ptr_nonnull(b->socket);
	zmq_setsockopt(b->socket, ZMQ_LINGER, &zero, sizeof zero);
	zmq_setsockopt(b->socket, ZMQ_SNDHWM, &zero, sizeof zero);
	zmq_setsockopt(b->socket, ZMQ_RCVHWM, &zero, sizeof zero);
	do { /* the port of a socket that is being closed is free in a moment */
		rc = zmq_bind(b->socket, endpoint);
	} while (rc < 0 && zmq_errno() == EADDRINUSE);
	ck_assert_int_eq(rc, 0);
	ck_assert_int_eq(zmq_getsockopt(b->socket, ZMQ_LAST_ENDPOINT, b->endpoint, &n), 0);
}

static void send_out(struct fake_broker *b)
{
	zmq_send(b->socket, b->route.id, b->route.n, ZMQ_SNDMORE);
	zmq_send(b->socket, b->out.p, b->out.n, 0);
}

static void answer(struct fake_broker *b, const struct msg *to, enum msg_kind kind, struct msg m)
{
	m.h = (struct msg_header){ .version = 1,
		                   .kind = (uint32_t)kind,
		                   .epoch = b->epoch,
		                   .session = to->h.session,
		                   .number = to->h.number };
	buf_clear(&b->out);
	msg_encode(&b->out, &m);
	send_out(b);
}

static void reply(struct fake_broker *b, const struct msg *to, enum sheaf_error e, uint64_t value)
{
	answer(b, to, MSG_REPLY, (struct msg){ .u.reply = { .error = e, .value = value } });
}

static struct session *session_of(struct fake_broker *b, uint64_t name, bool make)
{
	struct session *free_one = NULL;

	for (int i = 0; i < SESSIONS; i++) {
		if (b->sessions[i].name == name)
			return &b->sessions[i];
		if (b->sessions[i].name == 0 && !free_one)
			free_one = &b->sessions[i];
	}
	if (!make)
		return NULL;
	ck_assert_ptr_nonnull(free_one);
	free_one->name = name;
	return free_one;
}

static void hello(struct fake_broker *b, const struct msg *m)
{
	if (b->faults.deny) {
		reply(b, m, SHEAF_E_DENIED, 0);
		return;
	}
	session_of(b, m->h.session, true)->here = true;
	answer(b, m, MSG_CLIENT_WELCOME,
	       (struct msg){ .u.client_welcome = { .version = 1,
	                                           .payload_max = LIMIT_PAYLOAD,
	                                           .records_max = LIMIT_RECORDS,
	                                           .waits_max = LIMIT_CLIENT_WAITS,
	                                           .beat_ms = DEFAULT_BEAT_MS,
	                                           .software = span_str("fake") } });
}

static void push(struct fake_broker *b, struct session *s, const uint64_t *ids, uint32_t n)
{
	struct msg_header h = {
		.version = 1, .kind = MSG_RESULTS, .epoch = b->epoch, .session = s->name, .number = s->pushed
	};
	struct msg_writer w;

	buf_clear(&b->out);
	msg_begin(&w, &b->out, &h, 0);
	for (uint32_t i = 0; i < n; i++) {
		struct msg_result_rec r = { .id = ids[i], .state = JOB_NONE };

		if (ids[i] > 0 && ids[i] <= b->n_jobs) {
			r.state = JOB_DONE;
			r.attempt = 1;
			r.result = span_of(b->jobs[ids[i]].p, b->jobs[ids[i]].n);
		}
		msg_put_result(&w, &r);
	}
	msg_end(&w);
	s->pushed += n;
	if (b->faults.lose_results > 0)
		b->faults.lose_results--;
	else
		send_out(b);
}

static void accept(struct fake_broker *b, const struct msg *m, uint64_t first, uint32_t count)
{
	struct msg_accepted_rec rec = { m->h.number, first, count };
	struct msg to = { .h = { .session = m->h.session } };

	answer(b, &to, MSG_ACCEPTED, (struct msg){ .u.accepted = { &rec, 1 } });
}

static void submit(struct fake_broker *b, struct session *s, const struct msg *m)
{
	uint64_t ids[LIMIT_RECORDS], slot = m->h.number % REQUESTS;

	if (s->first[slot]) {
		ck_assert(m->u.submit.flags & SUBMIT_AGAIN);
		accept(b, m, s->first[slot], s->count[slot]);
		return;
	}
	if (b->faults.busy > 0 || b->faults.refuse) {
		b->faults.busy--;
		reply(b, m, b->faults.refuse ? SHEAF_E_FULL : SHEAF_E_BUSY, 0);
		return;
	}
	s->first[slot] = b->n_jobs + 1;
	s->count[slot] = m->u.submit.n;
	s->first[(slot + REQUESTS / 2) % REQUESTS] = 0; /* forgotten long before it comes round again */
	for (uint32_t i = 0; i < m->u.submit.n; i++) {
		struct span p = m->u.submit.payloads[i];
		struct stored *j;

		ids[i] = ++b->n_jobs;
		ck_assert_uint_lt(b->n_jobs, JOBS);
		j = &b->jobs[ids[i]];
		j->n = p.n;
		j->p = malloc(p.n + 1);
		if (p.n)
			memcpy(j->p, p.p, p.n);
	}
	accept(b, m, ids[0], m->u.submit.n);
	if (m->u.submit.flags & SUBMIT_WANT)
		push(b, s, ids, m->u.submit.n);
}

static void other(struct fake_broker *b, struct session *s, const struct msg *m)
{
	uint64_t id = m->u.one.id;

	switch (m->h.kind) {
	case MSG_PING:
		answer(b, m, MSG_PONG, (struct msg){ .u.ping.pushed = s->pushed });
		break;
	case MSG_WAIT:
		push(b, s, m->u.ids.ids, m->u.ids.n);
		break;
	case MSG_JOB_GET:
		if (id == 0 || id > b->n_jobs)
			reply(b, m, SHEAF_E_UNKNOWN, 0);
		else
			answer(b, m, MSG_JOB_INFO,
			       (struct msg){
				   .u.job_info = { .rec = { .id = id, .state = JOB_DONE }, .queue = span_str("q") } });
		break;
	case MSG_BATCH_OPEN:
		reply(b, m, SHEAF_OK, 12);
		break;
	case MSG_QUEUE_LIST: {
		struct msg_queue_rec q = { .name = span_str(m->u.queue_list.after.n ? "b" : "a") };

		answer(b, m, MSG_QUEUE_INFO, (struct msg){ .u.queue_info = { !m->u.queue_list.after.n, &q, 1 } });
		break;
	}
	case MSG_CLIENT_BYE:
		s->here = false;
		break;
	default:
		reply(b, m, SHEAF_E_UNSUPPORTED, 0);
	}
}

static void handle(struct fake_broker *b, struct span frame)
{
	const char *why;
	struct session *s;
	struct msg m;

	ck_assert_int_eq(msg_decode(frame, b->room, &m, &why), SHEAF_OK);
	if (b->faults.mute)
		return;
	s = session_of(b, m.h.session, false);
	if (m.h.kind == MSG_CLIENT_HELLO)
		hello(b, &m);
	else if (!s || !s->here)
		answer(b, &m, MSG_NO_SESSION, (struct msg){ 0 });
	else if (m.h.kind == MSG_SUBMIT)
		submit(b, s, &m);
	else
		other(b, s, &m);
}

static void restart_when_due(struct fake_broker *b)
{
	char endpoint[sizeof b->endpoint];

	if (b->restart_ms == 0)
		return;
	if (b->socket)
		zmq_close(b->socket);
	b->socket = NULL;
	if (clock_mono_ms() < b->restart_ms)
		return;
	for (int i = 0; i < SESSIONS; i++)
		b->sessions[i].here = false;
	memcpy(endpoint, b->endpoint, sizeof endpoint);
	bind_socket(b, endpoint);
	b->restart_ms = 0;
	b->epoch++;
}

/* Waits a moment for one message. */
static bool receive(struct fake_broker *b, zmq_msg_t *frame)
{
	zmq_pollitem_t item = { .socket = b->socket, .events = ZMQ_POLLIN };
	int n;

	if (!b->socket || zmq_poll(&item, 1, 5) <= 0)
		return false;
	n = zmq_recv(b->socket, b->route.id, sizeof b->route.id, 0);
	ck_assert(n > 0 && n <= (int)sizeof b->route.id);
	b->route.n = (size_t)n;
	return zmq_msg_recv(frame, b->socket, 0) >= 0;
}

static void *run(void *arg)
{
	struct fake_broker *b = arg;
	zmq_msg_t frame;
	bool stop = false;

	zmq_msg_init(&frame);
	while (!stop) {
		bool got = receive(b, &frame);

		pthread_mutex_lock(&b->lock);
		if (got)
			handle(b, span_of(zmq_msg_data(&frame), zmq_msg_size(&frame)));
		restart_when_due(b);
		stop = b->stop;
		pthread_mutex_unlock(&b->lock);
	}
	zmq_msg_close(&frame);
	if (b->socket)
		zmq_close(b->socket);
	return NULL;
}

struct fake_broker *fake_broker_new(void)
{
	struct fake_broker *b = calloc(1, sizeof *b);

	b->jobs = calloc(JOBS, sizeof *b->jobs);
	b->context = zmq_ctx_new();
	b->room = msg_room_new();
	b->epoch = 1;
	buf_init(&b->out);
	pthread_mutex_init(&b->lock, NULL);
	bind_socket(b, "tcp://127.0.0.1:*");
	ck_assert_int_eq(pthread_create(&b->thread, NULL, run, b), 0);
	return b;
}

void fake_broker_free(struct fake_broker *b)
{
	pthread_mutex_lock(&b->lock);
	b->stop = true;
	pthread_mutex_unlock(&b->lock);
	pthread_join(b->thread, NULL);
	zmq_ctx_term(b->context);
	pthread_mutex_destroy(&b->lock);
	msg_room_free(b->room);
	buf_fini(&b->out);
	for (uint64_t i = 0; i <= b->n_jobs; i++)
		free(b->jobs[i].p);
	free(b->jobs);
	free(b);
}

const char *fake_broker_endpoint(const struct fake_broker *b)
{
	return b->endpoint;
}

void fake_broker_set(struct fake_broker *b, const struct fake_faults *faults)
{
	pthread_mutex_lock(&b->lock);
	b->faults = *faults;
	pthread_mutex_unlock(&b->lock);
}

void fake_broker_restart(struct fake_broker *b, uint64_t ms)
{
	pthread_mutex_lock(&b->lock);
	b->restart_ms = clock_mono_ms() + ms;
	pthread_mutex_unlock(&b->lock);
}

uint64_t fake_broker_jobs(struct fake_broker *b)
{
	uint64_t n;

	pthread_mutex_lock(&b->lock);
	n = b->n_jobs;
	pthread_mutex_unlock(&b->lock);
	return n;
}
