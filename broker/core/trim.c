/* When to move and trim, and the preamble; see trim.h. The mover is in move.c. */
#include "broker/core/trim.h"

#include <stdlib.h>

#include "broker/core/after.h"
#include "broker/core/batch.h"
#include "broker/core/cron.h"
#include "broker/core/fact.h"
#include "broker/core/fx.h"
#include "broker/core/keep.h"
#include "broker/core/queue.h"
#include "broker/core/topic/channel.h"
#include "broker/core/topic/end.h"
#include "broker/core/topic/topic.h"
#include "broker/core/turn.h"

enum { SLICE = 128, RESERVE_SEGMENTS = 4, CLOSING_BYTES = 64, SLACK_SEGMENTS = 3 };

static uint64_t segment_of(const struct core *c, uint64_t position)
{
	return position / c->config.segment_bytes;
}

static uint64_t base_of(const struct core *c, uint64_t position)
{
	return segment_of(c, position) * c->config.segment_bytes;
}

/* The counter of the segment that holds this position. */
static uint64_t *live_at(struct core *c, uint64_t position)
{
	struct trim *t = &c->trim;
	uint64_t i = segment_of(c, position) - segment_of(c, t->tail);

	must(position >= t->tail);
	if (i >= t->cap_live) {
		uint64_t cap = t->cap_live ? t->cap_live : 16;

		while (cap <= i)
			cap *= 2;
		t->live = realloc(t->live, cap * sizeof t->live[0]);
		must(t->live != NULL);
		memset(t->live + t->cap_live, 0, (cap - t->cap_live) * sizeof t->live[0]);
		t->cap_live = cap;
	}
	if (i >= t->n_live)
		t->n_live = i + 1;
	return &t->live[i];
}

void trim_charge(struct core *c, uint64_t at, uint64_t bytes)
{
	*live_at(c, at) += bytes;
	c->trim.live_bytes += bytes;
}

void trim_discharge(struct core *c, uint64_t at, uint64_t bytes)
{
	uint64_t *live = live_at(c, at);

	must(*live >= bytes);
	*live -= bytes;
	c->trim.live_bytes -= bytes;
}

void trim_set_head(struct core *c, uint64_t head)
{
	must(head >= c->trim.head);
	c->trim.head = head;
}

void trim_set_tail(struct core *c, uint64_t tail)
{
	struct trim *t = &c->trim;
	uint64_t k;

	if (t->n_live == 0) {
		t->tail = tail;
		return;
	}
	must(tail <= t->tail);
	k = (t->tail - tail) / c->config.segment_bytes;
	if (k == 0)
		return;
	t->live = realloc(t->live, (t->n_live + k) * sizeof t->live[0]);
	must(t->live != NULL);
	memmove(t->live + k, t->live, t->n_live * sizeof t->live[0]);
	memset(t->live, 0, k * sizeof t->live[0]);
	t->n_live += k;
	t->cap_live = t->n_live;
	t->tail = tail;
}

static uint64_t used(const struct core *c)
{
	return c->trim.head - c->trim.tail;
}

bool trim_full(const struct core *c, uint64_t bytes)
{
	uint64_t closing = CLOSING_BYTES * (c->jobs.count + c->topics.runs.count);
	uint64_t reserve = RESERVE_SEGMENTS * c->config.segment_bytes + closing;

	return c->trim.no_space || (c->config.disk_cap > 0 && used(c) + bytes + reserve > c->config.disk_cap);
}

/* Base of the first segment with live bytes, the head's at the latest. */
static uint64_t first_live(const struct core *c)
{
	const struct trim *t = &c->trim;
	uint64_t head = base_of(c, t->head), base = t->tail;

	for (uint64_t i = 0; i < t->n_live && base < head && t->live[i] == 0; i++)
		base += c->config.segment_bytes;
	return base;
}

static bool wants_move(const struct core *c)
{
	const struct trim *t = &c->trim;

	if (t->phase != TRIM_IDLE || t->stuck || end_pending(c) || first_live(c) != t->tail ||
	    t->tail == base_of(c, t->head))
		return false;
	if (used(c) > 2 * t->live_bytes + SLACK_SEGMENTS * c->config.segment_bytes)
		return true;
	return trim_full(c, 0) && t->live_bytes < used(c) / 4 * 3;
}

static bool wants_trim(const struct core *c)
{
	return c->trim.phase == TRIM_IDLE && !after_pending(c) && first_live(c) > c->trim.tail;
}

static bool wants_shed(const struct core *c)
{
	return c->kept_bytes > 0 && trim_full(c, 0);
}

uint64_t trim_deadline(const struct core *c)
{
	if (c->trim.phase == TRIM_PREAMBLE || wants_trim(c) || wants_move(c) || wants_shed(c))
		return 0;
	return UINT64_MAX;
}

static void begin_preamble(struct core *c)
{
	struct trim *t = &c->trim;

	t->phase = TRIM_PREAMBLE;
	t->preamble_from = t->head;
	t->next_queue = t->next_batch = t->next_topic = 0;
	t->next_client = c->by_client;
	t->next_cron = c->crons;
	fact_put_meta(&c->fx->block, &(struct fact_meta){ c->epoch, c->next_id, c->wall, c->topics.next_run });
}

static void client_fact(struct core *c, const struct client *cl)
{
	struct buf *b = &c->fx->block;
	size_t begun;

	if (cl->n_answers == 0 && cl->floor == 0)
		return; /* it never changed anything */
	begun = fact_begin(b, FACT_SESSION);
	fact_put_session(b, &(struct fact_session){ cl->session, cl->floor, cl->n_answers });
	for (uint32_t i = 0; i < cl->n_answers; i++)
		fact_put_answer(b, cl->answers[i].number, cl->answers[i].first, cl->answers[i].count);
	fact_end(b, begun);
	for (uint32_t i = 0; i < cl->n_answers; i++)
		if (cl->answers[i].ids != NULL)
			fact_put_all(b, &(struct fact_answer){ .session = cl->session,
			                                       .number = cl->answers[i].number,
			                                       .n = cl->answers[i].count,
			                                       .ids = cl->answers[i].ids });
}

/* A topic with all its channels in one block: nothing is published between these. */
static void whole_topic_fact(struct core *c, const struct topic *t)
{
	topic_fact(c, t);
	for (const struct list *p = t->channels.next; p != &t->channels; p = p->next)
		channel_fact(c, list_item(p, struct channel, link));
}

/* Writes the next part of the preamble. True when all of it is written. */
static bool preamble_slice(struct core *c)
{
	struct trim *t = &c->trim;
	uint64_t full = log_group_max(c->config.segment_bytes) / 4;

	for (int n = 0; n < SLICE && c->fx->block.n < full; n++) {
		if (t->next_queue < c->n_queues) {
			if (c->queues[t->next_queue] != NULL)
				queue_fact(c, c->queues[t->next_queue]);
			t->next_queue++;
		} else if (t->next_batch < c->n_batches) {
			if (c->batches[t->next_batch] != NULL)
				batch_fact(c, c->batches[t->next_batch], 0, 0);
			t->next_batch++;
		} else if (t->next_topic < c->topics.n_topics) {
			if (c->topics.topics[t->next_topic] != NULL)
				whole_topic_fact(c, c->topics.topics[t->next_topic]);
			t->next_topic++;
		} else if (t->next_client != NULL) {
			client_fact(c, t->next_client);
			t->next_client = t->next_client->hh.next;
		} else if (t->next_cron != NULL) {
			cron_fact(c, t->next_cron);
			t->next_cron = t->next_cron->hh.next;
		} else {
			return true;
		}
	}
	return false;
}

/* Forgets the counters below the new tail. */
static void shift_live(struct core *c, uint64_t tail)
{
	struct trim *t = &c->trim;
	uint64_t k = segment_of(c, tail) - segment_of(c, t->tail);

	k = k < t->n_live ? k : t->n_live;
	for (uint64_t i = 0; i < k; i++)
		must(t->live[i] == 0);
	memmove(t->live, t->live + k, (t->n_live - k) * sizeof t->live[0]);
	memset(t->live + t->n_live - k, 0, k * sizeof t->live[0]);
	t->n_live -= k;
	t->tail = tail;
	t->stuck = false;
}

static void trim_to(struct core *c, uint64_t base)
{
	shift_live(c, base);
	c->count.trimmed++;
	fx_add(c, FX_TRIM)->u.position = base;
}

void trim_tick(struct core *c)
{
	struct trim *t = &c->trim;

	if (wants_shed(c))
		keep_shed(c, STEP_WORK);
	if (t->phase == TRIM_PREAMBLE) {
		if (preamble_slice(c)) {
			t->preamble_at = t->preamble_from;
			t->phase = TRIM_IDLE;
		}
		return;
	}
	if (wants_trim(c)) {
		uint64_t base = first_live(c);

		if (t->preamble_at >= base)
			trim_to(c, base);
		else
			begin_preamble(c);
		return;
	}
	if (wants_move(c)) {
		t->phase = TRIM_MOVE;
		t->left = false;
		fx_add(c, FX_MOVE)->u.position = t->tail;
	}
}

void trim_moved(struct core *c, uint64_t base)
{
	struct trim *t = &c->trim;

	if (t->phase != TRIM_MOVE || base != t->tail)
		return;
	t->phase = TRIM_IDLE;
	if (t->n_live > 0 && t->live[0] > 0 && !t->left) {
		t->stuck = true;
		fx_log(
		    c, LOG_ERROR, "journal-stuck",
		    "segment=%llu live_bytes=%llu cannot be moved: damaged; its jobs end as dead when they are granted",
		    (unsigned long long)segment_of(c, t->tail), (unsigned long long)t->live[0]);
	}
}
