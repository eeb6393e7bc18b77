/* The life of a race; see race.h. */
#include "broker/core/race.h"

#include <stdlib.h>

#include "base/text.h"
#include "broker/core/after.h"
#include "broker/core/fact.h"
#include "broker/core/fx.h"
#include "broker/core/history.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/policy.h"
#include "broker/core/side.h"
#include "broker/core/turn.h"
#include "broker/core/worker.h"

enum { ROOM_FOR_OTHERS = 512 };

/* ---- its beginning ---- */

/* How many replicas may run when nothing has happened yet. */
static uint32_t first_open(const struct race *race)
{
	if (side_of(race->parent)->after != NULL)
		return 0;
	return race->hedge_ms != 0 ? 1 : race->n;
}

struct race *race_new(struct core *c, struct job *parent, uint32_t n, uint64_t hedge_ms)
{
	struct race *race = calloc(1, sizeof *race + n * sizeof race->v[0]);

	must(race != NULL && n > 0 && n <= LIMIT_REPLICAS);
	race->id = parent->id;
	race->parent = parent;
	race->n = n;
	race->hedge_ms = hedge_ms;
	side_make(parent)->race = race;
	race->opened = c->replaying ? n : first_open(race); /* a replay finds out when it is over */
	list_init(&race->link);
	list_push_back(&c->races, &race->all);
	for (uint32_t i = 0; i < n; i++)
		list_init(&race->v[i].parked);
	return race;
}

static void race_free(struct core *c, struct race *race)
{
	if (heap_has(&race->hedge))
		heap_remove(&c->hedges, &race->hedge);
	list_remove(&race->all);
	list_remove(&race->link);
	for (uint32_t i = 0; i < race->n; i++)
		free(race->v[i].attempt);
	free(race);
}

void race_fini(struct core *c)
{
	while (!list_empty(&c->races)) {
		struct race *race = list_item(c->races.next, struct race, all);

		for (uint32_t i = 0; i < race->n; i++)
			list_remove(&race->v[i].parked);
		race_free(c, race);
	}
}

static uint32_t index_of(const struct race *race, const struct job *child)
{
	return (uint32_t)(child->id - race->id - 1);
}

bool race_holds(const struct side *s)
{
	const struct race *race = s != NULL ? s->race : NULL;

	return race != NULL && (s->job->id == race->id || index_of(race, s->job) >= race->opened);
}

void race_share(struct race *race)
{
	const struct job *p = race->parent;

	for (uint32_t i = 0; i < race->n; i++) {
		struct job *j = race->v[i].job;

		if (j == NULL)
			continue;
		j->at = p->at;
		j->length = p->length;
		j->crc = p->crc;
	}
}

void race_add_child(struct core *c, struct race *race, uint64_t id, uint64_t due, bool dated)
{
	struct job *p = race->parent, *j = job_put_replica(c, p, id);
	struct side *s = j->in.side;

	must(id > race->id && id <= race->id + race->n);
	race->v[index_of(race, j)].job = j;
	race->live++;
	s->due = due;
	s->dated = due != 0 && dated;
	race_share(race);
	job_begin(c, j);
}

/* ---- hedging ---- */

/* The last one that is open has got somewhere: from now on it is given its time. */
static void set_hedge(struct core *c, struct race *race)
{
	if (race->opened == race->n || race->hedge_ms == 0 || heap_has(&race->hedge))
		return;
	race->hedge.key = c->t + race->hedge_ms;
	race->hedge.tie = race->id;
	heap_add(&c->hedges, &race->hedge);
}

static void unset_hedge(struct core *c, struct race *race)
{
	if (heap_has(&race->hedge))
		heap_remove(&c->hedges, &race->hedge);
}

void race_open(struct core *c, struct race *race, uint32_t to)
{
	unset_hedge(c, race);
	while (race->opened < to || (race->opened < race->n && race->v[race->opened - 1].failed)) {
		struct racer *r = &race->v[race->opened++];

		if (r->job != NULL && r->job->state == JOB_BLOCKED)
			job_unblock(c, r->job);
	}
}

/* The next one may run, if the i-th was the last that might. */
static void open_after(struct core *c, struct race *race, uint32_t i)
{
	if (i + 1 == race->opened && race->opened < race->n)
		race_open(c, race, race->opened + 1);
}

void race_granted(struct core *c, struct job *j, const struct worker *w)
{
	struct race *race = race_of(j);
	uint32_t i = index_of(race, j);

	if (w != NULL)
		race->v[i].instance = w->instance;
	if (!c->replaying && i + 1 == race->opened)
		set_hedge(c, race);
}

void race_back(struct core *c, const struct handback *h)
{
	struct race *race = race_of(h->job);
	uint32_t i = index_of(race, h->job);

	if (!h->counted && !h->delivery)
		race->v[i].instance = 0; /* it never began there */
	if (i + 1 == race->opened)
		unset_hedge(c, race);
	if (race->parent != NULL && (h->counted || h->delivery))
		open_after(c, race, i);
}

/* ---- its end ---- */

void race_failed(struct race *race, uint32_t i, struct span attempt)
{
	struct racer *r = &race->v[i];
	uint8_t *p = NULL;

	if (attempt.n > 0) {
		p = malloc(attempt.n);
		must(p != NULL && attempt.n <= UINT16_MAX);
		memcpy(p, attempt.p, attempt.n);
	}
	free(r->attempt);
	r->attempt = p;
	r->attempt_n = (uint16_t)attempt.n;
	r->failed = true;
}

bool race_runs(const struct race *race)
{
	for (uint32_t i = 0; i < race->n; i++)
		if (race->v[i].job != NULL && race->v[i].job->state == JOB_RUNNING)
			return true;
	return false;
}

/* At least one has failed, and there is nobody for the others. */
static bool lost(const struct core *c, const struct race *race)
{
	uint32_t failed = 0;

	for (uint32_t i = 0; i < race->n; i++) {
		const struct racer *r = &race->v[i];

		failed += r->failed;
		if (r->failed || r->job == NULL)
			continue;
		if (r->job->state != JOB_BLOCKED || race_placeable(c, r->job))
			return false;
	}
	/* after a start the workers are only coming back */
	return failed == race->n || (failed > 0 && race->opened > 0 && c->t >= c->orphans_until);
}

/* A line for each replica: who ran it, and what came of it. All of them fit into LIMIT_ERROR. */
static struct span all_errors(struct core *c, const struct race *race)
{
	char *text = fx_alloc(c, LIMIT_ERROR);
	size_t room = (LIMIT_ERROR - 64) / race->n, n;

	n = text_format(text, LIMIT_ERROR, "no replica of %u was done", race->n);
	for (uint32_t i = 0; i < race->n; i++) {
		const struct racer *r = &race->v[i];
		struct span rest = span_of(r->attempt, r->attempt_n);
		struct msg_attempt_rec a = { 0 };
		size_t k;

		if (!r->failed || !history_next(&rest, &a)) {
			n += text_format(text + n, room, "\nreplica %u: no other worker could take it", i + 1);
			continue;
		}
		while (a.error.n > 0 && a.error.p[a.error.n - 1] == '\n')
			a.error.n--;
		k = text_format(text + n, room, "\nreplica %u", i + 1);
		if (a.worker.n > 0)
			k += text_format(text + n + k, room - k, " on %.*s", (int)a.worker.n, (const char *)a.worker.p);
		if (a.exit != 0)
			k += text_format(text + n + k, room - k, ": exit %d", a.exit);
		if (a.error.n > 0)
			k += text_format(text + n + k, room - k, ": %.*s", (int)a.error.n, (const char *)a.error.p);
		n += k;
	}
	return span_of(text, n);
}

static void end_parent(struct core *c, const struct race *race, struct ending e)
{
	e.job = race->parent;
	e.job->flags |= JOB_ENDING;
	turn_end_job(c, &e);
}

static void judge(struct core *c, struct race *race)
{
	if (race->parent == NULL || (race->parent->flags & JOB_ENDING))
		return;
	if (race->opened == 0 && first_open(race) > 0)
		race_open(c, race, first_open(race)); /* what it follows has ended */
	if (lost(c, race))
		end_parent(c, race,
		           (struct ending){ .state = JOB_DEAD, .used = 1, .exit = 1, .error = all_errors(c, race) });
}

void race_judge(struct core *c, struct race *race)
{
	if (list_empty(&race->link))
		list_push_back(&c->judging, &race->link);
}

/* A child ends otherwise than done: it is remembered why, and somebody else may try. */
static void child_failed(struct core *c, struct race *race, const struct ending *e)
{
	uint32_t i = index_of(race, e->job);
	struct attempt a = e->attempt;
	struct buf one;

	if (a.verdict == 0) /* cancelled, or it could not be read */
		a = (struct attempt){
			.started_ms = c->wall, .verdict = VERDICT_FAILED, .exit = e->exit, .error = e->error
		};
	buf_init(&one);
	history_write(&one, (struct span){ 0 }, &a);
	race_failed(race, i, span_of(one.p + 2, one.n - 2));
	buf_fini(&one);
	race_fact_failed(&c->fx->block, race, i);
	history_add(side_of(race->parent), &a);
	if (i + 1 == race->opened)
		unset_hedge(c, race);
	open_after(c, race, i);
	judge(c, race);
}

void race_ending(struct core *c, struct ending *e)
{
	struct race *race = race_of(e->job);
	struct ending whole = *e;

	if (e->job == race->parent)
		return;
	e->state = JOB_CANCELLED;
	if (race->parent == NULL || (race->parent->flags & JOB_ENDING)) {
		e->result = (struct span){ 0 };
	} else if (whole.state == JOB_DONE) {
		/* the result is the parent's, and is there once */
		e->state = JOB_DONE;
		e->error = e->result = (struct span){ 0 };
		end_parent(c, race, whole);
	} else {
		e->result = (struct span){ 0 };
		child_failed(c, race, &whole);
	}
}

void race_left(struct core *c, struct job *j, struct side *s)
{
	struct race *race = s->race;

	s->race = NULL;
	if (j == race->parent) {
		race->parent = NULL;
		unset_hedge(c, race);
		list_remove(&race->link);
		list_push_back(&c->closing, &race->link);
	} else {
		struct racer *r = race_racer(race, j);

		list_remove(&r->parked);
		r->job = NULL;
		race->live--;
	}
	if (race->parent == NULL && race->live == 0)
		race_free(c, race);
}

/* Cancels the children of what is over. False if the step has no room for all of them. */
static bool close_race(struct core *c, struct race *race)
{
	for (uint32_t i = 0; i < race->n; i++) {
		struct job *j = race->v[i].job;

		if (j == NULL || (j->flags & JOB_ENDING))
			continue;
		if (!turn_has_room(c, 1) || fx_room(c) <= ROOM_FOR_OTHERS)
			return false;
		if (j->state == JOB_RUNNING)
			worker_revoke(c, j->in.lease);
		j->flags |= JOB_ENDING;
		turn_end_job(c, &(struct ending){ .job = j,
		                                  .state = JOB_CANCELLED,
		                                  .used = j->attempt,
		                                  .error = span_str("its race is over") });
	}
	return true;
}

void race_slice(struct core *c)
{
	struct list *p;

	for (int i = 0; i < STEP_WORK && heap_min(&c->hedges) != NULL && heap_min(&c->hedges)->key <= c->t; i++) {
		struct race *race = list_item(heap_min(&c->hedges), struct race, hedge);

		race_open(c, race, race->opened + 1);
	}
	for (int i = 0; i < STEP_WORK && !list_empty(&c->judging) && turn_has_room(c, 1); i++) {
		struct race *race = list_item(c->judging.next, struct race, link);

		list_remove(&race->link);
		judge(c, race);
	}
	for (p = c->closing.next; p != &c->closing && close_race(c, list_item(p, struct race, link)); p = p->next)
		;
}

/* Those that were granted, or have failed, are open, and one more if all these have failed. */
static uint32_t opened_before(const struct race *race)
{
	uint32_t n = 1;

	for (uint32_t i = 0; i < race->n; i++) {
		const struct job *j = race->v[i].job;

		if (j == NULL || j->state == JOB_RUNNING || j->attempt > 0 || j->deliveries > 0 ||
		    side_of(j)->token != 0)
			n = i + 1;
	}
	while (n < race->n && race->v[n - 1].job == NULL)
		n++;
	return n;
}

/* Nothing of it has begun, as far as the journal knows. */
static bool untouched(const struct race *race)
{
	for (uint32_t i = 0; i < race->n; i++) {
		const struct job *j = race->v[i].job;

		if (j == NULL || j->state == JOB_RUNNING || j->attempt > 0 || side_of(j)->token != 0)
			return false;
	}
	return true;
}

/* Which of its replicas may run after a replay. */
static void reopen(struct core *c, struct race *race)
{
	if (race->hedge_ms != 0)
		race->opened = opened_before(race);
	if (race->parent == NULL)
		return;
	if (!untouched(race))
		after_drop(c, race->parent->in.side);
	else
		race->opened = first_open(race);
}

void race_replayed(struct core *c)
{
	for (struct list *p = c->races.next; p != &c->races; p = p->next) {
		struct race *race = list_item(p, struct race, all);

		for (uint32_t i = 0; i < race->n; i++)
			race->v[i].failed |= race->v[i].job == NULL;
		reopen(c, race);
		for (uint32_t i = race->opened; i < race->n; i++)
			if (race->v[i].job != NULL)
				job_block(c, race->v[i].job);
		if (race->parent == NULL)
			continue;
		race_judge(c, race);
		if (race->opened > 0 && race->v[race->opened - 1].job != NULL &&
		    race->v[race->opened - 1].job->state == JOB_RUNNING)
			set_hedge(c, race);
	}
}

struct job *race_whole(struct job *j)
{
	struct race *race = race_of(j);

	if (race == NULL)
		return j;
	return race_runs(race) ? NULL : race->parent;
}

struct span race_too_late(struct core *c, const struct job *parent)
{
	enum { WORDS = 64 };
	char *text = fx_alloc(c, WORDS);
	uint64_t ms = parent->in.side->expires - parent->submitted_ms;

	return span_of(text, text_format(text, WORDS, "no answer within %llu ms", (unsigned long long)ms));
}

static void check_racer(const struct race *race, uint32_t i)
{
	const struct racer *r = &race->v[i];
	const struct job *j = r->job;

	must(j != NULL || list_empty(&r->parked));
	if (j == NULL) {
		must(race->parent == NULL || r->failed);
		return;
	}
	must(j->id == race->id + 1 + i && race_of(j) == race && !job_terminal(j) && job_log_bytes(j) == 0);
	must(race->parent == NULL || (j->at == race->parent->at && j->length == race->parent->length));
	must((j->state == JOB_BLOCKED) == (i >= race->opened || !list_empty(&r->parked)));
	must(j->state != JOB_RUNNING || j->in.lease->worker == NULL || j->in.lease->worker->instance == r->instance);
	if (j->state != JOB_RUNNING || r->instance == 0)
		return;
	for (uint32_t k = 0; k < race->n; k++)
		must(k == i || race->v[k].instance != r->instance); /* apart */
}

void race_check(const struct core *c, const struct job *j)
{
	const struct race *race = race_of(j);
	uint32_t live = 0;
	bool runs;

	if (j->id != race->id) {
		must(race->v[index_of(race, j)].job == j);
		must(race->parent != NULL || !list_empty(&race->link)); /* it is being closed */
		if (race->parent != NULL)
			return; /* checked with the parent */
	} else {
		must(race->parent == j && j->state == JOB_BLOCKED);
	}
	for (uint32_t i = 0; i < race->n; i++) {
		check_racer(race, i);
		live += race->v[i].job != NULL;
	}
	must(live == race->live && (live > 0 || race->parent != NULL) && race->opened <= race->n);
	j = race->opened > 0 ? race->v[race->opened - 1].job : NULL;
	runs = j != NULL && j->state == JOB_RUNNING;
	must(heap_has(&race->hedge) == (race->parent != NULL && race->hedge_ms != 0 && race->opened < race->n && runs));
	(void)c;
}
