/* What the user asks of a client session: jobs to be posted, requests, jobs to be awaited. See session.h. */
#include "client/machine.h"
#include "client/session.h"
#include "proto/codec.h"

/* The broker also counts jobs that are awaited no longer, as after a wait that timed out. */
#define WAITS_SPARE UINT64_C(1024)

uint32_t csession_set_records(struct csession *c, uint32_t records)
{
	uint32_t before = c->records;

	if (records < 1)
		records = 1;
	c->records = records < LIMIT_RECORDS ? records : LIMIT_RECORDS;
	return before;
}

/* Jobs that a SUBMIT may carry: what was asked for, and what the broker takes. */
static uint32_t records_max(const struct csession *c)
{
	uint32_t theirs = c->welcome.records_max;

	return theirs && theirs < c->records ? theirs : c->records;
}

size_t csession_outstanding(const struct csession *c)
{
	return c->requests.jobs + c->awaited.n;
}

size_t csession_room(const struct csession *c)
{
	uint64_t outstanding = csession_outstanding(c), most = LIMIT_CLIENT_WAITS, left, slots;

	if (c->welcome.waits_max && c->welcome.waits_max < most)
		most = c->welcome.waits_max;
	if (most > 2 * WAITS_SPARE)
		most -= WAITS_SPARE;
	if (outstanding >= most || c->requests.payload_bytes >= CSESSION_QUEUED_BYTES)
		return 0;
	left = requests_left(&c->requests);
	slots = CSESSION_RESERVED_REQUESTS + (c->gathered ? 1 : 0);
	if (left <= slots)
		return 0;
	left = (left - slots) * records_max(c);
	return left < most - outstanding ? left : most - outstanding;
}

void csession_settle_gathered(struct csession *c)
{
	if (c->gathered && requests_left(&c->requests) > 0) {
		requests_number(&c->requests, c->gathered);
		c->gathered = NULL;
	}
	c->flush = c->gathered != NULL;
}

void csession_flush(struct csession *c)
{
	if (c->gathered)
		csession_settle_gathered(c);
}

static enum sheaf_error check_policy(const struct csession_policy *p)
{
	if (!name_queue_ok(p->queue))
		return SHEAF_E_BAD_NAME;
	if (p->priority > LIMIT_PRIORITY || p->attempts > LIMIT_ATTEMPTS)
		return SHEAF_E_BAD_VALUE;
	if (p->terms && !request_good_terms(p->terms))
		return SHEAF_E_BAD_VALUE;
	if (p->headers.n > LIMIT_HEADER_BYTES)
		return SHEAF_E_TOO_LARGE;
	return headers_ok(p->headers) ? SHEAF_OK : SHEAF_E_BAD_VALUE;
}

/* Makes c->gathered a SUBMIT of this policy that takes one more payload of n bytes. */
static enum sheaf_error gather(struct csession *c, const struct csession_policy *p, size_t n)
{
	struct request *r = c->gathered;
	enum sheaf_error e;

	if (r && request_same_policy(r, p) && !request_for_one(p)) {
		if (r->n_jobs < records_max(c) && r->bytes.n + n <= CSESSION_BATCH_BYTES)
			return SHEAF_OK;
	} else {
		e = check_policy(p);
		if (e)
			return e;
	}
	csession_flush(c);
	if (c->gathered)
		return SHEAF_E_FULL;
	c->gathered = requests_new(&c->requests, MSG_SUBMIT, p->call);
	request_set_policy(c->gathered, p);
	return SHEAF_OK;
}

enum sheaf_error csession_post(struct csession *c, const struct csession_policy *p, struct span payload, uint64_t tag)
{
	uint64_t most = c->welcome.payload_max;
	enum sheaf_error e;

	if (payload.n > LIMIT_PAYLOAD || (most && payload.n > most))
		return SHEAF_E_TOO_LARGE;
	e = gather(c, p, payload.n);
	if (unlikely(e))
		return e;
	requests_add_job(&c->requests, c->gathered, payload, tag);
	if (c->gathered->n_jobs >= records_max(c) || c->gathered->bytes.n >= CSESSION_BATCH_BYTES)
		csession_flush(c);
	return SHEAF_OK;
}

enum sheaf_error csession_request(struct csession *c, const struct msg *m, uint64_t call, uint64_t *number)
{
	struct msg copy = *m;
	struct request *r;

	csession_flush(c); /* jobs posted before this leave before it */
	if (c->gathered || requests_left(&c->requests) == 0)
		return SHEAF_E_FULL;
	copy.h = (struct msg_header){ .version = PROTO_VERSION_MIN, .kind = m->h.kind };
	r = requests_new(&c->requests, m->h.kind, call);
	msg_encode(&r->bytes, &copy);
	requests_number(&c->requests, r);
	*number = r->number;
	return SHEAF_OK;
}

bool csession_publish_room(const struct csession *c)
{
	return !c->gathered && requests_left(&c->requests) > CSESSION_RESERVED_REQUESTS &&
	       c->requests.payload_bytes < CSESSION_QUEUED_BYTES;
}

/* A PUBLISH that still lacks its bytes, or why there is none. */
static enum sheaf_error begin_publish(struct csession *c, struct span topic, uint64_t defer_ms, uint32_t count,
                                      size_t bytes, uint64_t call, struct request **r)
{
	if (!name_topic_ok(topic))
		return SHEAF_E_BAD_NAME;
	if (count < 1 || count > LIMIT_PUBLISH || bytes > LIMIT_PUBLISH_BYTES || defer_ms > LIMIT_DEFER_MS)
		return SHEAF_E_TOO_LARGE;
	csession_flush(c);
	if (!csession_publish_room(c))
		return SHEAF_E_FULL;
	*r = requests_new(&c->requests, MSG_PUBLISH, call);
	return SHEAF_OK;
}

enum sheaf_error csession_publish(struct csession *c, struct span topic, uint64_t defer_ms, uint32_t count,
                                  struct span packed, uint64_t call, uint64_t *number)
{
	struct request *r;
	enum sheaf_error e = begin_publish(c, topic, defer_ms, count, packed.n, call, &r);

	if (e)
		return e;
	buf_put_span(&r->bytes, packed);
	requests_set_publish(&c->requests, r, topic, defer_ms, count);
	requests_number(&c->requests, r);
	*number = r->number;
	return SHEAF_OK;
}

enum sheaf_error csession_publish_buf(struct csession *c, struct span topic, uint64_t defer_ms, uint32_t count,
                                      struct buf *packed, uint64_t call, uint64_t *number)
{
	struct request *r;
	enum sheaf_error e = begin_publish(c, topic, defer_ms, count, packed->n, call, &r);
	struct buf empty;

	if (e)
		return e;
	empty = r->bytes;
	r->bytes = *packed;
	*packed = empty;
	requests_set_publish(&c->requests, r, topic, defer_ms, count);
	requests_number(&c->requests, r);
	*number = r->number;
	return SHEAF_OK;
}

bool csession_all_room(const struct csession *c)
{
	return csession_publish_room(c);
}

static enum sheaf_error check_part(const struct csession *c, const struct msg_all_part *p)
{
	uint64_t most = c->welcome.payload_max;

	if (!name_queue_ok(p->queue))
		return SHEAF_E_BAD_NAME;
	if (p->payload.n > LIMIT_PAYLOAD || (most && p->payload.n > most) || p->key.n > LIMIT_KEY ||
	    p->headers.n > LIMIT_HEADER_BYTES)
		return SHEAF_E_TOO_LARGE;
	if (p->flags > ALL_CREATE || p->priority > LIMIT_PRIORITY || p->attempts > LIMIT_ATTEMPTS ||
	    p->delay_ms > LIMIT_DELAY_MS || p->within_ms > LIMIT_DELAY_MS || !headers_ok(p->headers))
		return SHEAF_E_BAD_VALUE;
	return SHEAF_OK;
}

enum sheaf_error csession_submit_all(struct csession *c, const struct msg_submit_all *m, uint64_t call,
                                     uint64_t *number)
{
	enum sheaf_error e = SHEAF_OK;
	struct request *r;
	const char *why;

	if (m->n < 1 || m->n > LIMIT_ALL_PARTS)
		return SHEAF_E_TOO_LARGE;
	for (uint32_t i = 0; i < m->n && !e; i++)
		e = check_part(c, &m->v[i]);
	if (!e)
		e = msg_all_check(m, &why);
	if (e)
		return e;
	csession_flush(c); /* jobs posted before this leave before it */
	if (!csession_all_room(c))
		return SHEAF_E_FULL;
	r = requests_new(&c->requests, MSG_SUBMIT_ALL, call);
	requests_set_all(&c->requests, r, m);
	requests_number(&c->requests, r);
	*number = r->number;
	return SHEAF_OK;
}

uint64_t csession_ping(struct csession *c)
{
	c->ping_ms = 0;
	return c->pings + 1;
}

void csession_forget(struct csession *c, uint64_t call)
{
	struct requests *q = &c->requests;

	if (c->gathered && c->gathered->call == call) {
		requests_release(q, c->gathered);
		c->gathered = NULL;
	}
	for (uint64_t n = q->first; n < q->next; n++) {
		struct request *r = requests_find(q, n);

		if (!r || r->call != call || r->kind == MSG_SUBSCRIBE || r->kind == MSG_UNSUBSCRIBE)
			continue; /* a subscription is not left half made */
		if (c->place.request == r)
			c->place.request = NULL;
		requests_release(q, r);
	}
}

bool csession_await(struct csession *c, uint64_t id, uint64_t tag)
{
	if (!awaited_put(&c->awaited, id, tag))
		return true;
	if (c->result_ms < c->ticked_ms)
		c->result_ms = c->ticked_ms;
	csession_wait_one(c, id);
	return false;
}

void csession_unawait(struct csession *c, uint64_t id)
{
	uint64_t tag;

	(void)awaited_take(&c->awaited, id, &tag);
}

bool csession_awaits(const struct csession *c, uint64_t id)
{
	return awaited_has(&c->awaited, id);
}
