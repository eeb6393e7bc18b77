/* What people look at: queues, workers, counters; see sheaf.h. */
#include "client/handle.h"

enum sheaf_error sheaf_queues(sheaf_t *s, uint64_t ms, sheaf_queue_fn *each, void *ctx)
{
	struct call k = call_begin(s, ms);
	struct msg m = { .h.kind = MSG_QUEUE_LIST };
	char after[LIMIT_NAME];

	for (;;) {
		const struct msg *a;
		enum sheaf_error e = call_ask(&k, &m, &a);
		struct span last = { 0 };

		if (e)
			return e;
		if (a->h.kind != MSG_QUEUE_INFO)
			return handle_strange(s);
		for (uint32_t i = 0; i < a->u.queue_info.n; i++) {
			each(ctx, &a->u.queue_info.v[i]);
			last = a->u.queue_info.v[i].name;
		}
		if (!a->u.queue_info.more)
			return SHEAF_OK;
		if (last.n == 0 || last.n > sizeof after)
			return handle_strange(s);
		memcpy(after, last.p, last.n);
		m.u.queue_list.after = span_of(after, last.n);
	}
}

enum sheaf_error sheaf_running(sheaf_t *s, const char *queue, uint64_t ms, sheaf_running_fn *each, void *ctx)
{
	struct call k = call_begin(s, ms);
	struct msg m = { .h.kind = MSG_JOB_LIST };

	if (queue != NULL)
		m.u.job_list.queue = span_str(queue);
	for (;;) {
		const struct msg *a;
		enum sheaf_error e = call_ask(&k, &m, &a);

		if (e)
			return e;
		if (a->h.kind != MSG_JOBS_INFO || (a->u.jobs_info.more && a->u.jobs_info.n == 0))
			return handle_strange(s);
		for (uint32_t i = 0; i < a->u.jobs_info.n; i++) {
			each(ctx, &a->u.jobs_info.v[i]);
			m.u.job_list.session = a->u.jobs_info.v[i].session;
			m.u.job_list.token = a->u.jobs_info.v[i].token;
		}
		if (!a->u.jobs_info.more)
			return SHEAF_OK;
	}
}

enum sheaf_error sheaf_workers(sheaf_t *s, uint64_t ms, sheaf_worker_fn *each, void *ctx)
{
	struct call k = call_begin(s, ms);
	struct msg m = { .h.kind = MSG_WORKER_LIST };

	for (;;) {
		const struct msg *a;
		enum sheaf_error e = call_ask(&k, &m, &a);
		uint64_t after = m.u.worker_list.after;

		if (e)
			return e;
		if (a->h.kind != MSG_WORKER_INFO)
			return handle_strange(s);
		for (uint32_t i = 0; i < a->u.worker_info.n; i++) {
			each(ctx, &a->u.worker_info.v[i]);
			m.u.worker_list.after = a->u.worker_info.v[i].session;
		}
		if (!a->u.worker_info.more)
			return SHEAF_OK;
		if (m.u.worker_list.after <= after)
			return handle_strange(s);
	}
}

enum sheaf_error sheaf_worker(sheaf_t *s, const char *name, enum worker_op op, uint64_t ms, uint64_t *workers)
{
	struct msg m = { .h.kind = MSG_WORKER_OP, .u.worker_op = { span_str(name), op } };
	const struct msg *a;
	enum sheaf_error e;

	if (!name_worker_ok(m.u.worker_op.name))
		return SHEAF_E_BAD_NAME;
	e = handle_ask(s, &m, ms, &a);
	if (e)
		return e;
	if (a->h.kind != MSG_REPLY)
		return handle_strange(s);
	if (workers)
		*workers = a->u.reply.value;
	return SHEAF_OK;
}

static enum sheaf_error check_queue(struct sheaf *s, const char *queue)
{
	struct csession_policy p = { .queue = span_str(queue) };

	return name_queue_ok(p.queue) ? SHEAF_OK : handle_bad_post(s, SHEAF_E_BAD_NAME, &p, 0);
}

enum sheaf_error sheaf_queue(sheaf_t *s, const char *queue, enum queue_op op, uint64_t ms, uint64_t *value,
                             sheaf_queue_fn *each, void *ctx)
{
	struct call k = call_begin(s, ms);
	struct msg m = { .h.kind = MSG_QUEUE_OP, .u.queue_op = { .queue = span_str(queue), .op = op } };
	const struct msg *a;
	enum sheaf_error e = check_queue(s, queue);

	if (!e)
		e = call_ask(&k, &m, &a);
	if (e)
		return e;
	if (a->h.kind == MSG_REPLY && op != QUEUE_SHOW) {
		if (value)
			*value = a->u.reply.value;
		return SHEAF_OK;
	}
	if (a->h.kind != MSG_QUEUE_INFO || a->u.queue_info.n != 1)
		return handle_strange(s);
	if (each)
		each(ctx, &a->u.queue_info.v[0]);
	return SHEAF_OK;
}

enum sheaf_error sheaf_queue_settings(sheaf_t *s, const char *queue, uint64_t ms, sheaf_setting_fn *each, void *ctx)
{
	struct call k = call_begin(s, ms);
	struct msg m = { .h.kind = MSG_QUEUE_OP, .u.queue_op = { .queue = span_str(queue), .op = QUEUE_SHOW } };
	const struct msg *a;
	enum sheaf_error e = check_queue(s, queue);

	if (!e)
		e = call_ask(&k, &m, &a);
	if (e)
		return e;
	if (a->h.kind != MSG_QUEUE_INFO)
		return handle_strange(s);
	for (uint32_t i = 0; i < a->u.queue_info.n_settings; i++)
		each(ctx, &a->u.queue_info.settings[i]);
	return SHEAF_OK;
}

enum sheaf_error sheaf_queue_set(sheaf_t *s, const char *queue, const struct msg_setting_rec *settings, uint32_t n,
                                 uint64_t ms)
{
	struct call k = call_begin(s, ms);
	struct msg m = { .h.kind = MSG_QUEUE_SET, .u.queue_set = { span_str(queue), settings, n } };
	const struct msg *a;
	enum sheaf_error e = check_queue(s, queue);

	if (!e && (n == 0 || n > LIMIT_SETTINGS))
		e = handle_fail(s, SHEAF_E_BAD_VALUE, "1 to %d settings can be made at a time", LIMIT_SETTINGS);
	if (!e)
		e = call_ask(&k, &m, &a);
	if (!e && a->h.kind != MSG_REPLY)
		e = handle_strange(s);
	return e;
}

enum sheaf_error sheaf_peek(sheaf_t *s, const char *queue, uint32_t n, uint64_t ms, sheaf_peek_fn *each, void *ctx)
{
	struct call k = call_begin(s, ms);
	struct msg m = { .h.kind = MSG_QUEUE_OP,
		         .u.queue_op = { .queue = span_str(queue), .op = QUEUE_PEEK, .arg = n } };
	const struct msg *a;
	enum sheaf_error e = check_queue(s, queue);

	if (!e)
		e = call_ask(&k, &m, &a);
	if (e)
		return e;
	if (a->h.kind != MSG_PEEKED)
		return handle_strange(s);
	for (uint32_t i = 0; i < a->u.peeked.n; i++)
		each(ctx, &a->u.peeked.v[i]);
	return SHEAF_OK;
}

enum sheaf_error sheaf_stats(sheaf_t *s, uint64_t ms, sheaf_stat_fn *each, void *ctx)
{
	struct msg m = { .h.kind = MSG_STATS };
	const struct msg *a;
	enum sheaf_error e = handle_ask(s, &m, ms, &a);

	if (e)
		return e;
	if (a->h.kind != MSG_STATS_INFO)
		return handle_strange(s);
	for (uint32_t i = 0; i < a->u.stats_info.n; i++)
		each(ctx, &a->u.stats_info.v[i]);
	return SHEAF_OK;
}
