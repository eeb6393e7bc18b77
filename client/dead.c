/* Dead letters: listed, redriven, purged; see sheaf.h. */
#include "client/handle.h"

static enum sheaf_error bad_queue(struct sheaf *s, const char *queue)
{
	struct csession_policy p = { .queue = span_str(queue) };

	return name_queue_ok(p.queue) ? SHEAF_OK : handle_bad_post(s, SHEAF_E_BAD_NAME, &p, 0);
}

enum sheaf_error sheaf_dead(sheaf_t *s, const char *queue, const struct msg_dead_filter *f, uint64_t most, uint64_t ms,
                            sheaf_dead_fn *each, void *ctx)
{
	struct call k = call_begin(s, ms);
	struct msg m = { .h.kind = MSG_DEAD_LIST, .u.dead_list.queue = span_str(queue) };
	enum sheaf_error e = bad_queue(s, queue);
	uint64_t left = most > 0 ? most : UINT64_MAX;

	if (f)
		m.u.dead_list.filter = *f;
	while (!e && left > 0) {
		const struct msg *a;
		uint32_t limit = left < LIMIT_LISTED ? (uint32_t)left : LIMIT_LISTED;

		m.u.dead_list.limit = limit;
		e = call_ask(&k, &m, &a);
		if (e)
			return e;
		if (a->h.kind != MSG_DEAD_INFO || a->u.dead_info.n > limit)
			return handle_strange(s);
		for (uint32_t i = 0; i < a->u.dead_info.n; i++)
			each(ctx, &a->u.dead_info.v[i]);
		left -= a->u.dead_info.n;
		if (!a->u.dead_info.more)
			break;
		m.u.dead_list.after = a->u.dead_info.next;
	}
	return e;
}

static enum sheaf_error ask_value(struct call *k, const struct msg *m, uint64_t *value)
{
	const struct msg *a;
	enum sheaf_error e = call_ask(k, m, &a);

	if (e)
		return e;
	if (a->h.kind != MSG_REPLY)
		return handle_strange(k->s);
	if (value)
		*value = a->u.reply.value;
	return SHEAF_OK;
}

enum sheaf_error sheaf_dead_op(sheaf_t *s, const char *queue, enum dead_op_kind op, const struct msg_dead_filter *f,
                               uint64_t most, uint64_t rate, uint64_t ms, uint64_t *done)
{
	struct call k = call_begin(s, ms);
	struct msg m = { .h.kind = MSG_DEAD_OP,
		         .u.dead_op = { .queue = span_str(queue), .op = op, .limit = most, .rate = rate } };
	enum sheaf_error e = bad_queue(s, queue);

	if (f)
		m.u.dead_op.filter = *f;
	return e ? e : ask_value(&k, &m, done);
}

enum sheaf_error sheaf_retry(sheaf_t *s, const uint64_t *ids, size_t n, uint64_t ms, uint64_t *retried)
{
	struct call k = call_begin(s, ms);

	*retried = 0;
	for (size_t at = 0; at < n; at += LIMIT_RECORDS) {
		size_t some = n - at < LIMIT_RECORDS ? n - at : LIMIT_RECORDS;
		struct msg m = { .h.kind = MSG_RETRY, .u.ids = { .ids = ids + at, .n = (uint32_t)some } };
		uint64_t value = 0;
		enum sheaf_error e = ask_value(&k, &m, &value);

		if (n > 1 && (e == SHEAF_E_BAD_VALUE || e == SHEAF_E_UNKNOWN || e == SHEAF_E_GONE))
			continue; /* none of these; of a single one the caller hears why */
		if (e)
			return e;
		*retried += value;
	}
	return SHEAF_OK;
}
