/* Blocking calls about jobs and batches; see sheaf.h. */
#include "client/handle.h"

/* Posts what there is room for, from *posted on. SHEAF_E_FULL is no error here: the rest comes later. */
static enum sheaf_error post_more(struct sheaf *s, const struct csession_policy *p, const struct span *payloads,
                                  size_t n, size_t *posted)
{
	while (*posted < n && csession_room(s->session) > 0) {
		enum sheaf_error e = csession_post(s->session, p, payloads[*posted], *posted);

		if (e == SHEAF_E_FULL)
			break;
		if (e)
			return handle_bad_post(s, e, p, payloads[*posted].n);
		++*posted;
	}
	csession_flush(s->session);
	return SHEAF_OK;
}

/* After the first refusal nothing more is posted, but what has been is waited for. */
static enum sheaf_error submit_all(struct call *k, const struct csession_policy *p, const struct span *payloads,
                                   size_t n, uint64_t *ids, size_t *done)
{
	struct sheaf *s = k->s;
	enum sheaf_error first = SHEAF_OK, e;
	struct csession_event ev = { 0 };
	size_t posted = 0, answered = 0;

	for (;;) {
		if (!first)
			first = post_more(s, p, payloads, n, &posted);
		if (answered == posted && (first || posted == n))
			return first;
		e = call_next(k, &ev);
		if (e) {
			csession_forget(s->session, k->id);
			return e;
		}
		if (ev.kind == CSESSION_ACCEPTED) {
			ids[ev.tag] = ev.id;
			++*done;
			answered++;
		} else if (ev.kind == CSESSION_REFUSED) {
			if (!first)
				first = handle_refused(s, ev.error, ev.text);
			answered++;
		}
	}
}

enum sheaf_error sheaf_submit_many(sheaf_t *s, const char *queue, const struct sheaf_policy *p,
                                   const struct span *payloads, size_t n, uint64_t ms, uint64_t *ids, size_t *done)
{
	struct call k = call_begin(s, ms);
	struct csession_policy policy;
	enum sheaf_error e = handle_policy(s, queue, p, &policy);
	uint32_t records;

	*done = 0;
	if (e)
		return e;
	policy.call = k.id;
	records = csession_set_records(s->session, LIMIT_RECORDS);
	for (size_t i = 0; i < n; i++)
		ids[i] = 0;
	e = submit_all(&k, &policy, payloads, n, ids, done);
	(void)csession_set_records(s->session, records);
	return e;
}

enum sheaf_error sheaf_submit(sheaf_t *s, const char *queue, const struct sheaf_policy *p, struct span payload,
                              uint64_t ms, uint64_t *id)
{
	size_t done;

	return sheaf_submit_many(s, queue, p, &payload, 1, ms, id, &done);
}

static enum sheaf_error unknown_job(struct sheaf *s, uint64_t id)
{
	return handle_fail(s, SHEAF_E_UNKNOWN, "no job has the id %llu", (unsigned long long)id);
}

/* Waits until a job or a batch has ended. */
static enum sheaf_error await(struct call *k, uint64_t id, struct msg_result_rec *r)
{
	struct csession *session = k->s->session;
	struct csession_event ev = { 0 };
	bool streams;

	if (id == 0) {
		*r = (struct msg_result_rec){ .state = JOB_NONE };
		return SHEAF_OK;
	}
	streams = csession_await(session, id, 0);
	k->awaited = id;
	do {
		enum sheaf_error e = call_next(k, &ev);

		if (e) {
			if (!streams)
				csession_unawait(session, id);
			return e;
		}
	} while (ev.kind != CSESSION_RESULT || ev.id != id);
	k->awaited = 0;
	if (streams) /* sheaf_next hands it out too */
		backlog_add(k->s, &ev);
	*r = *ev.result;
	return SHEAF_OK;
}

static enum sheaf_error no_longer_kept(struct sheaf *s, uint64_t id)
{
	return handle_fail(s, SHEAF_E_GONE, "the result of job %llu is no longer kept", (unsigned long long)id);
}

enum sheaf_error sheaf_wait(sheaf_t *s, uint64_t id, uint64_t ms, struct msg_result_rec *r)
{
	struct call k = call_begin(s, ms);
	enum sheaf_error e = await(&k, id, r);

	if (e || r->state != JOB_NONE)
		return e;
	return r->gone ? no_longer_kept(s, id) : unknown_job(s, id);
}

enum sheaf_error sheaf_result(sheaf_t *s, uint64_t id, uint64_t ms, struct msg_result_rec *r)
{
	struct msg m = { .h.kind = MSG_RESULT_GET, .u.one.id = id };
	const struct msg *a;
	enum sheaf_error e = handle_ask(s, &m, ms, &a);

	if (e)
		return e;
	if (a->h.kind != MSG_RESULTS || a->u.results.n != 1)
		return handle_strange(s);
	*r = a->u.results.v[0];
	if (r->state == JOB_NONE)
		return unknown_job(s, id);
	if (!job_state_terminal((enum job_state)r->state))
		return handle_fail(s, SHEAF_E_NOT_FINISHED, "%s", sheaf_error_text(SHEAF_E_NOT_FINISHED));
	return r->gone ? no_longer_kept(s, id) : SHEAF_OK;
}

enum sheaf_error sheaf_job(sheaf_t *s, uint64_t id, uint64_t ms, struct msg_job_info *info)
{
	struct msg m = { .h.kind = MSG_JOB_GET, .u.one.id = id };
	const struct msg *a;
	enum sheaf_error e = handle_ask(s, &m, ms, &a);

	if (e)
		return e;
	if (a->h.kind != MSG_JOB_INFO)
		return handle_strange(s);
	*info = a->u.job_info;
	return SHEAF_OK;
}

/* What a REPLY says; any other kind is none. */
static enum sheaf_error ask_value(struct call *k, const struct msg *m, uint64_t *value)
{
	const struct msg *a;
	enum sheaf_error e = call_ask(k, m, &a);

	if (e)
		return e;
	if (a->h.kind != MSG_REPLY)
		return handle_strange(k->s);
	*value = a->u.reply.value;
	return SHEAF_OK;
}

enum sheaf_error sheaf_cancel(sheaf_t *s, const uint64_t *ids, size_t n, uint32_t flags, uint64_t ms,
                              uint64_t *cancelled)
{
	struct call k = call_begin(s, ms);

	*cancelled = 0;
	for (size_t at = 0; at < n; at += LIMIT_RECORDS) {
		size_t some = n - at < LIMIT_RECORDS ? n - at : LIMIT_RECORDS;
		struct msg m = { .h.kind = MSG_CANCEL,
			         .u.ids = { .flags = flags, .ids = ids + at, .n = (uint32_t)some } };
		uint64_t value = 0;
		enum sheaf_error e = ask_value(&k, &m, &value);

		if (n > 1 && (e == SHEAF_E_FINISHED || e == SHEAF_E_UNKNOWN))
			continue; /* none of these; of a single one the caller hears why */
		if (e)
			return e;
		*cancelled += value;
	}
	return SHEAF_OK;
}

enum sheaf_error sheaf_batch_open(sheaf_t *s, uint64_t ms, uint64_t *batch)
{
	struct call k = call_begin(s, ms);
	struct msg m = { .h.kind = MSG_BATCH_OPEN };

	return ask_value(&k, &m, batch);
}

enum sheaf_error sheaf_batch_open_as(sheaf_t *s, const struct sheaf_batch_options *o, uint64_t ms, uint64_t *batch)
{
	struct call k = call_begin(s, ms);
	struct msg m = { .h.kind = MSG_BATCH_OPEN, .u.batch_open = { .open_ms = o->open_ms } };
	struct csession_policy policy;
	enum sheaf_error e;

	if (o->then_queue) {
		e = handle_policy(s, o->then_queue, o->then_policy, &policy);
		if (e)
			return e;
		m.u.batch_open.then_queue = policy.queue;
		m.u.batch_open.then_when = o->then_when ? o->then_when : THEN_SUCCESS;
		m.u.batch_open.then_payload = o->then_payload;
		m.u.batch_open.then_headers = policy.headers;
		m.u.batch_open.then_priority = policy.priority;
		m.u.batch_open.then_attempts = policy.attempts;
	}
	return ask_value(&k, &m, batch);
}

enum sheaf_error sheaf_batch_close(sheaf_t *s, uint64_t batch, uint64_t ms)
{
	struct call k = call_begin(s, ms);
	struct msg m = { .h.kind = MSG_BATCH_CLOSE, .u.one.id = batch };
	uint64_t value;

	return ask_value(&k, &m, &value);
}

static enum sheaf_error get_batch(struct call *k, uint64_t batch, struct msg_batch_info *info)
{
	struct msg m = { .h.kind = MSG_BATCH_GET, .u.one.id = batch };
	const struct msg *a;
	enum sheaf_error e = call_ask(k, &m, &a);

	if (e)
		return e;
	if (a->h.kind != MSG_BATCH_INFO)
		return handle_strange(k->s);
	*info = a->u.batch_info;
	return SHEAF_OK;
}

enum sheaf_error sheaf_batch(sheaf_t *s, uint64_t batch, uint64_t ms, struct msg_batch_info *info)
{
	struct call k = call_begin(s, ms);

	return get_batch(&k, batch, info);
}

enum sheaf_error sheaf_batch_wait(sheaf_t *s, uint64_t batch, uint64_t ms, struct msg_batch_info *info)
{
	struct call k = call_begin(s, ms);
	struct msg_result_rec r;
	enum sheaf_error e = await(&k, batch, &r); /* a batch is awaited as a job is */

	if (e)
		return e;
	if (r.state == JOB_NONE)
		return handle_fail(s, SHEAF_E_UNKNOWN, "no batch has the id %llu", (unsigned long long)batch);
	return get_batch(&k, batch, info);
}
