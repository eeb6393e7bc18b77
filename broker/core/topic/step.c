/* See step.h, and topic.h for topic_publish. */
#include "broker/core/topic/step.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/le.h"
#include "broker/core/fx.h"
#include "broker/core/topic/channel.h"
#include "broker/core/topic/fact.h"
#include "broker/core/topic/publish.h"
#include "broker/core/topic/run.h"
#include "broker/core/topic/topic.h"
#include "broker/core/turn.h"
#include "proto/packed.h"

enum { STAGED_RECORD = 80, GONE_MOST = 1024, ROOM_FOR_OTHERS = 64 };

/* Somebody's message is no longer in his hands. */
struct gone {
	uint64_t peer, session;
	struct msg_gone_rec rec;
	bool told;
};

/* A message that the core itself publishes; its packed bytes are in step.bodies. */
struct staged {
	struct topic *topic; /* NULL: it is in a run */
	uint64_t at;
	uint32_t length;
};

void step_init(struct topic_step *s)
{
	*s = (struct topic_step){ .dones = calloc(TOPIC_STEP, sizeof s->dones[0]),
		                  .backs = calloc(TOPIC_STEP, sizeof s->backs[0]),
		                  .gone = calloc(GONE_MOST, sizeof s->gone[0]),
		                  .staged = calloc(TOPIC_STEP, sizeof s->staged[0]) };
	must(s->dones != NULL && s->backs != NULL && s->gone != NULL && s->staged != NULL);
	buf_init(&s->bodies);
	buf_init(&s->body);
}

void step_fini(struct topic_step *s)
{
	free(s->dones);
	free(s->backs);
	free(s->gone);
	free(s->staged);
	buf_fini(&s->bodies);
	buf_fini(&s->body);
}

void step_begin(struct core *c)
{
	struct topic_step *s = &c->topics.step;

	s->n_dones = s->n_backs = s->n_gone = s->n_staged = s->n_coming = 0;
	buf_clear(&s->bodies);
	s->body_bytes = 0;
}

bool step_room(const struct core *c, uint32_t n)
{
	const struct topic_step *s = &c->topics.step;

	return s->n_dones + n <= TOPIC_STEP && s->n_backs + n <= TOPIC_STEP && s->n_gone + n <= GONE_MOST &&
	       fx_room(c) > s->n_gone + n + ROOM_FOR_OTHERS &&
	       turn_bytes(c) + n * FACT_PARCEL_RECORD < log_group_max(c->config.segment_bytes) / 3;
}

void step_done(struct core *c, const struct channel *ch, const struct run *r, uint64_t mask)
{
	struct topic_step *s = &c->topics.step;

	if (!channel_durable(ch))
		return;
	must(s->n_dones < TOPIC_STEP && !c->turn.placed);
	s->dones[s->n_dones++] = (struct fact_done_rec){ ch->index, r->number, mask };
	c->turn.bytes += FACT_DONE_RECORD;
}

void step_back(struct core *c, const struct parcel *p, uint64_t due_ms, bool timed_out)
{
	struct topic_step *s = &c->topics.step;

	if (!channel_durable(p->channel))
		return;
	must(s->n_backs < TOPIC_STEP && !c->turn.placed);
	s->backs[s->n_backs++] = (struct fact_parcel_rec){ .channel = p->channel->index,
		                                           .run = p->run->number,
		                                           .mask = p->mask,
		                                           .attempts = p->attempts,
		                                           .due_ms = due_ms,
		                                           .timed_out = timed_out };
	c->turn.bytes += FACT_PARCEL_RECORD;
}

void step_stale(struct core *c, const struct client *cl, const struct msg_gone_rec *rec)
{
	struct topic_step *s = &c->topics.step;

	must(s->n_gone < GONE_MOST);
	s->gone[s->n_gone++] = (struct gone){ .peer = cl->peer, .session = cl->session, .rec = *rec };
}

void step_gone(struct core *c, const struct consumer *cn, const struct msg_gone_rec *rec)
{
	struct msg_gone_rec mine = *rec;

	if (cn->client == NULL)
		return;
	mine.sub = (uint32_t)cn->key.sub;
	step_stale(c, cn->client, &mine);
}

/* All that one client is told goes in one message. */
void step_tell(struct core *c)
{
	struct topic_step *s = &c->topics.step;

	for (uint32_t i = 0; i < s->n_gone; i++) {
		struct msg_gone_rec *v;
		struct msg *out;
		uint32_t n = 0;

		if (s->gone[i].told)
			continue;
		v = fx_alloc(c, (s->n_gone - i) * sizeof *v);
		for (uint32_t k = i; k < s->n_gone; k++) {
			if (s->gone[k].told || s->gone[k].session != s->gone[i].session)
				continue;
			v[n++] = s->gone[k].rec;
			s->gone[k].told = true;
		}
		out = fx_reply(c, s->gone[i].peer, MSG_MESSAGES_GONE, s->gone[i].session, 0);
		out->u.gone.v = v;
		out->u.gone.n = n;
	}
	s->n_gone = 0;
}

bool topic_publish(struct core *c, struct topic *t, struct span body)
{
	struct topic_step *s = &c->topics.step;

	must(!c->turn.placed && !t->doomed);
	if (body.n == 0 || body.n > LIMIT_PAYLOAD || s->n_staged == TOPIC_STEP)
		return false;
	if (turn_bytes(c) + STAGED_RECORD + 4 + body.n > log_group_max(c->config.segment_bytes) / 2)
		return false;
	s->staged[s->n_staged++] = (struct staged){ t, s->bodies.n, (uint32_t)body.n + 4 };
	packed_put(&s->bodies, body);
	c->turn.bytes += STAGED_RECORD + 4 + body.n;
	return true;
}

/* The next run: the first message that is in none yet, and what follows it in its topic. */
static void write_run(struct core *c, uint32_t i, struct buf *packed)
{
	struct topic_step *s = &c->topics.step;
	struct topic *t = s->staged[i].topic;
	struct coming *run = &s->coming[s->n_coming++];
	uint32_t n = 0;

	buf_clear(packed);
	for (; i < s->n_staged && n < RUN_MESSAGES && packed->n < LIMIT_RUN_BYTES; i++) {
		if (s->staged[i].topic != t)
			continue;
		buf_put(packed, s->bodies.p + s->staged[i].at, s->staged[i].length);
		s->staged[i].topic = NULL;
		n++;
	}
	*run = (struct coming){ .topic = t, .length = (uint32_t)packed->n, .count = (uint8_t)n };
	publish_write(c, &(struct fact_messages){ .time_ms = c->wall }, run, 1, packed->p);
}

static void write_staged(struct core *c)
{
	struct topic_step *s = &c->topics.step;
	struct buf packed;

	if (s->n_staged == 0)
		return;
	s->coming = fx_alloc(c, s->n_staged * sizeof s->coming[0]);
	buf_init(&packed);
	for (uint32_t i = 0; i < s->n_staged; i++)
		if (s->staged[i].topic != NULL)
			write_run(c, i, &packed);
	buf_fini(&packed);
	s->n_staged = 0;
}

void step_write(struct core *c)
{
	struct topic_step *s = &c->topics.step;
	struct buf *b = &c->fx->block;
	size_t begun;

	if (s->n_backs > 0) {
		begun = fact_begin(b, FACT_MESSAGES_BACK);
		fact_put_count(b, 0, s->n_backs);
		for (uint32_t i = 0; i < s->n_backs; i++)
			fact_put_parcel_rec(b, &s->backs[i]);
		fact_end(b, begun);
	}
	if (s->n_dones > 0) {
		begun = fact_begin(b, FACT_MESSAGES_DONE);
		fact_put_count(b, 0, s->n_dones);
		for (uint32_t i = 0; i < s->n_dones; i++)
			fact_put_done_rec(b, &s->dones[i]);
		fact_end(b, begun);
	}
	s->n_backs = s->n_dones = 0;
	write_staged(c);
}

void step_apply(struct core *c, uint64_t base)
{
	struct topic_step *s = &c->topics.step;

	for (uint32_t i = 0; i < s->n_coming; i++)
		publish_apply(c, &s->coming[i], 1, base);
	s->n_coming = 0;
}
