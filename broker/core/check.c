/* core_check: every invariant, walked. */
#include <stdlib.h>

#include "base/must.h"
#include "broker/core/check.h"
#include "broker/core/cron.h"
#include "broker/core/dead.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/key.h"
#include "broker/core/policy.h"
#include "broker/core/race.h"
#include "broker/core/side.h"
#include "broker/core/state.h"

/* What a walk over all jobs counts, to be held against what is kept. */
struct sums {
	uint64_t by_state[JOB_STATES];
	uint64_t live_bytes;
	uint64_t waits;
};

/* What only some jobs have is where the state says, and its timers run. */
static void check_side(const struct core *c, const struct job *j)
{
	const struct side *s = side_of(j);
	bool waits = j->state == JOB_DELAYED || j->state == JOB_BLOCKED;

	must(s != NULL || !(waits || j->state == JOB_DEAD));
	if (s == NULL)
		return;
	must(s->job == j && s->history_n <= LIMIT_HISTORY_BYTES);
	must(heap_has(&s->expiry) == (s->expires != 0 && j->state != JOB_RUNNING && j->state != JOB_DEAD));
	must(heap_has(&s->line) == (j->state == JOB_DELAYED || j->state == JOB_READY));
	must(list_empty(&s->link) == !(waits || j->state == JOB_DEAD));
	must((s->due != 0) == (j->state == JOB_DELAYED) || j->state == JOB_BLOCKED);
	if (s->race != NULL)
		race_check(c, j);
}

static void check_job(const struct core *c, const struct job *j, struct sums *s)
{
	must(j->id > 0 && j->id < c->next_id);
	must(j->queue < c->n_queues && c->queues[j->queue] != NULL);
	must(j->state != JOB_NONE && j->priority <= LIMIT_PRIORITY);
	must(!(j->flags & JOB_ENDING));
	if (job_log_bytes(j) > 0)
		must(j->at >= c->trim.tail && j->at + j->length <= c->trim.head);
	s->by_state[j->state]++;
	s->live_bytes += job_log_bytes(j) + job_end_bytes(j);
	check_side(c, j);
	check_held(c, j);
	if (job_terminal(j))
		return;
	must(j->attempt < j->attempts || j->attempts == 0);
	for (uint32_t i = j->w.waiter; i != NO_INDEX; i = c->waiters[i >> 10][i & 1023].next) {
		must(c->waiters[i >> 10][i & 1023].id == j->id);
		s->waits++;
	}
	if (j->state == JOB_RUNNING) {
		must(j->in.lease->job == j && j->in.lease->token < (c->epoch << 32 | c->next_token));
		must(j->in.lease->fact == list_empty(&j->in.lease->young));
	} else if (!(j->flags & JOB_SIDE)) {
		must(!list_empty(&j->in.link));
	}
}

/* Dead letters stand in their order, and what is to be done with them has a time. */
static uint64_t check_dead(const struct core *c, const struct queue *q)
{
	const struct job *before = NULL;
	bool at = q->dead_op != NULL && q->dead_op->at == &q->dead;
	uint64_t n = 0;

	for (struct list *l = q->dead.next; l != &q->dead; l = l->next, n++) {
		const struct side *s = list_item(l, struct side, link);

		must(s->job->state == JOB_DEAD && s->job->queue == q->index && s->death <= c->deaths);
		must(before == NULL || dead_behind(s->job, before->finished_ms, before->id));
		before = s->job;
		at = at || (q->dead_op != NULL && q->dead_op->at == l);
	}
	must(at == (q->dead_op != NULL) && (q->dead_op == NULL || !q->dead_op->over));
	must(heap_has(&q->dead_timer) || (q->dead_op == NULL && (n == 0 || q->settings.dead_keep_ms == 0)));
	return n;
}

/* Every job that ever came in is somewhere. */
static uint64_t check_sum(const struct queue *q)
{
	uint64_t n = 0;

	for (int s = 0; s < JOB_STATES; s++)
		n += job_state_terminal((enum job_state)s) ? q->ended[s] : q->now[s];
	return n;
}

static void check_queue(const struct core *c, const struct queue *q, struct sums *s)
{
	uint64_t ready, kept = 0, kept_bytes = 0, servers = 0, waiting = 0;

	ready = check_lines(c, q);
	for (struct list *l = q->kept.next; l != &q->kept; l = l->next) {
		const struct job *j = list_item(l, struct job, in.link);

		must(job_terminal(j) && j->queue == q->index);
		kept++;
		kept_bytes += j->length + (uint64_t)RESULT_OVERHEAD;
	}
	for (struct list *l = q->waiting.next; l != &q->waiting; l = l->next, waiting++)
		must(list_item(l, struct side, link)->job->queue == q->index);
	must(waiting == q->now[JOB_DELAYED] + q->now[JOB_BLOCKED] && check_dead(c, q) == q->now[JOB_DEAD]);
	must(check_sum(q) == q->submitted + q->redriven);
	for (struct list *l = q->servers.next; l != &q->servers; l = l->next)
		servers++;
	must(ready == q->now[JOB_READY]);
	must(kept == q->now[JOB_DONE] + q->now[JOB_EXPIRED] + q->now[JOB_CANCELLED]);
	must(kept_bytes == q->kept_bytes && servers == q->n_servers);
	for (int i = 0; i < JOB_STATES; i++) {
		must(s->by_state[i] >= q->now[i]);
		s->by_state[i] -= q->now[i];
	}
}

/* Keys stand in their queue's list, among the ends, and in the table; their facts count as live bytes. */
static void check_keys(const struct core *c, struct sums *s)
{
	uint64_t n = 0, tabled = 0;

	for (uint32_t i = 0; i < c->n_queues; i++) {
		const struct queue *q = c->queues[i];
		uint64_t here = 0;

		if (q == NULL)
			continue;
		for (struct list *l = q->keys.next; l != &q->keys; l = l->next, here++) {
			const struct key *k = list_item(l, struct key, link);

			must(k->queue == i && k->id > 0 && k->id < c->next_id && heap_has(&k->ends));
			must(k->at >= c->trim.tail && k->at < c->trim.head);
			s->live_bytes += key_log_bytes(k);
		}
		must(here == q->n_keys);
		n += here;
	}
	for (int i = 0; i < KEY_TABLES; i++)
		tabled += HASH_CNT(hh, c->keys[i]);
	must(n == c->key_ends.n && n == tabled && n <= LIMIT_ALL_KEYS);
}

static uint64_t check_leases(const struct list *leases, const struct worker *w)
{
	uint64_t n = 0, bytes = 0;

	for (struct list *p = leases->next; p != leases; p = p->next) {
		const struct lease *l = list_item(p, struct lease, link);

		must(l->worker == w && l->job->state == JOB_RUNNING && l->job->in.lease == l);
		n++;
		bytes += l->bytes;
	}
	must(w == NULL || (n == w->outstanding && bytes == w->outstanding_bytes));
	return n;
}

static void check_workers(const struct core *c, uint64_t running)
{
	uint64_t n = check_leases(&c->orphans, NULL), open = 0;

	for (struct list *p = c->workers.next; p != &c->workers; p = p->next, open++)
		n += check_leases(&list_item(p, struct worker, link)->leases, list_item(p, struct worker, link));
	for (struct list *p = c->lost.next; p != &c->lost; p = p->next)
		n += check_leases(&list_item(p, struct worker, link)->leases, list_item(p, struct worker, link));
	must(n == running && open == c->n_workers);
}

static void check_clients(const struct core *c, uint64_t job_waits)
{
	uint64_t waits = 0;
	struct client *cl, *next;

	HASH_ITER(hh, c->by_client, cl, next)
	{
		uint64_t before = cl->floor, n = 0;

		for (struct list *p = cl->waits.next; p != &cl->waits; p = p->next)
			n++;
		must(n == cl->n_waits && n <= LIMIT_CLIENT_WAITS);
		for (uint32_t i = 0; i < cl->n_answers; i++) {
			must(cl->answers[i].number > before);
			before = cl->answers[i].number;
		}
		waits += n;
	}
	for (uint32_t b = 0; b < c->n_batches; b++) {
		if (c->batches[b] == NULL)
			continue;
		for (uint32_t i = c->batches[b]->waiter; i != NO_INDEX; i = c->waiters[i >> 10][i & 1023].next)
			job_waits++;
	}
	must(waits == job_waits);
}

static void check_policies(const struct core *c)
{
	uint64_t bytes = 0, n = 0;

	for (uint32_t i = 0; i < c->n_policies; i++) {
		const struct policy *p = c->policies[i];

		if (p == NULL)
			continue;
		must(p->index == i && p->refs > 0);
		bytes += sizeof *p + p->n;
		n++;
	}
	must(n == policy_count(c) && bytes == c->policy_bytes);
}

void core_check(const struct core *c)
{
	struct job_table *jobs = (struct job_table *)&c->jobs;
	uint64_t n = 0, live = 0, kept = 0, running = 0;
	struct sums s = { 0 };

	for (struct job *j = job_next(jobs, 0); j != NULL; j = job_next(jobs, j->id + 1), n++)
		check_job(c, j, &s);
	must(n == c->jobs.count);
	check_keys(c, &s);
	s.live_bytes += check_topics(c);
	for (uint64_t i = 0; i < c->trim.n_live; i++)
		live += c->trim.live[i];
	must(live == s.live_bytes && live == c->trim.live_bytes);
	running = s.by_state[JOB_RUNNING];
	for (uint32_t i = 0; i < c->n_queues; i++) {
		if (c->queues[i] == NULL)
			continue;
		check_queue(c, c->queues[i], &s);
		kept += c->queues[i]->kept_bytes;
	}
	for (int i = 0; i < JOB_STATES; i++)
		must(s.by_state[i] == 0);
	must(kept == c->kept_bytes);
	check_policies(c);
	check_join(c);
	check_workers(c, running);
	check_clients(c, s.waits);
	cron_check(c);
}
