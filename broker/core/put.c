/* See put.h. */
#include "broker/core/put.h"

#include "base/crc32c.h"
#include "broker/core/fact.h"
#include "broker/core/job.h"
#include "broker/core/policy.h"
#include "broker/core/queue.h"
#include "broker/core/side.h"
#include "broker/core/trim.h"

uint64_t put_bytes(const struct put *p, struct span payload)
{
	return FACT_HEAD + FACT_PUT_HEAD + 64 + p->tenant.n + p->group.n + p->headers.n + FACT_PUT_RECORD + payload.n;
}

const char *put_refused(const struct core *c, const struct put *p, struct span payload)
{
	if (c->draining)
		return "the broker is going down";
	if (c->pressure)
		return "the journal is behind";
	if (trim_full(c, put_bytes(p, payload)))
		return c->trim.no_space ? "the broker's disk is full" : "the broker's disk cap is reached";
	if (p->headers.n + p->tenant.n + p->group.n > 0 && !policy_room(c, 1, p->headers.n + p->tenant.n + p->group.n))
		return "there are too many distinct sets of headers among the live jobs";
	return NULL;
}

/* Fills in what is left to the queue. */
static struct put settle(const struct queue *q, struct put p)
{
	if (p.attempts == 0)
		p.attempts = (uint8_t)(q->settings.attempts != 0 ? q->settings.attempts : DEFAULT_ATTEMPTS);
	if (p.lease_ms == 0)
		p.lease_ms = q->settings.lease_ms;
	if (p.backoff_ms == 0)
		p.backoff_ms = q->settings.backoff_ms;
	if (p.backoff_max_ms == 0)
		p.backoff_max_ms = q->settings.backoff_max_ms;
	return p;
}

uint64_t put_job(struct core *c, struct queue *q, const struct put *asked, struct span payload)
{
	const struct put settled = settle(q, *asked), *p = &settled;
	uint64_t expires = p->within_ms != 0 ? c->wall + p->within_ms : 0;
	uint64_t due = p->delay_ms != 0 ? c->wall + p->delay_ms : 0;
	struct buf *b = &c->fx->block;
	struct fact_put_rec r = { .id = c->next_id++, .payload = payload, .sharers = p->sharers };
	size_t begun;

	r.crc = p->same != NULL ? p->same->crc : crc32c(0, payload.p, payload.n);

	must(c->turn.n_puts < STEP_PUTS && !c->turn.placed && payload.n <= LIMIT_PAYLOAD);
	must(p->priority <= LIMIT_PRIORITY);
	begun = fact_begin(b, FACT_JOBS_PUT);
	fact_put_put(b, &(struct fact_put){
			    .queue = q->index,
			    .priority = p->priority,
			    .attempts = p->attempts,
			    .flags = p->sharers > 0 ? FACT_SHARED : 0,
			    .count = 1,
			    .session = p->session,
			    .number = p->number,
			    .floor = p->floor,
			    .submitted_ms = c->wall,
			    .lease_ms = p->lease_ms,
			    .headers = p->headers,
			    .backoff_ms = p->backoff_ms,
			    .backoff_max_ms = p->backoff_max_ms,
			    .due_ms = due,
			    .expires_ms = expires,
			    .tenant = p->tenant,
			    .group = p->group,
			});
	r.back = p->same != NULL ? fact_put_back(b, p->same->at) : 0;
	fact_put_put_rec(b, &r);
	fact_end(b, begun);
	c->turn.puts[c->turn.n_puts++] = (struct putting){
		.id = r.id,
		.at = p->same != NULL ? p->same->at : b->n - payload.n - LOG_BLOCK_HEADER,
		.length = (uint32_t)payload.n,
		.crc = r.crc,
		.overhead =
		    job_overhead(false, 1, p->headers.n + p->tenant.n + p->group.n) + job_shared_head(p->sharers),
		.sharers = p->sharers,
		.due = due,
		.policy = policy_intern(c,
		                        &(struct policy_words){ .headers = p->headers,
		                                                .lease_ms = p->lease_ms,
		                                                .backoff_ms = p->backoff_ms,
		                                                .backoff_max_ms = p->backoff_max_ms,
		                                                .queue = q,
		                                                .tenant = p->tenant,
		                                                .group = p->group },
		                        1),
		.expires = expires,
		.queue = q->index,
		.priority = p->priority,
		.attempts = p->attempts,
	};
	return r.id;
}

void put_apply(struct core *c, uint64_t base)
{
	for (uint32_t i = 0; i < c->turn.n_puts; i++) {
		const struct putting *p = &c->turn.puts[i];
		struct queue *q = c->queues[p->queue];
		struct job *j = job_put(
		    c, q, p->id, &(struct job_bytes){ base + p->at, p->length, p->crc, p->overhead, p->sharers });

		j->priority = p->priority & 15u;
		j->attempts = p->attempts;
		j->submitted_ms = c->wall & JOB_MS_MASK;
		j->p.policy = p->policy;
		if (p->due != 0 || p->expires != 0) {
			side_make(j)->expires = p->expires;
			j->in.side->due = p->due;
		}
		q->submitted++;
		job_begin(c, j);
	}
	c->turn.n_puts = 0;
}
