/* Schedules; see sheaf.h. */
#include "client/handle.h"

static enum sheaf_error check_name(struct sheaf *s, const char *name)
{
	if (name_worker_ok(span_str(name)))
		return SHEAF_OK;
	return handle_fail(s, SHEAF_E_BAD_NAME,
	                   "no schedule can be named '%.80s': a name is 1 to %d printable bytes without space or comma",
	                   name, LIMIT_NAME);
}

/* What the broker cannot be asked about at all; what it thinks of the words is its own affair. */
static enum sheaf_error check_when(struct sheaf *s, const char *spec, const char *zone)
{
	if (strlen(spec) > LIMIT_CRON_SPEC)
		return handle_fail(s, SHEAF_E_TOO_LARGE, "a schedule has at most %d bytes", LIMIT_CRON_SPEC);
	if (zone && zone[0] && !name_worker_ok(span_str(zone)))
		return handle_fail(s, SHEAF_E_BAD_VALUE, "'%.80s' is no time zone such as Europe/Berlin, or UTC", zone);
	return SHEAF_OK;
}

static struct span optional(const char *text)
{
	return text ? span_str(text) : span_of(NULL, 0);
}

static void hand_out(const struct msg *a, sheaf_cron_fn *each, void *ctx)
{
	for (uint32_t i = 0; i < a->u.cron_info.n; i++)
		each(ctx, &a->u.cron_info.v[i]);
}

enum sheaf_error sheaf_cron_set(sheaf_t *s, const struct sheaf_cron *k, const struct sheaf_policy *p, bool replace,
                                uint64_t ms, enum cron_did *did, sheaf_cron_fn *each, void *ctx)
{
	struct csession_policy policy;
	enum sheaf_error e = check_name(s, k->name);
	const struct msg *a;
	struct msg m;

	if (!e)
		e = check_when(s, k->spec, k->zone);
	if (!e)
		e = handle_policy(s, k->queue, p, &policy);
	if (!e &&
	    (!name_queue_ok(policy.queue) || !headers_ok(policy.headers) || p->priority > LIMIT_PRIORITY ||
	     p->attempts > LIMIT_ATTEMPTS || p->lease_ms > LIMIT_DELAY_MS || p->terms.backoff_ms > LIMIT_DELAY_MS ||
	     p->terms.backoff_max_ms > LIMIT_DELAY_MS || p->terms.within_ms > LIMIT_DELAY_MS))
		e = handle_bad_post(s, SHEAF_E_BAD_VALUE, &policy, 0);
	if (!e && k->payload.n > LIMIT_CRON_PAYLOAD)
		e = handle_fail(s, SHEAF_E_TOO_LARGE,
		                "the payload of a schedule's job has at most %d bytes; this one has %zu",
		                (int)LIMIT_CRON_PAYLOAD, k->payload.n);
	if (e)
		return e;
	m = (struct msg){ .h.kind = MSG_CRON_SET,
		          .u.cron_set = { .flags = replace ? CRON_REPLACE : 0,
		                          .cron = { .name = span_str(k->name),
		                                    .spec = span_str(k->spec),
		                                    .zone = optional(k->zone),
		                                    .missed = k->skip ? CRON_SKIP : CRON_ONCE,
		                                    .queue = policy.queue,
		                                    .priority = p->priority,
		                                    .attempts = p->attempts,
		                                    .lease_ms = p->lease_ms,
		                                    .backoff_ms = p->terms.backoff_ms,
		                                    .backoff_max_ms = p->terms.backoff_max_ms,
		                                    .within_ms = p->terms.within_ms,
		                                    .tenant = p->terms.tenant,
		                                    .group = p->terms.group,
		                                    .headers = policy.headers,
		                                    .payload = k->payload } } };
	e = handle_ask(s, &m, ms, &a);
	if (e)
		return e;
	if (a->h.kind != MSG_CRON_INFO || a->u.cron_info.n != 1)
		return handle_strange(s);
	*did = (enum cron_did)a->u.cron_info.did;
	if (each)
		hand_out(a, each, ctx);
	return SHEAF_OK;
}

enum sheaf_error sheaf_crons(sheaf_t *s, uint64_t ms, sheaf_cron_fn *each, void *ctx)
{
	struct call k = call_begin(s, ms);
	struct msg m = { .h.kind = MSG_CRON_LIST };
	char after[LIMIT_NAME];

	for (;;) {
		const struct msg *a;
		enum sheaf_error e = call_ask(&k, &m, &a);
		struct span last = { 0 };

		if (e)
			return e;
		if (a->h.kind != MSG_CRON_INFO)
			return handle_strange(s);
		hand_out(a, each, ctx);
		if (!a->u.cron_info.more)
			return SHEAF_OK;
		if (a->u.cron_info.n > 0)
			last = a->u.cron_info.v[a->u.cron_info.n - 1].cron.name;
		if (last.n == 0 || last.n > sizeof after)
			return handle_strange(s);
		memcpy(after, last.p, last.n);
		m.u.cron_list.after = span_of(after, last.n);
	}
}

enum sheaf_error sheaf_cron_op(sheaf_t *s, const char *name, enum cron_op op, uint64_t ms)
{
	struct msg m = { .h.kind = MSG_CRON_OP, .u.cron_op = { .name = span_str(name), .op = op } };
	enum sheaf_error e = check_name(s, name);
	const struct msg *a;

	if (!e)
		e = handle_ask(s, &m, ms, &a);
	if (!e && a->h.kind != MSG_REPLY)
		e = handle_strange(s);
	return e;
}

enum sheaf_error sheaf_cron_next(sheaf_t *s, const char *name, const char *spec, const char *zone, uint32_t n,
                                 uint64_t ms, sheaf_time_fn *each, void *ctx)
{
	struct msg m = { .h.kind = MSG_CRON_OP, .u.cron_op = { .op = CRON_NEXT, .name = optional(name) } };
	enum sheaf_error e = name ? check_name(s, name) : check_when(s, spec, zone);
	const struct msg *a;

	if (!name) {
		m.u.cron_op.spec = optional(spec);
		m.u.cron_op.zone = optional(zone);
	}
	m.u.cron_op.times = n < LIMIT_CRON_NEXT ? n : LIMIT_CRON_NEXT;
	if (!e)
		e = handle_ask(s, &m, ms, &a);
	if (e)
		return e;
	if (a->h.kind != MSG_CRON_INFO)
		return handle_strange(s);
	for (uint32_t i = 0; i < a->u.cron_info.n_times; i++)
		each(ctx, &a->u.cron_info.times[i]);
	return SHEAF_OK;
}
