/* See submit.h. */
#include "broker/core/submit.h"

#include "base/crc32c.h"
#include "broker/core/admit.h"
#include "broker/core/after.h"
#include "broker/core/batch.h"
#include "broker/core/client.h"
#include "broker/core/fact.h"
#include "broker/core/fx.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/key.h"
#include "broker/core/policy.h"
#include "broker/core/queue.h"
#include "broker/core/race.h"
#include "broker/core/side.h"
#include "broker/core/topic/news.h"
#include "broker/core/topic/step.h"
#include "broker/core/topic/topic.h"
#include "broker/core/turn.h"
#include "broker/core/wait.h"
#include "broker/core/worker.h"

static void accept(struct core *c, struct client *cl, uint64_t number, uint64_t first, uint32_t count)
{
	struct effect *e = fx_add(c, FX_ACCEPTED);

	e->peer = cl->peer;
	e->session = cl->session;
	e->u.accepted = (struct msg_accepted_rec){ number, first, count };
}

bool submit_answered(struct core *c, struct client *cl, const struct msg *m)
{
	const struct answer *a = client_answer(cl, m->h.number);

	if (a != NULL && a->count > 0)
		accept(c, cl, a->number, a->first, a->count);
	else if (a != NULL)
		fx_answer(c, cl->peer, &m->h, SHEAF_OK, "", a->first);
	else if (m->h.number <= cl->floor)
		fx_answer(c, cl->peer, &m->h, SHEAF_E_OUTCOME, "the answer to this request is no longer known", 0);
	else
		return false;
	return true;
}

/* Bytes of facts that the submit will take. */
static uint64_t submit_bytes(const struct msg_submit *s)
{
	uint64_t n = 2 * LIMIT_QUEUE_NAME + 256 + 8 * SETTINGS + 4 * LIMIT_NAME + s->headers.n + s->terms.key.n +
	             8 * s->terms.n_after + race_fact_bytes(s->terms.replicas);

	for (uint32_t i = 0; i < s->n; i++)
		n += FACT_PUT_RECORD + s->payloads[i].n;
	return n;
}

/* What does not go together with replicas, or without them; NULL if all is well. */
static const char *bad_race(const struct msg_submit *s)
{
	const struct msg_terms *t = &s->terms;

	if (t->replicas == 0)
		return t->hedge_ms || t->race_ms ? "hedge_ms and race_ms go with replicas" : NULL;
	if (s->n != 1)
		return "a race has one payload";
	if (t->race_ms == 0)
		return "a race needs a deadline: race_ms";
	return t->group.n ? "a group runs one job at a time, a race several" : NULL;
}

static struct refusal refuse_after(const struct core *c, const struct msg_submit *s)
{
	struct refusal r = { SHEAF_OK, "" };
	const char *why;

	if (s->terms.n_after == 0)
		return r;
	why = after_refused(c, s->terms.after, s->terms.n_after, s->flags & SUBMIT_AFTER_ANY, s->n, &r.error);
	if (why != NULL)
		r.text = why;
	return r;
}

/* What is wrong with the submit itself, whatever the broker's state; NULL if nothing is. */
static const char *bad_terms(const struct core *c, const struct msg_submit *s)
{
	const struct msg_terms *t = &s->terms;

	if (t->expires_ms != 0 && t->within_ms != 0)
		return "expires_ms and within_ms exclude each other";
	if (t->expires_ms != 0 && t->expires_ms <= c->wall)
		return "expires: that time is over already";
	if (bad_race(s) != NULL)
		return bad_race(s);
	if (t->delay_ms != 0 && t->at_ms != 0)
		return "a delay and a time exclude each other";
	if (t->key.n > 0 && s->n != 1)
		return "key: of one payload only";
	return NULL;
}

/* Why the submit cannot be taken now; error SHEAF_OK: it can. */
static struct refusal refuse(struct core *c, const struct client *cl, const struct msg_submit *s)
{
	struct batch *b = s->batch != 0 ? batch_find(c, s->batch) : NULL;
	const struct queue *q = queue_find(c, s->queue);
	struct refusal no = admit_bytes(c, submit_bytes(s));
	const char *why = bad_terms(c, s);
	enum sheaf_error e;

	if (no.error == SHEAF_OK)
		no = admit_queue(c, q);
	if (no.error != SHEAF_OK)
		return no;
	if (why != NULL)
		return (struct refusal){ SHEAF_E_BAD_VALUE, why };
	why = news_refused(c, s->terms.topic, &e);
	if (why != NULL)
		return (struct refusal){ e, why };
	if ((s->flags & SUBMIT_WANT) && cl->n_waits + s->n > LIMIT_CLIENT_WAITS)
		return (struct refusal){ SHEAF_E_TOO_LARGE, "one client awaits at most 65536 jobs" };
	if (s->terms.key.n > 0)
		no = admit_key(c, q, 0, 0);
	if (no.error != SHEAF_OK)
		return no;
	if (s->batch != 0 && b == NULL)
		return (struct refusal){ SHEAF_E_UNKNOWN, "there is no such batch" };
	if (b != NULL && b->closed)
		return (struct refusal){ SHEAF_E_CLOSED, "the batch is closed" };
	no = admit_policies(c, 1, s->headers.n + s->terms.tenant.n + s->terms.group.n + s->terms.topic.n);
	return no.error != SHEAF_OK ? no : refuse_after(c, s);
}

/* When its jobs are due, by the wall clock; 0 = at once. */
static uint64_t due_of(const struct core *c, const struct msg_terms *t)
{
	uint64_t due = t->delay_ms != 0 ? c->wall + t->delay_ms : t->at_ms;

	return due > c->wall ? due : 0;
}

/* Fills in what the submit leaves to its queue, and makes times absolute. */
static void settle_terms(const struct core *c, const struct queue *q, struct msg_submit *s)
{
	if (s->attempts == 0)
		s->attempts = q->settings.attempts != 0 ? (uint32_t)q->settings.attempts : DEFAULT_ATTEMPTS;
	if (s->lease_ms == 0)
		s->lease_ms = q->settings.lease_ms;
	if (s->terms.backoff_ms == 0)
		s->terms.backoff_ms = q->settings.backoff_ms;
	if (s->terms.backoff_max_ms == 0)
		s->terms.backoff_max_ms = q->settings.backoff_max_ms;
	if (s->terms.within_ms != 0)
		s->terms.expires_ms = c->wall + s->terms.within_ms;
	if (s->terms.race_ms != 0 && (s->terms.expires_ms == 0 || s->terms.expires_ms - c->wall > s->terms.race_ms))
		s->terms.expires_ms = c->wall + s->terms.race_ms;
}

/* Writes the JOBS_PUT fact. at[i]: where each payload stands, counted from the first fact. */
static void write_put(struct core *c, const struct client *cl, uint64_t number, const struct msg_submit *s,
                      const struct queue *q, uint64_t *at, uint32_t *crc)
{
	struct buf *b = &c->fx->block;
	struct fact_put put;
	size_t begun;

	buf_room(b, submit_bytes(s)); /* grows once */
	begun = fact_begin(b, FACT_JOBS_PUT);
	put = (struct fact_put){
		.queue = q->index,
		.priority = (uint8_t)s->priority,
		.attempts = (uint8_t)s->attempts,
		.replicas = (uint8_t)s->terms.replicas,
		.count = s->n + s->terms.replicas,
		.session = cl->session,
		.number = number,
		.floor = cl->floor,
		.submitted_ms = c->wall,
		.lease_ms = s->lease_ms,
		.batch = s->batch,
		.headers = s->headers,
		.flags = due_of(c, &s->terms) != 0 && s->terms.at_ms != 0 ? FACT_DATED : 0,
		.due_ms = due_of(c, &s->terms),
		.expires_ms = s->terms.expires_ms,
		.backoff_ms = s->terms.backoff_ms,
		.backoff_max_ms = s->terms.backoff_max_ms,
		.tenant = s->terms.tenant,
		.group = s->terms.group,
		.topic = s->terms.topic,
		.n_after = (uint8_t)s->terms.n_after,
	};
	if (s->flags & SUBMIT_AFTER_ANY)
		put.flags |= FACT_AFTER_ANY;
	if (s->terms.n_after > 0)
		memcpy(put.after, s->terms.after, s->terms.n_after * sizeof put.after[0]);
	fact_put_put(b, &put);
	for (uint32_t i = 0; i < s->n; i++) {
		crc[i] = crc32c(0, s->payloads[i].p, s->payloads[i].n);
		fact_put_put_rec(
		    b, &(struct fact_put_rec){ .id = c->next_id + i, .crc = crc[i], .payload = s->payloads[i] });
		at[i] = b->n - s->payloads[i].n - LOG_BLOCK_HEADER;
	}
	race_put_children(b, c->next_id, 0, s->terms.replicas);
	fact_end(b, begun);
	if (s->terms.replicas > 0)
		race_fact_begin(b, c->next_id, s->terms.replicas, s->terms.hedge_ms);
}

/* Gives a job the side that the terms ask for, if they do. */
static void submit_terms(struct core *c, struct job *j, const struct msg_terms *t, bool any)
{
	uint64_t due = due_of(c, t);
	struct side *side;

	if (due == 0 && t->expires_ms == 0 && t->n_after == 0)
		return;
	side = side_make(j);
	side->due = due;
	side->dated = due != 0 && t->at_ms != 0;
	side->expires = t->expires_ms;
	if (t->n_after == 0)
		return;
	after_hold(c, side, t->after, t->n_after, any);
	must(after_link(c, side));
}

/* Answers a repeat of a key with the id that the key stands for; nothing is written. True if it was one. */
static bool repeated(struct core *c, struct client *cl, const struct msg *m)
{
	const struct msg_submit *s = &m->u.submit;
	const struct queue *q = s->terms.key.n > 0 ? queue_find(c, s->queue) : NULL;
	uint64_t id = q != NULL && s->n == 1 ? key_find(c, q, s->terms.key) : 0;

	if (id == 0)
		return false;
	if ((s->flags & SUBMIT_WANT) && cl->n_waits >= LIMIT_CLIENT_WAITS)
		return false; /* refused for it */
	client_remember(cl, m->h.number, id, 1);
	accept(c, cl, m->h.number, id, 1);
	if (s->flags & SUBMIT_WANT)
		must(wait_on(c, cl, id, 0));
	return true;
}

/* Makes a race of a job, which is not delayed itself, and begins it and its replicas. */
static void submit_race(struct core *c, struct job *j, const struct msg_terms *t)
{
	struct race *race = race_new(c, j, t->replicas, t->hedge_ms);

	j->in.side->due = 0;
	j->in.side->dated = false;
	job_begin(c, j);
	for (uint32_t i = 1; i <= t->replicas; i++)
		race_add_child(c, race, j->id + i, due_of(c, t), t->at_ms != 0);
}

/* Begins a job, or the race that it is. */
static void begin(struct core *c, struct job *j, const struct msg_submit *s)
{
	submit_terms(c, j, &s->terms, s->flags & SUBMIT_AFTER_ANY);
	if (s->terms.replicas > 0)
		submit_race(c, j, &s->terms);
	else
		job_begin(c, j);
}

/* What is published with it, then the step's block. Returns the position of the first fact's head. */
static uint64_t place(struct core *c, struct queue *q, const struct msg_submit *s)
{
	uint64_t base;

	if (s->terms.topic.n > 0 && !topic_ephemeral(s->terms.topic))
		must(topic_for(c, s->terms.topic) != NULL); /* it was refused else */
	news_submitted(c, q, c->next_id, s->n);
	step_write(c);
	base = turn_place(c);
	step_apply(c, base);
	return base;
}

void submit_request(struct core *c, struct client *cl, const struct msg *m)
{
	struct msg_submit s = m->u.submit;
	struct key_fact key;
	struct refusal no;
	struct batch *b;
	struct queue *q;
	uint64_t at[LIMIT_RECORDS], after[LIMIT_AFTER], first, base;
	uint32_t crc[LIMIT_RECORDS], policy, batch = NO_INDEX;

	client_answered(cl, s.answered);
	if (submit_answered(c, cl, m) || repeated(c, cl, m))
		return;
	no = refuse(c, cl, &s);
	if (no.error != SHEAF_OK) {
		fx_answer(c, cl->peer, &m->h, no.error, no.text, 0);
		return;
	}
	q = queue_for(c, s.queue);
	if (q == NULL) {
		fx_answer(c, cl->peer, &m->h, SHEAF_E_FULL, "there are 10000 queues already", 0);
		return;
	}
	settle_terms(c, q, &s);
	s.terms.n_after = after_unended(c, s.terms.after, s.terms.n_after, after);
	s.terms.after = after;
	write_put(c, cl, m->h.number, &s, q, at, crc);
	if (s.terms.key.n > 0)
		key = key_write(c, q, s.terms.key, c->next_id);
	base = place(c, q, &s);
	if (s.terms.key.n > 0)
		key_add(c, q, &key.f, base + key.at);

	first = c->next_id;
	c->next_id += s.n + s.terms.replicas;
	c->count.submits++;
	q->submitted += s.n + s.terms.replicas;
	policy = policy_intern(c,
	                       &(struct policy_words){ .headers = s.headers,
	                                               .lease_ms = s.lease_ms,
	                                               .backoff_ms = s.terms.backoff_ms,
	                                               .backoff_max_ms = s.terms.backoff_max_ms,
	                                               .queue = q,
	                                               .tenant = s.terms.tenant,
	                                               .group = s.terms.group,
	                                               .topic = s.terms.topic },
	                       s.n);
	b = s.batch != 0 ? batch_find(c, s.batch) : NULL;
	if (b != NULL) {
		batch = b->index;
		b->total += s.n;
		b->members += s.n;
	}
	client_remember(cl, m->h.number, first, s.n);
	accept(c, cl, m->h.number, first, s.n);
	for (uint32_t i = 0; i < s.n; i++) {
		struct job_bytes where = { base + at[i], (uint32_t)s.payloads[i].n, crc[i],
			                   job_overhead(false, s.n, s.headers.n + s.terms.tenant.n + s.terms.group.n) +
			                       s.terms.replicas * FACT_PUT_RECORD,
			                   0 };
		struct job *j = job_put(c, q, first + i, &where);

		j->priority = s.priority & 15;
		j->attempts = s.attempts & 255;
		j->submitted_ms = c->wall & JOB_MS_MASK;
		j->p.policy = policy;
		j->batch = batch;
		if (s.flags & SUBMIT_WANT)
			wait_add(c, cl, j->id, 0, &j->w.waiter);
		begin(c, j, &s);
	}
}

void submit_cancel(struct core *c, struct client *cl, const struct msg *m)
{
	const struct msg_ids *ids = &m->u.ids;
	struct refusal last = { SHEAF_E_UNKNOWN, "there is no such job" };
	uint32_t n = 0;

	for (uint32_t i = 0; i < ids->n; i++) {
		struct job *j = job_find(&c->jobs, ids->ids[i]);

		if (j == NULL)
			continue;
		if (job_terminal(j) || j->flags & JOB_ENDING) {
			last = (struct refusal){ SHEAF_E_FINISHED, "the job has ended already" };
			continue;
		}
		if ((ids->flags & CANCEL_UNSTARTED) && race_of(j) != NULL && race_runs(race_of(j))) {
			last = (struct refusal){ SHEAF_E_FINISHED, "the race is on" };
			continue;
		}
		if ((ids->flags & CANCEL_UNSTARTED) && j->state == JOB_RUNNING && worker_started(j->in.lease)) {
			last = (struct refusal){ SHEAF_E_FINISHED, "the job is running" };
			continue;
		}
		if ((ids->flags & CANCEL_UNSTARTED) && j->state == JOB_RUNNING && worker_ask_back(c, j->in.lease)) {
			n++; /* it ends when the worker gives it back; if it has begun meanwhile, it goes on */
			continue;
		}
		if (j->state == JOB_RUNNING)
			worker_revoke(c, j->in.lease);
		j->flags |= JOB_ENDING;
		turn_end_job(
		    c, &(struct ending){
			   .job = j, .state = JOB_CANCELLED, .used = j->attempt, .error = span_str("cancelled") });
		n++;
	}
	turn_commit(c);
	if (n == 0)
		fx_answer(c, cl->peer, &m->h, last.error, last.text, 0);
	else
		fx_answer(c, cl->peer, &m->h, SHEAF_OK, "", n);
}
