/* SETTLE: what consumers say of what they hold; see topic.h. */
#include <stdlib.h>

#include "broker/core/topic/consumer.h"
#include "broker/core/topic/parcel.h"
#include "broker/core/topic/run.h"
#include "broker/core/topic/step.h"
#include "broker/core/topic/topic.h"
#include "broker/core/turn.h"

static_assert(LIMIT_RECORDS <= TOPIC_STEP, "all of a SETTLE fits a step");

/* What this client holds of the run by this token, or NULL. */
static struct parcel *held(struct core *c, const struct client *cl, const struct msg_settle_rec *s)
{
	struct run *r = run_find(c, s->run);
	struct parcel *p = r != NULL ? r->parcels : NULL;

	while (p != NULL && (p->token != s->token || p->state != PARCEL_IN_HAND || p->consumer->client != cl))
		p = p->next;
	return p;
}

static void finish(struct core *c, struct parcel *p, uint64_t mask)
{
	step_done(c, p->channel, p->run, mask);
	c->topics.finished += mask_count(mask);
	parcel_finish(c, p, mask);
}

static void requeue(struct core *c, struct parcel *p, uint64_t mask, uint64_t delay_ms)
{
	uint64_t due = delay_ms > 0 ? c->wall + delay_ms : 0;

	p = parcel_split(c, p, mask);
	step_back(c, p, due, false);
	p->channel->requeued += p->left;
	c->topics.requeued += p->left;
	parcel_back(c, p, due);
}

static void touch(struct core *c, struct parcel *p, uint64_t mask)
{
	const struct consumer *cn = p->consumer;
	uint64_t until = c->t + cn->timeout_ms, most = p->since + cn->most_ms;

	until = until < most ? until : most;
	if (mask == p->mask && p->until == NULL) {
		heap_move(&c->topics.returns, &p->timer, until);
		return;
	}
	if (p->until == NULL) {
		p->until = malloc(RUN_MESSAGES * sizeof p->until[0]);
		must(p->until != NULL);
		for (int i = 0; i < RUN_MESSAGES; i++)
			p->until[i] = p->timer.key;
	}
	for (uint64_t rest = mask; rest != 0; rest &= rest - 1)
		p->until[__builtin_ctzll(rest)] = until;
	parcel_retime(c, p);
}

void settle_request(struct core *c, struct client *cl, const struct msg *m)
{
	for (uint32_t i = 0; i < m->u.settle.n; i++) {
		const struct msg_settle_rec *s = &m->u.settle.v[i];
		struct parcel *p = held(c, cl, s);
		uint64_t mask = p != NULL ? s->mask & p->mask : 0;

		if (s->mask & ~mask)
			step_stale(c, cl, &(struct msg_gone_rec){ 0, s->run, s->token, s->mask & ~mask, GONE_STALE });
		if (mask == 0)
			continue;
		if (s->verdict == SETTLE_FINISH)
			finish(c, p, mask);
		else if (s->verdict == SETTLE_REQUEUE)
			requeue(c, p, mask, s->delay_ms);
		else
			touch(c, p, mask);
	}
	turn_commit(c);
}
