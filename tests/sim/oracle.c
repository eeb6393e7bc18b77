/* The auditor: a naive model of what clients and workers saw, held against the promises. */
#include <stdlib.h>

#include "tests/sim/oracle.h"

/* What a handler returns: which run it was. */
struct answer {
	uint64_t tag;
	uint64_t token;
	uint64_t check;
};

struct oracle *oracle_new(struct world *w)
{
	struct oracle *o = calloc(1, sizeof *o);

	must(o != NULL);
	o->w = w;
	return o;
}

void oracle_free(struct oracle *o)
{
	free(o->v);
	free(o->by_id);
	free(o->tokens);
	free(o);
}

struct known *oracle_by_tag(struct oracle *o, uint64_t tag)
{
	if (tag == 0 || tag > o->n)
		world_fail(o->w, "a job with tag %llu, which nobody posted", (unsigned long long)tag);
	return &o->v[tag - 1];
}

struct known *oracle_by_id(struct oracle *o, uint64_t id)
{
	return id < o->n_ids && o->by_id[id] != 0 ? oracle_by_tag(o, o->by_id[id]) : NULL;
}

uint64_t oracle_post(struct oracle *o, const struct wanted *wanted)
{
	if (o->n == o->cap) {
		o->cap = o->cap ? 2 * o->cap : 256;
		o->v = realloc(o->v, o->cap * sizeof o->v[0]);
		must(o->v != NULL);
	}
	o->v[o->n] = (struct known){ .tag = o->n + 1,
		                     .posted_ms = world_wall(o->w),
		                     .behaviour = wanted->behaviour,
		                     .attempts = wanted->attempts,
		                     .queue = wanted->queue,
		                     .priority = wanted->priority,
		                     .not_before = wanted->not_before,
		                     .ends_from = wanted->ends_from,
		                     .ends_by = wanted->ends_by,
		                     .leased = wanted->leased,
		                     .shared = wanted->shared,
		                     .race = wanted->race,
		                     .key = wanted->key,
		                     .after = wanted->after,
		                     .after_any = wanted->after_any };
	o->cancels += wanted->race; /* who loses is told to stop */
	return ++o->n;
}

static void room_for_id(struct oracle *o, uint64_t id)
{
	uint64_t n = 2 * id + 64;

	if (id < o->n_ids)
		return;
	o->by_id = realloc(o->by_id, n * sizeof o->by_id[0]);
	must(o->by_id != NULL);
	memset(o->by_id + o->n_ids, 0, (n - o->n_ids) * sizeof o->by_id[0]);
	o->n_ids = n;
}

struct known *oracle_tie(struct oracle *o, uint64_t tag, uint64_t id)
{
	struct known *k = oracle_by_tag(o, tag);

	room_for_id(o, id);
	if ((k->id != 0 && k->id != id) ||
	    (o->by_id[id] != 0 && o->by_id[id] != tag && !oracle_same_key(k, oracle_by_tag(o, o->by_id[id]))))
		world_fail(o->w, "job %llu with tag %llu: the tag had id %llu, the id tag %llu", (unsigned long long)id,
		           (unsigned long long)tag, (unsigned long long)k->id, (unsigned long long)o->by_id[id]);
	if (o->by_id[id] == 0)
		o->by_id[id] = tag;
	if (k->id == 0) {
		k->id = id;
		k->known_ms = world_wall(o->w);
		oracle_all_tied(o, k);
	}
	return k;
}

void oracle_accepted(struct oracle *o, uint64_t tag, uint64_t id)
{
	world_note(o->w, "accepted tag=%llu id=%llu", (unsigned long long)tag, (unsigned long long)id);
	o->w->totals->jobs++;
	oracle_tie(o, tag, id);
}

void oracle_refused(struct oracle *o, uint64_t tag)
{
	oracle_by_tag(o, tag)->refused = true;
}

static void add_token(struct oracle *o, uint64_t token);

static void grow_tokens(struct oracle *o)
{
	uint64_t *old = o->tokens, n = o->cap_tokens;

	o->cap_tokens = n ? 2 * n : 1024;
	o->tokens = calloc(o->cap_tokens, sizeof o->tokens[0]);
	must(o->tokens != NULL);
	o->n_tokens = 0;
	for (uint64_t i = 0; i < n; i++)
		if (old[i] != 0)
			add_token(o, old[i]);
	free(old);
}

static void add_token(struct oracle *o, uint64_t token)
{
	uint64_t i;

	if (2 * o->n_tokens >= o->cap_tokens)
		grow_tokens(o);
	for (i = token * 0x9e3779b97f4a7c15u % o->cap_tokens; o->tokens[i] != 0; i = (i + 1) % o->cap_tokens)
		if (o->tokens[i] == token)
			world_fail(o->w, "the token %llx is used twice", (unsigned long long)token);
	o->tokens[i] = token;
	o->n_tokens++;
}

/* A repeat's answer came first; the job itself is this one. */
static struct known *take_over(struct oracle *o, struct known *k)
{
	const struct known *other = oracle_by_id(o, k->id);

	if (other->n_granted > 0)
		world_fail(o->w, "job %llu has two payloads", (unsigned long long)k->id);
	k->seen |= other->seen;
	k->cancelled |= other->cancelled;
	k->redriven |= other->redriven;
	k->state = other->state;
	k->attempt = other->attempt;
	k->token = other->token;
	k->finished_ms = other->finished_ms;
	o->by_id[k->id] = k->tag;
	return k;
}

static const struct task *task_of(struct oracle *o, const struct msg_job_rec *r)
{
	static struct task t;

	if (r->payload.n < sizeof t)
		world_fail(o->w, "job %llu has a payload of %zu bytes", (unsigned long long)r->id, r->payload.n);
	memcpy(&t, r->payload.p, sizeof t);
	for (size_t i = sizeof t; i < r->payload.n; i++)
		if (r->payload.p[i] != (uint8_t)(t.tag + i))
			world_fail(o->w, "the payload of job %llu is damaged", (unsigned long long)r->id);
	t.tag = oracle_tag(r);
	return &t;
}

/* It may be granted, and this is not the grant of before. */
static void must_be_due(struct oracle *o, const struct known *k, const struct msg_job_rec *r)
{
	if (r->token <= k->granted)
		world_fail(o->w, "job %llu is granted with a token that is not above the last",
		           (unsigned long long)r->id);
	if (k->seen && !(oracle_redriven(o, k) && k->state == JOB_DEAD))
		world_fail(o->w, "job %llu is granted, and somebody has seen its end", (unsigned long long)r->id);
	if (r->attempt == 0 || r->attempt > (k->attempts > 0 ? k->attempts : SIM_MOST_ATTEMPTS))
		world_fail(o->w, "job %llu is granted for attempt %u of %u", (unsigned long long)r->id, r->attempt,
		           k->attempts);
	if (world_wall(o->w) < k->not_before)
		world_fail(o->w, "job %llu is granted before its time", (unsigned long long)r->id);
}

void oracle_granted(struct oracle *o, uint64_t session, const struct msg_job_rec *r)
{
	struct known *k = oracle_by_tag(o, task_of(o, r)->tag);

	world_note(o->w, "grant id=%llu token=%llx to %llx", (unsigned long long)r->id, (unsigned long long)r->token,
	           (unsigned long long)session);
	add_token(o, r->token);
	o->w->totals->grants++;
	if (k->race > 0 && r->id != k->id) {
		room_for_id(o, r->id);
		o->by_id[r->id] = k->tag;
		oracle_replica_granted(o, session, k, r);
	} else {
		k = oracle_tie(o, k->tag, r->id);
	}
	if (k->race == 0 && o->by_id[r->id] != k->tag)
		k = take_over(o, k);
	if (k->n_granted == 0)
		oracle_check_key(o, k);
	if (k->race == 0)
		must_be_due(o, k, r);
	if (k->granted < r->token)
		k->granted = r->token;
	k->granted_us = o->w->now_us;
	o->w->totals->regranted += k->n_granted++ > 0;
}

void oracle_ran(struct oracle *o, uint64_t id, uint64_t token)
{
	struct known *k = oracle_by_id(o, id);

	if (k == NULL)
		world_fail(o->w, "job %llu ran, and nobody granted it", (unsigned long long)id);
	if (token > k->granted)
		world_fail(o->w, "job %llu ran with a token that nobody granted", (unsigned long long)id);
	k->runs++;
}

struct span oracle_answer(uint64_t tag, uint64_t token, uint8_t out[24])
{
	struct answer a = { tag, token, tag * 31 ^ token * 17 };

	static_assert(sizeof a == 24, "an answer has no holes");
	memcpy(out, &a, sizeof a);
	return span_of(out, sizeof a);
}

/* The token of the run that made this result; 0: no run did. */
static uint64_t token_of(struct oracle *o, const struct known *k, struct span s)
{
	struct answer a;

	if (s.n < sizeof a)
		return 0;
	memcpy(&a, s.p, sizeof a);
	if (a.tag != k->tag || a.check != (a.tag * 31 ^ a.token * 17))
		world_fail(o->w, "the result of job %llu is not what its handler made", (unsigned long long)k->id);
	return a.token;
}

static void must_fit(struct oracle *o, const struct known *k, const struct msg_result_rec *r)
{
	bool fails = k->behaviour == DO_FAIL || k->behaviour == DO_KILLED;

	if (r->state == JOB_DONE && fails)
		world_fail(o->w, "job %llu is done, and its handler fails always", (unsigned long long)k->id);
	if (r->state == JOB_CANCELLED && !k->cancelled && !o->purged[k->queue] && k->after == 0)
		world_fail(o->w, "job %llu is cancelled, and nobody asked for it", (unsigned long long)k->id);
	if (r->state == JOB_EXPIRED && (k->ends_from == 0 || world_wall(o->w) < k->ends_from))
		world_fail(o->w, "job %llu has expired too early", (unsigned long long)k->id);
	if (o->w->calm && r->state == JOB_DEAD && !fails && k->behaviour != DO_FLAKY && k->behaviour != DO_MURDER &&
	    !k->leased && k->race == 0 && !o->leased[k->queue])
		world_fail(o->w, "job %llu is dead without a reason", (unsigned long long)k->id);
}

/* Whether the broker may have forgotten how this job ended. */
static bool forgettable(const struct oracle *o, const struct known *k)
{
	return o->w->forgets || o->deleted[k->queue] ||
	       (o->dead_purged[k->queue] && (k->state == JOB_NONE || k->state == JOB_DEAD));
}

void oracle_result(struct oracle *o, const struct msg_result_rec *r)
{
	struct known *k = oracle_by_id(o, r->id);
	uint64_t token = 0;

	if (k == NULL)
		world_fail(o->w, "a result for job %llu, which nobody knows", (unsigned long long)r->id);
	world_note(o->w, "result id=%llu %s", (unsigned long long)r->id, job_state_name((enum job_state)r->state));
	if (r->state == JOB_NONE) {
		if (!r->gone || !forgettable(o, k))
			world_fail(o->w, "job %llu was accepted and is unknown now", (unsigned long long)r->id);
		k->seen = true;
		return;
	}
	if (!job_state_terminal((enum job_state)r->state))
		world_fail(o->w, "a result for job %llu, which is %s", (unsigned long long)r->id,
		           job_state_name((enum job_state)r->state));
	if (oracle_old_death(o, k, r))
		return;
	if (!r->gone && r->state != JOB_CANCELLED && (k->race == 0 || r->state == JOB_DONE))
		token = token_of(o, k, r->result.n > 0 ? r->result : r->error);
	must_fit(o, k, r);
	if (k->state != JOB_NONE && !(oracle_redriven(o, k) && k->state == JOB_DEAD) &&
	    (k->state != r->state || k->attempt != r->attempt || (k->token != token && !r->gone)))
		world_fail(o->w, "job %llu ended twice: %s by %llx, now %s by %llx", (unsigned long long)r->id,
		           job_state_name((enum job_state)k->state), (unsigned long long)k->token,
		           job_state_name((enum job_state)r->state), (unsigned long long)token);
	/* leases that are young, or were given back, may be unknown to the next broker */
	if (token != 0 && token != k->granted && k->race == 0 && !oracle_redriven(o, k) &&
	    o->crashed_us < k->granted_us)
		world_fail(o->w, "the result of job %llu is of the token %llx, and %llx was granted later",
		           (unsigned long long)r->id, (unsigned long long)token, (unsigned long long)k->granted);
	k->seen = true;
	k->state = r->state;
	k->finished_ms = r->finished_ms;
	k->attempt = r->attempt;
	k->token = token;
}

void oracle_cancel_asked(struct oracle *o, uint64_t id)
{
	struct known *k = oracle_by_id(o, id);

	o->cancels++;
	if (k != NULL)
		k->cancelled = true;
}

uint64_t oracle_cancels(const struct oracle *o)
{
	return o->cancels;
}

void oracle_purge_asked(struct oracle *o, uint32_t queue)
{
	o->purged[queue] = true;
}

void oracle_delete_asked(struct oracle *o, uint32_t queue)
{
	o->deleted[queue] = true;
}

void oracle_crashed(struct oracle *o)
{
	o->crashed_us = o->w->now_us;
}

void oracle_restarted(struct oracle *o, const struct core *core)
{
	oracle_limits_restarted(o, core);
	for (uint64_t i = 0; i < o->n; i++) {
		const struct known *k = &o->v[i];
		enum job_state now;

		if (!oracle_own(o, k))
			continue;
		now = core_job_state(core, k->id);
		if (now == JOB_NONE && !forgettable(o, k))
			world_fail(o->w, "job %llu was accepted, and the crash lost it", (unsigned long long)k->id);
		if (k->seen && now != JOB_NONE && k->state != JOB_NONE && now != k->state &&
		    !(oracle_redriven(o, k) && k->state == JOB_DEAD))
			world_fail(o->w, "job %llu was %s, and is %s after the crash", (unsigned long long)k->id,
			           job_state_name((enum job_state)k->state), job_state_name(now));
	}
}

void oracle_each(struct oracle *o, void (*fn)(void *ctx, uint64_t id), void *ctx)
{
	for (uint64_t i = 0; i < o->n; i++)
		if (oracle_own(o, &o->v[i]) && !o->v[i].seen)
			fn(ctx, o->v[i].id);
}

bool oracle_complete(const struct oracle *o)
{
	for (uint64_t i = 0; i < o->n; i++)
		if (oracle_own(o, &o->v[i]) && !o->v[i].seen)
			return false;
	return true;
}

void oracle_final(struct oracle *o)
{
	for (uint64_t i = 0; i < o->n; i++) {
		const struct known *k = &o->v[i];

		if (k->due && k->id == 0 && !o->purged[k->queue] && !o->deleted[k->queue])
			world_fail(o->w, "the job with tag %llu, which follows a batch, never came",
			           (unsigned long long)k->tag);
		if (oracle_own(o, k) && !k->seen)
			world_fail(o->w, "job %llu has not ended", (unsigned long long)k->id);
	}
}
