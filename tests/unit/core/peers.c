/* What clients and workers say to the core on the bench. See rig.h. */
#include <stdio.h>

#include "tests/unit/core/rig.h"

uint64_t rig_token(const struct rig *r, uint64_t low)
{
	return low >> 32 ? low : core_epoch(r->core) << 32 | low;
}

uint64_t rig_session(const struct rig *r, unsigned worker)
{
	return core_epoch(r->core) << 32 | worker;
}

static void send(struct rig *r, enum event_kind kind, uint64_t peer, const struct msg *m)
{
	rig_step(r,
	         &(struct event){ .kind = kind, .peer = peer, .principal = r->principal, .msg = m, .flag = r->edge });
}

/* ---- clients ---- */

void rig_request(struct rig *r, unsigned client, uint64_t number, enum msg_kind kind, struct msg m)
{
	m.h = (struct msg_header){ .version = 1, .kind = (uint32_t)kind, .session = client, .number = number };
	send(r, EV_CLIENT, 100 + client, &m);
}

void rig_client(struct rig *r, unsigned client)
{
	r->quiet = true;
	rig_request(r, client, 0, MSG_CLIENT_HELLO,
	            (struct msg){ .u.client_hello = { .version_min = 1, .version_max = 1, .name = span_str("rig") } });
	r->quiet = false;
}

void rig_submit_as(struct rig *r, unsigned client, uint64_t number, const char *queue, uint32_t n, struct msg_submit s)
{
	struct span payloads[LIMIT_RECORDS];

	ck_assert_uint_le(n, LIMIT_RECORDS);
	for (uint32_t i = 0; i < n; i++)
		payloads[i] = s.payloads != NULL ? s.payloads[0] : span_str("p");
	s.queue = span_str(queue);
	s.payloads = payloads;
	s.n = n;
	if (s.attempts == 0)
		s.attempts = 1;
	rig_request(r, client, number, MSG_SUBMIT, (struct msg){ .u.submit = s });
}

void rig_submit(struct rig *r, unsigned client, uint64_t number, const char *queue, uint32_t n)
{
	rig_submit_as(r, client, number, queue, n, (struct msg_submit){ .priority = 4, .flags = SUBMIT_WANT });
}

struct msg_submit rig_race(uint32_t replicas, uint64_t hedge_ms)
{
	return (struct msg_submit){ .flags = SUBMIT_WANT,
		                    .terms = { .replicas = replicas, .hedge_ms = hedge_ms, .race_ms = 30000 } };
}

void rig_ids(struct rig *r, unsigned client, uint64_t number, enum msg_kind kind, uint32_t flags, uint64_t id)
{
	rig_request(r, client, number, kind, (struct msg){ .u.ids = { flags, &id, 1 } });
}

void rig_one(struct rig *r, unsigned client, uint64_t number, enum msg_kind kind, uint64_t id)
{
	rig_request(r, client, number, kind, (struct msg){ .u.one.id = id });
}

void rig_queue(struct rig *r, unsigned client, uint64_t number, const char *queue, enum queue_op op, uint64_t arg)
{
	rig_request(r, client, number, MSG_QUEUE_OP,
	            (struct msg){ .u.queue_op = { span_str(queue), (uint32_t)op, arg } });
}

void rig_set(struct rig *r, unsigned client, uint64_t number, const char *queue, const char *name, uint64_t value)
{
	struct msg_setting_rec s = { span_str(name), value };

	rig_request(r, client, number, MSG_QUEUE_SET, (struct msg){ .u.queue_set = { span_str(queue), &s, 1 } });
}

/* ---- workers ---- */

static void control(struct rig *r, unsigned worker, uint64_t number, enum msg_kind kind, struct msg m)
{
	m.h = (struct msg_header){ .version = 1, .kind = (uint32_t)kind, .number = number };
	m.h.session = kind == MSG_WORKER_HELLO ? 0 : rig_session(r, worker);
	send(r, EV_WORKER, 200 + worker, &m);
}

void rig_hello(struct rig *r, unsigned worker, uint64_t instance, uint32_t slots, const char *queue)
{
	struct span queues[1] = { span_str(queue) };
	struct msg_held_rec held[16];
	char name[16];

	snprintf(name, sizeof name, "worker%u", worker);
	for (uint32_t i = 0; i < r->n_held; i++)
		held[i] = (struct msg_held_rec){ r->held_ids[i], r->held[i], r->held_state };
	control(r, worker, 0, MSG_WORKER_HELLO,
	        (struct msg){ .u.worker_hello = { .version_min = 1,
	                                          .version_max = 1,
	                                          .instance = instance,
	                                          .name = span_str(name),
	                                          .slots = slots,
	                                          .queues = queues,
	                                          .n_queues = 1,
	                                          .held = held,
	                                          .n_held = r->n_held,
	                                          .draining = r->hello_draining } });
	r->n_held = 0;
	r->hello_draining = false;
	r->results[worker] = 0;
}

void rig_socket(struct rig *r, unsigned worker)
{
	rig_step(r, &(struct event){
			.kind = EV_SOCKET, .session = rig_session(r, worker), .text = span_str("tcp://rig:1") });
}

void rig_ready(struct rig *r, unsigned worker)
{
	control(r, worker, 0, MSG_WORKER_READY, (struct msg){ .u.nonce.nonce = r->nonce });
}

void rig_worker(struct rig *r, unsigned worker, uint32_t slots, const char *queue, uint64_t window)
{
	r->quiet = true;
	rig_hello(r, worker, 1000 + worker, slots, queue);
	rig_socket(r, worker);
	rig_ready(r, worker);
	r->quiet = false;
	rig_beat(r, worker, (struct rig_beat){ .window = window });
}

void rig_worker_as(struct rig *r, unsigned worker, uint64_t instance)
{
	r->quiet = true;
	rig_hello(r, worker, instance, 1, "q");
	rig_socket(r, worker);
	rig_ready(r, worker);
	r->quiet = false;
	rig_beat(r, worker, (struct rig_beat){ .window = 1 });
}

void rig_beat(struct rig *r, unsigned worker, struct rig_beat b)
{
	uint64_t started = rig_token(r, b.started);

	control(r, worker, ++r->beats, MSG_BEAT,
	        (struct msg){ .u.beat = { .window_jobs = b.window,
	                                  .window_bytes = b.window * MIB,
	                                  .received = b.received,
	                                  .lost = &b.lost,
	                                  .n_lost = b.lost.first > 0,
	                                  .started = &started,
	                                  .n_started = b.started > 0 } });
}

static void outcome(struct rig *r, unsigned worker, uint64_t number, struct msg_outcome_rec *rec)
{
	struct msg m = { .h = { .version = 1, .kind = MSG_OUTCOMES, .number = number } };

	m.h.session = rig_session(r, worker);
	m.u.outcomes.v = rec;
	m.u.outcomes.n = 1;
	send(r, EV_OUTCOMES, 0, &m);
}

void rig_outcome(struct rig *r, unsigned worker, uint64_t id, uint64_t token, enum verdict verdict)
{
	struct msg_outcome_rec rec = {
		.id = id, .token = rig_token(r, token), .verdict = (uint32_t)verdict, .run_ms = 5
	};

	if (verdict == VERDICT_DONE)
		rec.result = span_str("good");
	else
		rec.error = span_str("bad");
	rec.exit = verdict == VERDICT_DONE ? 0 : verdict == VERDICT_FAILED ? 3 : 137;
	outcome(r, worker, ++r->results[worker], &rec);
}

void rig_outcome_numbered(struct rig *r, unsigned worker, uint64_t number, uint64_t id, uint64_t token)
{
	struct msg_outcome_rec rec = { .id = id, .token = rig_token(r, token), .verdict = VERDICT_DONE };

	outcome(r, worker, number, &rec);
}

void rig_progress(struct rig *r, unsigned worker, uint64_t id, uint64_t token, uint32_t percent, const char *text)
{
	struct msg_progress_rec rec = { id, rig_token(r, token), percent, span_str(text) };

	control(r, worker, 0, MSG_PROGRESS, (struct msg){ .u.progress = { &rec, 1 } });
}

void rig_return(struct rig *r, unsigned worker, uint64_t id, uint64_t token)
{
	struct lease_name name = { id, rig_token(r, token) };
	struct msg m = { 0 };

	m.u.leases.v = &name;
	m.u.leases.n = 1;
	control(r, worker, 0, MSG_RETURN, m);
}

void rig_bye(struct rig *r, unsigned worker, uint64_t last)
{
	control(r, worker, 0, MSG_WORKER_BYE, (struct msg){ .u.worker_bye.last = last });
}

void rig_unreachable(struct rig *r, unsigned worker)
{
	rig_step(r, &(struct event){ .kind = EV_UNREACHABLE, .session = rig_session(r, worker) });
}
