/* See publish.h and topic.h. */
#include "broker/core/topic/publish.h"

#include "base/crc32c.h"
#include "broker/core/client.h"
#include "broker/core/fx.h"
#include "broker/core/submit.h"
#include "broker/core/topic/gateway.h"
#include "broker/core/topic/run.h"
#include "broker/core/topic/topic.h"
#include "broker/core/trim.h"
#include "broker/core/turn.h"
#include "proto/packed.h"

/* Runs of one publish, at most: each but the last one has all the messages that a run takes, or the bytes. */
enum { RUNS_MOST = LIMIT_PUBLISH / RUN_MESSAGES + LIMIT_PUBLISH_BYTES / LIMIT_RUN_BYTES + 1, ROOM = 1024 };

void publish_write(struct core *c, const struct fact_messages *head, struct coming *v, uint32_t n,
                   const uint8_t *packed)
{
	struct fact_messages f = *head;
	struct buf *b = &c->fx->block;
	size_t begun = fact_begin(b, FACT_MESSAGES_PUT);

	f.topic = v[0].topic->index;
	f.flags = v[0].topic->ephemeral ? FACT_EPHEMERAL : 0;
	f.count = n;
	fact_put_messages(b, &f);
	for (uint32_t i = 0; i < n; i++) {
		struct span bytes = span_of(packed, v[i].length);

		v[i].number = c->topics.next_run++;
		v[i].crc = crc32c(0, bytes.p, bytes.n);
		v[i].overhead = run_overhead(n);
		v[i].due_ms = f.due_ms;
		fact_put_run_rec(b, &(struct fact_run_rec){ v[i].number, v[i].count, v[i].crc, bytes });
		v[i].at = b->n - bytes.n - LOG_BLOCK_HEADER;
		packed += bytes.n;
	}
	fact_end(b, begun);
}

void publish_apply(struct core *c, const struct coming *v, uint32_t n, uint64_t base)
{
	struct topic *t = v[0].topic;
	struct run *first = NULL;
	uint64_t messages = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct run *r = run_put(c, t,
		                        &(struct run_new){ .number = v[i].number,
		                                           .at = base + v[i].at,
		                                           .length = v[i].length,
		                                           .crc = v[i].crc,
		                                           .overhead = v[i].overhead,
		                                           .count = v[i].count,
		                                           .time_ms = c->wall,
		                                           .due_ms = v[i].due_ms });

		first = i == 0 ? r : first;
		messages += v[i].count;
		t->bytes += v[i].length - 4u * v[i].count;
	}
	t->messages += messages;
	c->topics.published += messages;
	topic_arrived(c, t, first, messages);
}

/* Takes the packed messages apart into runs. Returns how many, or 0 with why: they are not what the publish says. */
static uint32_t cut(const struct core *c, const struct msg_publish *p, struct coming *v, enum sheaf_error *e,
                    const char **why)
{
	struct span rest = p->packed, message;
	uint32_t n = 0, in_run = RUN_MESSAGES;

	*e = SHEAF_E_BAD_VALUE;
	for (uint32_t i = 0; i < p->count; i++) {
		*why = "packed: not as many messages as count says, or one that ends behind the end";
		if (!packed_next(&rest, &message))
			return 0;
		*why = "packed: a message without bytes";
		if (message.n == 0)
			return 0;
		if (message.n > c->config.message_max) {
			*e = SHEAF_E_TOO_LARGE;
			*why = "a message is larger than message_max";
			return 0;
		}
		if (in_run == RUN_MESSAGES || v[n - 1].length >= LIMIT_RUN_BYTES) {
			v[n++] = (struct coming){ 0 };
			in_run = 0;
		}
		v[n - 1].length += PACKED_HEAD + (uint32_t)message.n;
		v[n - 1].count++;
		in_run++;
	}
	*why = "packed: more bytes than the messages have";
	return rest.n == 0 ? n : 0;
}

static const char *refused(const struct core *c, const struct msg_publish *p, uint32_t runs, enum sheaf_error *e)
{
	uint64_t bytes = p->packed.n + runs * (uint64_t)run_overhead(1) + ROOM;

	*e = SHEAF_E_DRAINING;
	if (c->draining)
		return "the broker is going down; it will be back";
	*e = SHEAF_E_BUSY;
	if (c->pressure)
		return "the journal is behind; send it again";
	*e = SHEAF_E_TOO_LARGE;
	if (bytes > log_group_max(c->config.segment_bytes) / 3)
		return "the messages of one publish do not fit a segment of the journal";
	*e = SHEAF_E_FULL;
	if (trim_full(c, bytes))
		return c->trim.no_space ? "the broker's disk is full" : "the broker's disk cap is reached";
	if (c->topics.runs.count + runs > LIMIT_RUNS)
		return "there are as many messages as the broker can keep an index of";
	if (p->defer_ms > 0 && c->topics.n_parcels + runs > LIMIT_PARCELS)
		return "there are as many messages that wait for their time as can be";
	*e = SHEAF_OK;
	return NULL;
}

static void accept(struct core *c, struct client *cl, uint64_t number, uint64_t first, uint32_t count)
{
	struct effect *e = fx_add(c, FX_ACCEPTED);

	e->peer = cl->peer;
	e->session = cl->session;
	e->u.accepted = (struct msg_accepted_rec){ number, first, count };
	client_remember(cl, number, first, count);
}

void publish_request(struct core *c, struct client *cl, const struct msg *m)
{
	const struct msg_publish *p = &m->u.publish;
	struct coming *v;
	enum sheaf_error e;
	const char *why;
	struct topic *t;
	uint64_t base;
	uint32_t n;

	if (gateway_topic(p->topic)) {
		gateway_publish(c, cl, m);
		return;
	}
	client_answered(cl, p->answered);
	if (submit_answered(c, cl, m))
		return;
	v = fx_alloc(c, RUNS_MOST * sizeof *v);
	n = cut(c, p, v, &e, &why);
	if (n == 0) {
		fx_answer(c, cl->peer, &m->h, e, why, 0);
		return;
	}
	why = refused(c, p, n, &e);
	t = why == NULL ? topic_for(c, p->topic) : NULL;
	if (t == NULL) {
		fx_answer(c, cl->peer, &m->h, why != NULL ? e : SHEAF_E_FULL,
		          why != NULL ? why : "there are 10000 topics already", 0);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		v[i].topic = t;
	publish_write(c,
	              &(struct fact_messages){ .session = cl->session,
	                                       .number = m->h.number,
	                                       .floor = cl->floor,
	                                       .time_ms = c->wall,
	                                       .due_ms = p->defer_ms > 0 ? c->wall + p->defer_ms : 0 },
	              v, n, p->packed.p);
	base = turn_place(c);
	publish_apply(c, v, n, base);
	accept(c, cl, m->h.number, v[0].number * RUN_MESSAGES, p->count);
}
