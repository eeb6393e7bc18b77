/* Streams: many jobs in flight. Posting goes straight into the session's SUBMIT under construction, and what
 * happened is handed out straight from the decoded message; only what comes up during a blocking call is
 * copied, to the backlog. See sheaf.h. */
#include <stdlib.h>

#include "client/handle.h"

void sheaf_policy_default(struct sheaf_policy *p)
{
	*p = (struct sheaf_policy){ .priority = DEFAULT_PRIORITY, .attempts = 0 };
}

/* NAME=VALUE, each ended by a NUL. */
static enum sheaf_error join_headers(struct sheaf *s, const struct sheaf_policy *p)
{
	buf_clear(&s->headers);
	for (size_t i = 0; i < p->n_headers; i++) {
		buf_put(&s->headers, p->headers[i], strlen(p->headers[i]) + 1);
		if (s->headers.n > LIMIT_HEADER_BYTES || i >= LIMIT_HEADERS) {
			return handle_fail(s, SHEAF_E_TOO_LARGE, "a job has at most %d headers, %d KiB of them",
			                   LIMIT_HEADERS, (int)(LIMIT_HEADER_BYTES / KIB));
		}
	}
	return SHEAF_OK;
}

/* Whether they say anything; bytes of padding do not count. */
static bool has_terms(const struct msg_terms *t)
{
	return t->delay_ms | t->at_ms | t->expires_ms | t->backoff_ms | t->backoff_max_ms | t->key.n | t->tenant.n |
	       t->group.n | t->n_after | t->replicas | t->hedge_ms | t->race_ms | t->topic.n | t->within_ms;
}

enum sheaf_error handle_policy(struct sheaf *s, const char *queue, const struct sheaf_policy *p,
                               struct csession_policy *out)
{
	struct sheaf_policy def;
	enum sheaf_error e;

	if (!p) {
		sheaf_policy_default(&def);
		p = &def;
	}
	*out = (struct csession_policy){
		.queue = span_str(queue),
		.priority = p->priority,
		.attempts = p->attempts,
		.lease_ms = p->lease_ms,
		.batch = p->batch,
		.after_any = p->after_any,
		.terms = has_terms(&p->terms) ? &p->terms : NULL,
	};
	if (p->n_headers == 0)
		return SHEAF_OK;
	e = join_headers(s, p);
	out->headers = buf_span(&s->headers);
	return e;
}

enum sheaf_error handle_bad_post(struct sheaf *s, enum sheaf_error e, const struct csession_policy *p, size_t bytes)
{
	const struct msg_client_welcome *w = sheaf_welcome(s);
	uint64_t most = w && w->payload_max && w->payload_max < LIMIT_PAYLOAD ? w->payload_max : LIMIT_PAYLOAD;

	switch (e) {
	case SHEAF_E_BAD_NAME:
		return handle_fail(s, e,
		                   "no queue can be named \"%.*s\": a name is 1 to %d of a-z 0-9 . _ -, the first "
		                   "a letter or digit",
		                   (int)(p->queue.n < LIMIT_NAME ? p->queue.n : LIMIT_NAME), (const char *)p->queue.p,
		                   LIMIT_QUEUE_NAME);
	case SHEAF_E_TOO_LARGE:
		return handle_fail(s, e, "a payload of %zu bytes is over the limit of %llu", bytes,
		                   (unsigned long long)most);
	case SHEAF_E_BAD_VALUE:
		if (p->priority > LIMIT_PRIORITY)
			return handle_fail(s, e, "a priority is 0 to %d", LIMIT_PRIORITY);
		if (p->attempts < 1 || p->attempts > LIMIT_ATTEMPTS)
			return handle_fail(s, e, "attempts are 1 to %d", LIMIT_ATTEMPTS);
		return handle_fail(s, e, "a header is NAME=VALUE, its name of letters, digits, _ and -");
	case SHEAF_E_FULL:
		return handle_fail(s, e, "too many jobs are in flight");
	default:
		return handle_refused(s, e, span_of(NULL, 0));
	}
}

/* ---- the backlog ---- */

bool stream_event(const struct csession_event *from, struct sheaf_event *to)
{
	switch (from->kind) {
	case CSESSION_ACCEPTED:
		to->kind = SHEAF_ACCEPTED;
		break;
	case CSESSION_REFUSED:
		to->kind = SHEAF_REFUSED;
		break;
	case CSESSION_RESULT:
		to->kind = SHEAF_RESULT;
		to->result = *from->result;
		break;
	default:
		return false;
	}
	to->tag = from->tag;
	to->id = from->id;
	to->error = from->error;
	return from->kind == CSESSION_RESULT || from->call == 0;
}

static struct span copy_bytes(uint8_t *to, struct span s)
{
	if (s.n)
		memcpy(to, s.p, s.n);
	return span_of(to, s.n);
}

void backlog_add(struct sheaf *s, const struct csession_event *ev)
{
	struct sheaf_event e = { .kind = SHEAF_NOTHING };
	struct backlog_item *item;

	if (!stream_event(ev, &e))
		return;
	item = malloc(sizeof *item + e.result.error.n + e.result.result.n);
	must(item);
	item->next = NULL;
	item->event = e;
	item->event.result.error = copy_bytes(item->bytes, e.result.error);
	item->event.result.result = copy_bytes(item->bytes + e.result.error.n, e.result.result);
	*s->newest = item;
	s->newest = &item->next;
}

/* What was handed out before is not valid any more; takes the oldest of the backlog, if there is one. */
static bool backlog_take(struct sheaf *s, struct sheaf_event *ev)
{
	free(s->handed);
	s->handed = s->oldest;
	if (!s->handed)
		return false;
	s->oldest = s->handed->next;
	if (!s->oldest)
		s->newest = &s->oldest;
	*ev = s->handed->event;
	return true;
}

void backlog_fini(struct sheaf *s)
{
	struct sheaf_event ev;

	while (backlog_take(s, &ev))
		;
}

/* ---- posting and what comes of it ---- */

void sheaf_set_batching(sheaf_t *s, uint32_t records)
{
	(void)csession_set_records(s->session, records);
	s->part = records;
}

size_t sheaf_room(const sheaf_t *s)
{
	return csession_room(s->session);
}

size_t sheaf_outstanding(const sheaf_t *s)
{
	return csession_outstanding(s->session);
}

enum sheaf_error sheaf_post(sheaf_t *s, const char *queue, const struct sheaf_policy *p, struct span payload,
                            uint64_t tag, bool want)
{
	struct csession_policy policy;
	enum sheaf_error e = handle_policy(s, queue, p, &policy);

	if (unlikely(e))
		return e;
	policy.want = want;
	e = csession_post(s->session, &policy, payload, tag);
	if (unlikely(e))
		return handle_bad_post(s, e, &policy, payload.n);
	if (csession_unsent(s->session)) /* a SUBMIT is full: it need not wait for sheaf_next */
		handle_send(s);
	return SHEAF_OK;
}

enum sheaf_error sheaf_await(sheaf_t *s, uint64_t id, uint64_t tag)
{
	if (id == 0)
		return handle_fail(s, SHEAF_E_UNKNOWN, "no job has the id 0");
	if (csession_room(s->session) == 0)
		return handle_fail(s, SHEAF_E_FULL, "too many jobs are in flight");
	(void)csession_await(s->session, id, tag);
	return SHEAF_OK;
}

/* What to hand out, with a sentence where there is one to say. */
static bool hand_out(struct sheaf *s, const struct csession_event *from, struct sheaf_event *to)
{
	if (!stream_event(from, to))
		return false;
	if (unlikely(to->kind == SHEAF_REFUSED))
		(void)handle_refused(s, to->error, from->text);
	return true;
}

enum sheaf_error sheaf_next(sheaf_t *s, uint64_t ms, struct sheaf_event *ev)
{
	struct csession_event inner;
	uint64_t until_ms;
	enum sheaf_error e;

	if (unlikely(s->handed || s->oldest) && backlog_take(s, ev)) {
		if (ev->kind == SHEAF_REFUSED)
			(void)handle_refused(s, ev->error, span_of(NULL, 0));
		return SHEAF_OK;
	}
	while (handle_event(s, &inner)) {
		if (hand_out(s, &inner, ev))
			return SHEAF_OK;
	}
	until_ms = handle_until(s, ms);
	for (;;) {
		e = handle_next(s, until_ms, &inner);
		if (e == SHEAF_E_TIMEOUT)
			break;
		if (e)
			return e;
		if (hand_out(s, &inner, ev))
			return SHEAF_OK;
	}
	ev->kind = SHEAF_NOTHING;
	return SHEAF_OK;
}
