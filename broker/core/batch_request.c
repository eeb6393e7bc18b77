/* See batch_request.h. */
#include "broker/core/batch_request.h"

#include "broker/core/batch.h"
#include "broker/core/client.h"
#include "broker/core/fx.h"
#include "broker/core/queue.h"
#include "broker/core/submit.h"
#include "broker/core/trim.h"
#include "broker/core/turn.h"

enum { THEN_HEADERS = 2 }; /* that the broker adds */

static uint32_t headers_in(struct span s)
{
	uint32_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\0';
	return n;
}

/* Why no batch can be opened, in words for people; NULL: one can. */
static const char *refused(struct core *c, const struct msg_batch_open *o, enum sheaf_error *error)
{
	uint64_t bytes = o->then_payload.n + o->then_headers.n;
	bool then = o->then_queue.n > 0;

	*error = SHEAF_E_DRAINING;
	if (c->draining)
		return "no new batch can be opened now: the broker is going down";
	*error = SHEAF_E_BAD_VALUE;
	if (!then && (o->then_when != 0 || bytes > 0))
		return "then_queue: the job that follows a batch needs a queue";
	*error = SHEAF_E_TOO_LARGE;
	if (then && (o->then_headers.n + THEN_HEADER_BYTES > LIMIT_HEADER_BYTES ||
	             headers_in(o->then_headers) + THEN_HEADERS > LIMIT_HEADERS))
		return "then_headers: the broker adds two, and there is no room for them";
	if (bytes > log_group_max(c->config.segment_bytes) / 3)
		return "the job that is to follow does not fit a segment of the journal";
	*error = SHEAF_E_FULL;
	if (trim_full(c, bytes))
		return "no new batch can be opened now: the disk is full";
	if (c->live_batches >= LIMIT_BATCHES)
		return "there are 100000 batches already";
	if (then && c->then_bytes + bytes > LIMIT_THEN_ALL)
		return "the jobs that are to follow batches have 16 MiB of payloads already";
	*error = SHEAF_OK;
	return NULL;
}

void batch_request_open(struct core *c, struct client *cl, const struct msg *m)
{
	const struct msg_batch_open *o = &m->u.batch_open;
	struct queue *q = NULL;
	enum sheaf_error e;
	struct batch *b;
	const char *why;

	if (submit_answered(c, cl, m))
		return;
	why = refused(c, o, &e);
	if (why == NULL && o->then_queue.n > 0 && (q = queue_for(c, o->then_queue)) == NULL) {
		why = "there are 10000 queues already";
		e = SHEAF_E_FULL;
	}
	if (why != NULL) {
		fx_answer(c, cl->peer, &m->h, e, why, 0);
		return;
	}
	b = batch_new(c, c->next_id);
	must(b != NULL);
	c->next_id++;
	batch_opens(c, b, c->wall + (o->open_ms ? o->open_ms : DEFAULT_BATCH_OPEN_MS));
	if (q != NULL)
		batch_set_then(c, b,
		               &(struct fact_then){ .when = (uint8_t)(o->then_when ? o->then_when : THEN_SUCCESS),
		                                    .priority = (uint8_t)o->then_priority,
		                                    .attempts = (uint8_t)o->then_attempts,
		                                    .queue = q->index,
		                                    .headers = o->then_headers,
		                                    .payload = o->then_payload });
	batch_fact(c, b, cl->session, m->h.number);
	client_remember(cl, m->h.number, b->id, 0);
	turn_commit(c);
	fx_answer(c, cl->peer, &m->h, SHEAF_OK, "", b->id);
}

void batch_request_close(struct core *c, struct client *cl, const struct msg *m)
{
	struct batch *b = batch_find(c, m->u.one.id);

	if (b == NULL) {
		fx_answer(c, cl->peer, &m->h, SHEAF_E_UNKNOWN, "there is no such batch", 0);
		return;
	}
	if (!b->closed) {
		batch_close(c, b, false);
		batch_fact(c, b, 0, 0);
		turn_commit(c);
	}
	fx_answer(c, cl->peer, &m->h, SHEAF_OK, "", b->id);
}

void batch_request_show(struct core *c, struct client *cl, const struct msg *m)
{
	struct batch *b = batch_find(c, m->u.one.id);

	if (b == NULL) {
		fx_answer(c, cl->peer, &m->h, SHEAF_E_UNKNOWN, "there is no such batch", 0);
		return;
	}
	fx_reply(c, cl->peer, MSG_BATCH_INFO, cl->session, m->h.number)->u.batch_info = (struct msg_batch_info){
		.batch = b->id,
		.closed = b->closed,
		.total = b->total,
		.ended = b->ended,
		.failed = b->failed,
		.expired = b->expired,
		.kept = b->kept,
		.closes_ms = b->closed ? 0 : b->closes_wall,
		.finished_ms = b->finished_wall,
		.then_when = b->then != NULL ? b->then->when : 0,
		.then_queue = b->then != NULL ? span_str(c->queues[b->then->queue]->name) : (struct span){ 0 },
		.then_id = b->then_id,
	};
}
