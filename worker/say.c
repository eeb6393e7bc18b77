/* What the worker's session says, and the order in which its effects leave. */
#include <stdlib.h>

#include "worker/machine.h"

static void say(struct wsession *s, const struct msg *m)
{
	struct frame *f = calloc(1, sizeof *f);

	must(f != NULL);
	msg_encode(&f->bytes, m);
	if (s->last_frame != NULL)
		s->last_frame->next = f;
	else
		s->frames = f;
	s->last_frame = f;
}

static struct msg message(const struct wsession *s, enum msg_kind kind, uint64_t number)
{
	return (struct msg){ .h = { PROTO_VERSION_MAX, kind, 0, s->epoch, s->session, number } };
}

static void forget_frames(struct wsession *s)
{
	while (s->frames != NULL) {
		struct frame *f = s->frames;

		s->frames = f->next;
		buf_fini(&f->bytes);
		free(f);
	}
	s->last_frame = NULL;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t add_finished(struct msg_held_rec *v, uint32_t n, const struct kept *k)
{
	for (; k != NULL; k = k->next)
		for (uint32_t i = 0; i < k->n && n < LIMIT_HELD; i++)
			v[n++] = (struct msg_held_rec){ k->names[i].id, k->names[i].token, HELD_FINISHED };
	return n;
}

void say_hello(struct wsession *s)
{
	struct msg_held_rec *v = malloc(LIMIT_HELD * sizeof *v);
	uint64_t running[LIMIT_SLOTS];
	uint32_t n = 0, n_running;
	struct msg m;

	must(v != NULL);
	forget_frames(s); /* they were for a session that is over */
	s->n_returns = 0;
	s->session = 0;
	outcomes_close(&s->outcomes);
	n_running = machine_running(s, running);
	qsort(running, n_running, sizeof running[0], by_value);
	for (uint32_t i = 0; i < HELD_PLACES; i++) {
		const struct held *h = &s->held.v[i];
		bool runs =
		    h->token != 0 && bsearch(&h->token, running, n_running, sizeof running[0], by_value) != NULL;

		if (h->token != 0)
			v[n++] = (struct msg_held_rec){ h->id, h->token, runs ? HELD_RUNNING : HELD_WAITING };
	}
	n = add_finished(v, n, s->outcomes.first);
	m = message(s, MSG_WORKER_HELLO, 0);
	m.u.worker_hello = (struct msg_worker_hello){
		.version_min = PROTO_VERSION_MIN,
		.version_max = PROTO_VERSION_MAX,
		.instance = s->config.instance,
		.name = s->config.name,
		.slots = s->config.slots,
		.queues = s->queues,
		.n_queues = s->config.n_queues,
		.held = v,
		.n_held = n,
		.draining = s->told_draining,
	};
	say(s, &m);
	free(v);
	s->state = SESSION_HELLO;
	s->heard_at = s->now;
}

void say_ready(struct wsession *s, uint64_t nonce)
{
	struct msg m = message(s, MSG_WORKER_READY, 0);

	m.u.nonce.nonce = nonce;
	say(s, &m);
}

void say_beat(struct wsession *s)
{
	uint64_t running[LIMIT_SLOTS];
	uint32_t n_running = machine_running(s, running);
	struct msg m = message(s, MSG_BEAT, ++s->beats);

	s->told_window = machine_window(s);
	m.u.beat = (struct msg_beat){
		.window_jobs = s->told_window,
		.window_bytes = s->told_window > 0 ? WINDOW_BYTES : 0,
		.received = s->received,
		.lost = s->lost,
		.n_lost = s->n_lost,
		.started = running,
		.n_started = n_running,
	};
	if (s->n_lost > 0 && s->lost_told == 0) {
		s->lost_beat = s->beats;
		s->lost_told = s->n_lost;
	}
	say(s, &m);
	s->beat_at = s->now;
}

void say_returns(struct wsession *s)
{
	uint32_t n = s->n_returns < LIMIT_RECORDS ? s->n_returns : LIMIT_RECORDS;
	struct msg m = message(s, MSG_RETURN, 0);

	m.u.leases.v = s->returns;
	m.u.leases.n = n;
	say(s, &m);
	s->n_returns -= n;
	memmove(s->returns, s->returns + n, s->n_returns * sizeof s->returns[0]);
}

void say_progress(struct wsession *s)
{
	struct msg_progress_rec v[LIMIT_RECORDS];
	struct msg m = message(s, MSG_PROGRESS, 0);

	m.u.progress.v = v;
	m.u.progress.n = touches_due(&s->touches, s->now, v, LIMIT_RECORDS);
	if (m.u.progress.n > 0)
		say(s, &m);
}

void say_bye(struct wsession *s)
{
	struct msg m = message(s, MSG_WORKER_BYE, 0);

	while (s->n_returns > 0)
		say_returns(s);
	m.u.worker_bye.last = outcomes_last(&s->outcomes);
	say(s, &m);
}

/* The next control message, moved to where it stays valid. */
static bool next_frame(struct wsession *s, struct wsession_effect *e)
{
	struct frame *f;

	if (s->frames == NULL && s->n_returns > 0 && s->state == SESSION_OPEN)
		say_returns(s);
	f = s->frames;
	if (f == NULL)
		return false;
	s->frames = f->next;
	if (s->frames == NULL)
		s->last_frame = NULL;
	buf_fini(&s->sent.bytes);
	s->sent.bytes = f->bytes;
	free(f);
	e->kind = WSESSION_CONTROL;
	e->bytes = buf_span(&s->sent.bytes);
	return true;
}

static bool flag(bool *due, struct wsession_effect *e, enum wsession_effect_kind kind)
{
	if (!*due)
		return false;
	*due = false;
	e->kind = kind;
	return true;
}

/* The next job of the message under way. One that was not taken (a token that is here already, or no room) is left
 * out: who runs a job must hold its lease. */
static bool next_job(struct wsession *s, struct wsession_effect *e)
{
	while (s->next_job < s->n_jobs) {
		const struct msg_job_rec *r = &s->jobs[s->next_job++];
		struct held *h = held_find(&s->held, r->token);

		if (h == NULL || h->handed)
			continue;
		h->handed = true;
		e->kind = WSESSION_RUN;
		e->job = *r;
		return true;
	}
	return false;
}

bool wsession_effect(struct wsession *s, struct wsession_effect *e)
{
	struct kept *k;

	*e = (struct wsession_effect){ 0 };
	if (s->state == SESSION_AWAY && s->reconnect && s->now >= s->retry_at)
		return flag(&s->reconnect, e, WSESSION_RECONNECT);
	if (flag(&s->attach_due, e, WSESSION_ATTACH)) {
		e->jobs = s->attach_jobs;
		e->results = s->attach_results;
		return true;
	}
	if (next_job(s, e))
		return true;
	if (s->next_kill < s->n_kills) {
		e->kind = s->kills[s->next_kill].lease_ms > 0 ? WSESSION_EXPIRED : WSESSION_KILL;
		e->user = s->kills[s->next_kill++].user;
		return true;
	}
	s->n_kills = s->next_kill = 0;
	/* outcomes first: a bye or a beat must not overtake what it speaks of */
	k = s->state == SESSION_OPEN || s->state == SESSION_WELCOMED ? outcomes_take(&s->outcomes, s->epoch, s->session)
	                                                             : NULL;
	if (k != NULL) {
		s->settled_at = s->now;
		e->kind = WSESSION_OUTCOMES;
		e->bytes = buf_span(&k->bytes);
		return true;
	}
	if (next_frame(s, e) || flag(&s->ready_due, e, WSESSION_READY))
		return true;
	if (flag(&s->refused_due, e, WSESSION_REFUSED)) {
		e->why = s->why;
		e->error = s->refusal;
		return true;
	}
	return flag(&s->ended, e, WSESSION_ENDED);
}
