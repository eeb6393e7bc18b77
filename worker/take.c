/* What the worker's session makes of the broker's messages. */
#include "worker/machine.h"

/* A stale job: it is not ours any more. */
static void forget(struct wsession *s, uint64_t token)
{
	struct held *h = held_find(&s->held, token);

	if (h == NULL)
		return;
	if (h->user != NULL && !s->config.drop(s->config.ctx, h->user))
		machine_kill(s, h->user, 0);
	machine_let_go(s, h);
}

static void welcome(struct wsession *s, const struct msg *m)
{
	const struct msg_worker_welcome *w = &m->u.worker_welcome;

	if (s->state != SESSION_HELLO)
		return; /* the answer to an older hello */
	s->session = m->h.session;
	s->epoch = m->h.epoch;
	s->beat_ms = w->beat_ms > 0 ? w->beat_ms : DEFAULT_BEAT_MS;
	s->liveness_ms = w->liveness_ms > 0 ? w->liveness_ms : DEFAULT_LIVENESS_MS;
	for (uint32_t i = 0; i < w->n_dropped; i++)
		forget(s, w->dropped[i]);
	s->received = 0;
	s->n_lost = s->lost_told = 0;
	s->greeted = false;
	s->backoff_ms = BACKOFF_LEAST_MS;
	s->settled_at = s->now;
	outcomes_renumber(&s->outcomes);
	s->attach_jobs = w->jobs;
	s->attach_results = w->results;
	s->attach_due = true;
	s->state = SESSION_WELCOMED;
}

static void nonce(struct wsession *s, const struct msg *m)
{
	if (s->state != SESSION_WELCOMED || m->h.session != s->session)
		return;
	s->state = SESSION_OPEN;
	touches_say_again(&s->touches, s->now);
	say_ready(s, m->u.nonce.nonce);
	say_beat(s);
}

/* Notes that the messages before this one never came. */
static void note_gap(struct wsession *s, uint64_t number)
{
	struct msg_range gap = { s->received + 1, number - 1 };

	if (s->n_lost == LIMIT_LOST_RANGES) {
		s->lost[s->n_lost - 1].last = gap.last; /* what lies between is given back with it: that does no harm */
		if (s->lost_told == s->n_lost)
			s->lost_told--; /* as it is now, it has not been told */
	} else {
		s->lost[s->n_lost++] = gap;
	}
}

static void jobs(struct wsession *s, const struct msg *m)
{
	bool gap = m->h.number > s->received + 1;

	if (s->state != SESSION_OPEN || m->h.session != s->session || m->h.number <= s->received)
		return;
	if (gap)
		note_gap(s, m->h.number);
	s->received = m->h.number;
	for (uint32_t i = 0; i < m->u.jobs.n; i++) {
		const struct msg_job_rec *r = &m->u.jobs.v[i];
		struct held *h = held_add(&s->held, r->token);

		if (h == NULL)
			continue; /* beyond every window: the broker's liveness rules bring it back */
		h->id = r->id;
		h->bytes = (uint32_t)r->payload.n;
		if (s->draining)
			machine_return(s, h);
	}
	if (!s->draining) {
		s->jobs = m->u.jobs.v;
		s->n_jobs = m->u.jobs.n;
		s->next_job = 0;
	}
	if (gap || m->u.jobs.n == 0)
		say_beat(s); /* without jobs it is a probe: it asks what has come */
}

static void settled(struct wsession *s, const struct msg *m)
{
	if (m->h.session != s->session || (s->state != SESSION_OPEN && s->state != SESSION_WELCOMED))
		return;
	if (m->u.settled.settled > s->outcomes.settled) {
		s->settled_at = s->now;
		outcomes_settle(&s->outcomes, m->u.settled.settled);
	}
	if (m->h.kind == MSG_SETTLED && m->u.settled.resend)
		outcomes_resend(&s->outcomes);
}

static void beat_answer(struct wsession *s, const struct msg *m)
{
	if (m->h.session != s->session)
		return;
	settled(s, m);
	s->told_draining = m->u.settled.draining != 0;
	if (s->lost_told > 0 && m->h.number >= s->lost_beat) {
		s->n_lost -= s->lost_told;
		memmove(s->lost, s->lost + s->lost_told, s->n_lost * sizeof s->lost[0]);
		s->lost_told = 0;
	}
	if (!s->greeted && s->state == SESSION_OPEN)
		s->greeted = s->ready_due = true;
}

/* What has not begun goes back; the rest is left alone. */
static void recall(struct wsession *s, const struct msg *m)
{
	if (m->h.session != s->session)
		return;
	for (uint32_t i = 0; i < m->u.leases.n; i++) {
		struct held *h = held_find(&s->held, m->u.leases.v[i].token);

		if (h != NULL && h->user != NULL && s->config.drop(s->config.ctx, h->user))
			machine_return(s, h);
	}
}

static void revoke(struct wsession *s, const struct msg *m)
{
	if (m->h.session != s->session)
		return;
	for (uint32_t i = 0; i < m->u.leases.n; i++)
		forget(s, m->u.leases.v[i].token);
}

static void no_session(struct wsession *s, const struct msg *m)
{
	if (s->state == SESSION_ENDED || s->state == SESSION_HELLO || (m->h.session != 0 && m->h.session != s->session))
		return;
	say_hello(s);
}

static void refused(struct wsession *s, const struct msg *m)
{
	if (m->u.reply.error == SHEAF_E_DENIED && s->session != 0 && m->h.session == s->session)
		no_session(s, m); /* our key may no longer what it might: what hello is told says why */
	if (s->state != SESSION_HELLO || m->h.session != 0 || m->u.reply.error == SHEAF_OK)
		return;
	s->why = m->u.reply.text;
	s->refusal = (enum sheaf_error)m->u.reply.error;
	s->refused_due = true;
	s->state = SESSION_REFUSED;
	s->retry_at = s->now + REFUSED_MS;
}

void wsession_message(struct wsession *s, uint64_t now_ms, const struct msg *m)
{
	s->now = now_ms;
	if (s->state == SESSION_ENDED || s->state == SESSION_AWAY)
		return;
	if (m->h.kind != MSG_JOBS && m->h.kind != MSG_JOBS_WELCOME)
		s->heard_at = now_ms;
	switch (m->h.kind) {
	case MSG_WORKER_WELCOME:
		welcome(s, m);
		break;
	case MSG_JOBS_WELCOME:
		nonce(s, m);
		break;
	case MSG_JOBS:
		jobs(s, m);
		break;
	case MSG_BEAT_ANSWER:
		beat_answer(s, m);
		break;
	case MSG_SETTLED:
		settled(s, m);
		break;
	case MSG_RECALL:
		recall(s, m);
		break;
	case MSG_REVOKE:
		revoke(s, m);
		break;
	case MSG_NO_SESSION:
		no_session(s, m);
		break;
	case MSG_REPLY:
		refused(s, m);
		break;
	default:
		break; /* a newer broker may say more */
	}
}
