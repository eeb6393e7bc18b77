/* The core's front: one event in, one turn, effects out. See core.h. */
#include "broker/core/core.h"

#include <stdlib.h>

#include "base/text.h"
#include "broker/core/after.h"
#include "broker/core/batch.h"
#include "broker/core/beat.h"
#include "broker/core/chore.h"
#include "broker/core/client.h"
#include "broker/core/cron.h"
#include "broker/core/dead.h"
#include "broker/core/dispatch.h"
#include "broker/core/fact.h"
#include "broker/core/fx.h"
#include "broker/core/gather.h"
#include "broker/core/job_table.h"
#include "broker/core/keep.h"
#include "broker/core/key.h"
#include "broker/core/limit.h"
#include "broker/core/order.h"
#include "broker/core/policy.h"
#include "broker/core/progress.h"
#include "broker/core/queue.h"
#include "broker/core/race.h"
#include "broker/core/replay.h"
#include "broker/core/side.h"
#include "broker/core/state.h"
#include "broker/core/timer.h"
#include "broker/core/topic/step.h"
#include "broker/core/topic/topic.h"
#include "broker/core/trim.h"
#include "broker/core/turn.h"
#include "broker/core/wait.h"
#include "broker/core/worker.h"

void core_config_default(struct core_config *config)
{
	*config = (struct core_config){
		.segment_bytes = DEFAULT_SEGMENT,
		.keep_ms = DEFAULT_KEEP_MS,
		.keep_bytes = DEFAULT_KEEP_BYTES,
		.keep_all_bytes = DEFAULT_KEEP_ALL_BYTES,
		.key_window_ms = DEFAULT_KEY_WINDOW_MS,
		.keys_max = LIMIT_QUEUE_KEYS,
		.policy_bytes = LIMIT_POLICY_BYTES,
		.deliveries = DEFAULT_DELIVERIES,
		.message_max = DEFAULT_MESSAGE_MAX,
		.dead_max = LIMIT_DEAD,
		.beat_ms = DEFAULT_BEAT_MS,
		.liveness_ms = DEFAULT_LIVENESS_MS,
		.client_liveness_ms = DEFAULT_CLIENT_LIVENESS_MS,
		.session_keep_ms = DEFAULT_SESSION_KEEP_MS,
		.workers_max = LIMIT_WORKERS,
		.seed = 1,
		.results = "",
		.workers = "",
		.software = "sheafd",
	};
}

struct core *core_new(const struct core_config *config)
{
	struct core *c = calloc(1, sizeof *c);

	must(c != NULL);
	c->config = *config;
	text_format(c->results, sizeof c->results, "%s", config->results);
	text_format(c->workers_at, sizeof c->workers_at, "%s", config->workers);
	text_format(c->software, sizeof c->software, "%s", config->software);
	rng_seed(&c->rng, config->seed);
	c->replaying = true;
	c->next_id = c->next_token = 1;
	c->free_waiter = NO_INDEX;
	c->arena = malloc(STEP_ARENA);
	must(c->arena != NULL);
	job_table_init(&c->jobs);
	heap_init(&c->worker_timers);
	heap_init(&c->client_timers);
	heap_init(&c->keep_timers);
	heap_init(&c->throttled);
	heap_init(&c->lease_timers);
	heap_init(&c->dead_timers);
	heap_init(&c->delayed);
	heap_init(&c->dated);
	heap_init(&c->expiries);
	heap_init(&c->key_ends);
	heap_init(&c->hedges);
	heap_init(&c->open_batches);
	list_init(&c->hot);
	list_init(&c->finishing_batches);
	list_init(&c->finished_batches);
	list_init(&c->releasing);
	list_init(&c->young);
	list_init(&c->orphans);
	list_init(&c->workers);
	list_init(&c->lost);
	list_init(&c->unsettled);
	list_init(&c->chores);
	heap_init(&c->cron_timers);
	list_init(&c->cron_asks);
	list_init(&c->away);
	list_init(&c->races);
	list_init(&c->judging);
	list_init(&c->closing);
	topics_init(c);
	return c;
}

static void free_workers(struct core *c, struct list *all)
{
	while (!list_empty(all)) {
		struct worker *w = list_item(all->next, struct worker, link);

		list_init(&w->leases);
		worker_free(c, w);
	}
}

static void free_jobs(struct core *c)
{
	struct job *j;

	for (j = job_next(&c->jobs, 0); j != NULL; j = job_next(&c->jobs, j->id + 1)) {
		struct side *side = side_of(j);

		if (j->state == JOB_RUNNING) {
			progress_forget(j->in.lease);
			free(j->in.lease);
		}
		if (side != NULL) {
			free(side->history);
			free(side->after);
		}
		free(side);
	}
	job_table_fini(&c->jobs);
	while (c->spare_leases != NULL) {
		struct lease *l = list_item(c->spare_leases, struct lease, link);

		c->spare_leases = l->link.next;
		free(l);
	}
}

void core_free(struct core *c)
{
	struct client *cl, *next;

	if (c == NULL)
		return;
	HASH_ITER(hh, c->by_client, cl, next)
	client_free(c, cl);
	topics_fini(c);
	cron_fini(c);
	HASH_CLEAR(hh, c->by_session);
	HASH_CLEAR(hi, c->by_instance);
	free_workers(c, &c->workers);
	free_workers(c, &c->lost);
	race_fini(c);
	free_jobs(c);
	for (uint32_t i = 0; i < c->n_batches; i++)
		if (c->batches[i] != NULL)
			batch_free(c, c->batches[i]);
	order_clear(c);
	for (uint32_t i = 0; i < c->n_queues; i++)
		if (c->queues[i] != NULL)
			queue_free(c, c->queues[i]);
	policy_fini(c);
	wait_fini(c);
	heap_fini(&c->worker_timers);
	heap_fini(&c->client_timers);
	heap_fini(&c->keep_timers);
	heap_fini(&c->throttled);
	heap_fini(&c->lease_timers);
	heap_fini(&c->dead_timers);
	heap_fini(&c->delayed);
	heap_fini(&c->dated);
	heap_fini(&c->expiries);
	heap_fini(&c->key_ends);
	heap_fini(&c->hedges);
	heap_fini(&c->open_batches);
	after_fini(c);
	free(c->batches);
	free(c->queues);
	free(c->trim.live);
	free(c->arena);
	free(c);
}

bool core_replay(struct core *c, uint64_t position, struct span facts, const char **why)
{
	must(c->replaying);
	return replay_block(c, position, facts, why);
}

void core_seen_epoch(struct core *c, uint64_t epoch)
{
	must(c->replaying);
	if (epoch > c->epoch)
		c->epoch = epoch;
}

void core_start(struct core *c, struct now now, uint64_t tail, uint64_t head, struct effects *fx)
{
	must(c->replaying);
	c->fx = fx;
	c->t = c->last = now.mono_ms;
	if (now.wall_ms > c->wall)
		c->wall = now.wall_ms;
	c->trim.head = c->trim.head > head ? c->trim.head : head;
	turn_begin(c);
	c->epoch++;
	replay_finish(c, tail, head);
	limit_start(c);
	fact_put_meta(&fx->block, &(struct fact_meta){ c->epoch, c->next_id, c->wall, c->topics.next_run });
	turn_commit(c);
	c->epoch_at = fx->head;
	c->fx = NULL;
}

/* Core time goes on with the monotonic clock, but a gap in our own loop expires nobody. */
static void advance(struct core *c, struct now now)
{
	uint64_t due = c->last;

	if (now.mono_ms > c->last + STALL_MS) {
		uint64_t deadline = core_deadline(c);

		if (deadline > due)
			due = deadline;
		if (now.mono_ms > due && now.mono_ms - due > STALL_MS)
			c->skew += now.mono_ms - due;
	}
	c->last = now.mono_ms;
	if (now.mono_ms - c->skew > c->t)
		c->t = now.mono_ms - c->skew;
	if (now.wall_ms > c->wall)
		c->wall = now.wall_ms;
}

static bool due(const struct core *c, const struct heap *h)
{
	return heap_min(h) != NULL && heap_min(h)->key <= c->t;
}

static void run_timers(struct core *c)
{
	enum { MOST = 256 };

	for (int i = 0; i < MOST && due(c, &c->worker_timers); i++)
		worker_timer(c, list_item(heap_min(&c->worker_timers), struct worker, timer));
	for (int i = 0; i < MOST && due(c, &c->client_timers); i++)
		client_timer(c, list_item(heap_min(&c->client_timers), struct client, timer));
	if (due(c, &c->keep_timers))
		keep_expire(c, list_item(heap_min(&c->keep_timers), struct queue, keep_timer));
}

/* A token is an epoch and 32 bits. Before these run out a new epoch begins: its fact is ahead of what it grants. */
static void renew_epoch(struct core *c)
{
	if (c->next_token <= UINT32_MAX - STEP_EFFECTS)
		return;
	c->epoch++;
	c->epoch_at = UINT64_MAX;
	c->next_token = 1;
	fact_put_meta(&c->fx->block, &(struct fact_meta){ c->epoch, c->next_id, c->wall, c->topics.next_run });
}

/* Everything that time brings, and the granting of jobs: a shell that ticks once at the end of its turn grants what the
 * turn brought in few and full messages. First what makes facts, then the commit, then what only sends. */
static void tick(struct core *c)
{
	renew_epoch(c);
	run_timers(c);
	worker_lost_slice(c);
	beat_orphans(c);
	beat_young(c);
	batch_slice(c);
	after_slice(c);
	timer_slice(c);
	race_slice(c);
	key_expire(c);
	dead_slice(c);
	cron_slice(c);
	topic_tick(c);
	if (!race_closing(c))
		trim_tick(c); /* a replay closes what has its beginning in the log */
	if (turn_has_room(c, STEP_WORK))
		chore_slice(c); /* behind the preamble, which names the queue that it may end */
	turn_commit(c);
	if (c->epoch_at == UINT64_MAX)
		c->epoch_at = c->fx->head;
	dead_finish(c);
	chore_finish(c);
	gather_settle(c);
	limit_tick(c);
	dispatch(c);
	dispatch_rebalance(c);
}

static void malformed(struct core *c, const struct event *ev)
{
	const char *why = ev->text.n > 0 ? (const char *)ev->text.p : "malformed";

	if (ev->from_worker)
		fx_refuse_worker(c, ev->peer, &ev->msg->h, ev->error, why);
	else
		fx_answer(c, ev->peer, &ev->msg->h, ev->error, why, 0);
}

static void take(struct core *c, const struct event *ev)
{
	switch (ev->kind) {
	case EV_CLIENT:
		client_request(c, ev);
		break;
	case EV_WORKER:
		worker_message(c, ev);
		break;
	case EV_OUTCOMES:
		gather_outcomes(c, ev->principal, ev->msg);
		break;
	case EV_MALFORMED:
		malformed(c, ev);
		break;
	case EV_SOCKET:
		worker_socket(c, ev->session, ev->text);
		break;
	case EV_UNREACHABLE:
		worker_unreachable(c, ev->session);
		break;
	case EV_PRESSURE:
		c->pressure = ev->flag;
		break;
	case EV_SPACE:
		c->trim.no_space = ev->flag;
		break;
	case EV_MOVE:
		trim_move(c, ev->position, ev->facts);
		break;
	case EV_MOVED:
		trim_moved(c, ev->position);
		break;
	case EV_BAD_PAYLOAD:
		gather_bad_payload(c, &ev->lease, ev->text);
		break;
	case EV_ZONE:
		cron_zone_came(c, ev->text, !ev->flag, ev->facts);
		break;
	case EV_FETCHED:
		letters_fetched(c, ev->session, ev->flag, ev->facts);
		break;
	case EV_BAD_MESSAGES:
		deliver_bad(c, ev->session);
		break;
	case EV_DRAIN:
		c->draining = true;
		break;
	case EV_DISMISSED:
		client_dismiss(c, ev->principal);
		worker_dismiss(c, ev->principal);
		turn_commit(c); /* ephemeral channels may have ended */
		break;
	case EV_TICK:
		tick(c);
		break;
	}
}

void core_step(struct core *c, struct now now, const struct event *ev, struct effects *fx)
{
	must(!c->replaying);
	advance(c, now);
	c->fx = fx;
	turn_begin(c);
	c->inside = ev->kind == EV_CLIENT && ev->flag;
	take(c, ev);
	step_tell(c);
	must(c->turn.placed || fx->block.n == LOG_BLOCK_HEADER);
	c->fx = NULL;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t heap_key(const struct heap *h)
{
	return heap_min(h) != NULL ? heap_min(h)->key : UINT64_MAX;
}

uint64_t core_deadline(const struct core *c)
{
	uint64_t t = UINT64_MAX;

	if (dispatch_pending(c) || !list_empty(&c->lost) || !list_empty(&c->chores) ||
	    !list_empty(&c->finishing_batches) || !list_empty(&c->releasing) || trim_deadline(c) == 0 ||
	    dead_deadline(c) == 0 || race_pending(c) || topic_deadline(c) == 0)
		return 0;
	t = earlier(t, heap_key(&c->worker_timers));
	t = earlier(t, heap_key(&c->client_timers));
	t = earlier(t, heap_key(&c->keep_timers));
	t = earlier(t, heap_key(&c->throttled));
	t = earlier(t, timer_deadline(c));
	t = earlier(t, dead_deadline(c));
	t = earlier(t, beat_young_deadline(c));
	t = earlier(t, batch_deadline(c));
	t = earlier(t, key_deadline(c));
	t = earlier(t, cron_deadline(c));
	t = earlier(t, topic_deadline(c));
	t = earlier(t, gather_deadline(c));
	if (!list_empty(&c->orphans))
		t = earlier(t, c->orphans_until);
	if (c->idle_hint && !c->draining)
		t = earlier(t, c->rebalance_at);
	return t == UINT64_MAX ? t : t + c->skew;
}

uint64_t core_epoch(const struct core *c)
{
	return c->epoch;
}

bool core_drained(const struct core *c)
{
	if (!c->draining || !list_empty(&c->lost))
		return false;
	for (struct list *p = c->workers.next; p != &c->workers; p = p->next)
		if (list_item(p, struct worker, link)->outstanding > 0)
			return false;
	return true;
}

void core_totals(const struct core *c, struct core_totals *t)
{
	*t = (struct core_totals){ .queues = c->live_queues,
		                   .batches = c->live_batches,
		                   .crons = HASH_CNT(hh, c->crons),
		                   .topics = c->topics.live_topics,
		                   .channels = c->topics.live_channels,
		                   .keys = c->key_ends.n,
		                   .live_bytes = c->trim.live_bytes,
		                   .index_bytes = c->jobs.bytes };
	for (uint32_t i = 0; i < c->topics.n_topics; i++)
		t->messages += c->topics.topics[i] != NULL ? c->topics.topics[i]->messages : 0;
	for (uint32_t i = 0; i < c->n_queues; i++) {
		const struct queue *q = c->queues[i];

		if (q == NULL)
			continue;
		t->submitted += q->submitted;
		t->redriven += q->redriven;
		t->forgotten += q->forgotten;
		for (int s = 0; s < JOB_STATES; s++) {
			t->jobs[s] += q->now[s];
			t->ended[s] += q->ended[s];
		}
	}
}

enum job_state core_job_state(const struct core *c, uint64_t id)
{
	struct job *j = job_find((struct job_table *)&c->jobs, id);

	return j != NULL ? (enum job_state)j->state : JOB_NONE;
}
