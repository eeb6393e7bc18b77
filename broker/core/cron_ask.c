/* What clients want of schedules. Who names a zone waits until the shell has read it; see cron.h. */
#include <stdlib.h>

#include "base/text.h"
#include "broker/core/cron.h"
#include "broker/core/fx.h"
#include "broker/core/put.h"
#include "broker/core/trim.h"
#include "broker/core/turn.h"

enum { ASKS_MOST = 256, WHY = 320 };

struct asker {
	uint64_t peer;
	struct msg_header h;
};

/* A request that waits for its zone. */
struct ask {
	struct list link; /* in core.cron_asks */
	struct asker who;
	bool set;             /* CRON_SET; else CRON_OP next */
	uint32_t flags;       /* of CRON_SET */
	uint32_t times;       /* of CRON_OP */
	struct msg_cron cron; /* owned */
};

static void refuse(struct core *c, const struct asker *who, enum sheaf_error e, const char *text)
{
	fx_answer(c, who->peer, &who->h, e, text, 0);
}

static struct msg *info(struct core *c, const struct asker *who)
{
	return fx_reply(c, who->peer, MSG_CRON_INFO, who->h.session, who->h.number);
}

static void answer_set(struct core *c, const struct asker *who, enum cron_did did, const struct cron *k)
{
	struct msg_cron_rec *r = fx_alloc(c, sizeof *r);
	struct msg *m = info(c, who);

	cron_describe(c, k, r);
	m->u.cron_info.did = did;
	m->u.cron_info.v = r;
	m->u.cron_info.n = 1;
}

/* ---- CRON_SET ---- */

static bool lower_is(struct span s, const char *word)
{
	size_t n = strlen(word);

	if (s.n <= n || s.p[n] != '=')
		return false;
	for (size_t i = 0; i < n; i++)
		if ((s.p[i] | 0x20) != (uint8_t)word[i])
			return false;
	return true;
}

/* The headers leave room for those that each job gets, and have none of their names. */
static const char *bad_headers(struct span h)
{
	uint32_t n = 0;

	while (h.n > 0) {
		const uint8_t *end = memchr(h.p, 0, h.n);
		size_t k = end != NULL ? (size_t)(end - h.p) + 1 : h.n;

		if (lower_is(h, "cron") || lower_is(h, "due"))
			return "the headers cron and due are set for each job: choose other names";
		h = span_of(h.p + k, h.n - k);
		if (++n > LIMIT_HEADERS - 2)
			return "a schedule's job has at most 62 headers of its own";
	}
	return NULL;
}

static bool check_spec(struct core *c, const struct asker *who, struct span text, struct span zone)
{
	char *why = fx_alloc(c, WHY);
	struct cronspec spec;

	if (!cronspec_parse(text, &spec, why, WHY)) {
		refuse(c, who, SHEAF_E_BAD_VALUE, why);
		return false;
	}
	if (!zone_name_is_utc(zone) && !zone_name_ok(zone)) {
		refuse(c, who, SHEAF_E_BAD_VALUE, "a time zone has a name such as Europe/Berlin, or UTC");
		return false;
	}
	return true;
}

static bool check_set(struct core *c, const struct asker *who, const struct msg_cron *s)
{
	uint64_t bytes = cron_fact_bytes(s);
	const char *headers = bad_headers(s->headers);
	struct put job = { .headers = s->headers };

	if (!check_spec(c, who, s->spec, s->zone))
		return false;
	if (headers != NULL)
		refuse(c, who, SHEAF_E_BAD_VALUE, headers);
	else if (s->headers.n + CRON_HEADERS > LIMIT_HEADER_BYTES)
		refuse(c, who, SHEAF_E_TOO_LARGE, "the headers of a schedule's job have at most 8064 bytes");
	else if (c->draining)
		refuse(c, who, SHEAF_E_DRAINING, "the broker is going down; it will be back");
	else if (c->pressure)
		refuse(c, who, SHEAF_E_BUSY, "the journal is behind; send it again");
	else if (put_bytes(&job, s->payload) + bytes + CRON_HEADERS > log_group_max(c->config.segment_bytes) / 2)
		refuse(c, who, SHEAF_E_TOO_LARGE, "the schedule does not fit a segment of the journal");
	else if (trim_full(c, bytes))
		refuse(c, who, SHEAF_E_FULL, "the broker's disk is full, or its cap is reached");
	else
		return true;
	return false;
}

static bool same(const struct msg_cron *a, const struct msg_cron *b)
{
	return span_eq(a->spec, b->spec) && span_eq(a->zone, b->zone) && a->missed == b->missed &&
	       span_eq(a->queue, b->queue) && a->priority == b->priority && a->attempts == b->attempts &&
	       a->lease_ms == b->lease_ms && a->backoff_ms == b->backoff_ms && a->backoff_max_ms == b->backoff_max_ms &&
	       a->within_ms == b->within_ms && span_eq(a->tenant, b->tenant) && span_eq(a->group, b->group) &&
	       span_eq(a->headers, b->headers) && span_eq(a->payload, b->payload);
}

/* Its zone is there. */
static void set(struct core *c, const struct asker *who, uint32_t flags, const struct msg_cron *s)
{
	struct cron *k = cron_find(c, s->name);
	bool new = k == NULL;

	if (!new &&same(&k->set, s)) {
		answer_set(c, who, CRON_SAME, k);
		return;
	}
	if (!new && !(flags & CRON_REPLACE)) {
		refuse(c, who, SHEAF_E_EXISTS, "there is another schedule of this name");
		return;
	}
	if (new &&HASH_CNT(hh, c->crons) >= LIMIT_CRONS) {
		refuse(c, who, SHEAF_E_FULL, "there are 1000 schedules already");
		return;
	}
	if (new)
		k = cron_new(c, s->name);
	if (new || !span_eq(k->set.spec, s->spec) || !span_eq(k->set.zone, s->zone))
		k->ticks.anchor_ms = k->ticks.from_ms = c->wall;
	cron_become(c, k, s);
	cron_fact(c, k);
	turn_commit(c);
	cron_arm(c, k);
	answer_set(c, who, new ? CRON_ADDED : CRON_REPLACED, k);
}

/* ---- CRON_OP ---- */

static void answer_times(struct core *c, const struct asker *who, uint32_t n, const struct cronspec *spec,
                         const struct zone *z, uint64_t anchor_ms)
{
	struct msg_cron_time *v = fx_alloc(c, LIMIT_CRON_NEXT * sizeof *v);
	struct msg *m = info(c, who);
	uint64_t t = c->wall;

	m->u.cron_info.times = v;
	for (uint32_t i = 0; i < n && i < LIMIT_CRON_NEXT; i++) {
		t = cronspec_next(spec, z, anchor_ms, t);
		if (t == CRON_NEVER)
			break;
		v[m->u.cron_info.n_times++] = cron_time(z, t);
	}
}

/* When the words of somebody are due; the zone is there. */
static void next_of_spec(struct core *c, const struct asker *who, uint32_t n, struct span text, const struct zone *z)
{
	struct cronspec spec;
	char why[8];

	must(cronspec_parse(text, &spec, why, sizeof why)); /* checked when it came */
	answer_times(c, who, n, &spec, z, c->wall);
}

static void next_of(struct core *c, const struct asker *who, const struct cron *k, uint32_t n)
{
	if (cron_ready(k))
		answer_times(c, who, n, &k->spec, cron_table(k), k->ticks.anchor_ms);
	else
		refuse(c, who, SHEAF_E_BAD_VALUE,
		       k->understood && k->zone->trouble[0] != '\0' ? k->zone->trouble
		                                                    : "its times are not known for the moment");
}

static void change(struct core *c, const struct asker *who, struct cron *k, enum cron_op op)
{
	if (op == CRON_RM) {
		cron_gone_fact(c, k);
		cron_free(c, k);
		turn_commit(c);
	} else if (k->ticks.paused != (op == CRON_PAUSE)) {
		k->ticks.paused = op == CRON_PAUSE;
		k->ticks.from_ms = c->wall; /* what a pause passes over is not missed */
		k->held = NULL;
		cron_tick_fact(c, k);
		turn_commit(c);
		cron_arm(c, k);
	}
	refuse(c, who, SHEAF_OK, "");
}

/* ---- waiting for zones ---- */

static void ask_free(struct core *c, struct ask *a)
{
	list_remove(&a->link);
	c->n_cron_asks--;
	free((uint8_t *)(uintptr_t)a->cron.name.p);
	free(a);
}

void cron_ask_fini(struct core *c)
{
	while (!list_empty(&c->cron_asks))
		ask_free(c, list_item(c->cron_asks.next, struct ask, link));
}

static void wait_for_zone(struct core *c, const struct asker *who, const struct ask *what)
{
	struct ask *a;

	if (c->n_cron_asks >= ASKS_MOST) {
		refuse(c, who, SHEAF_E_BUSY, "too many wait for time zones; send it again");
		return;
	}
	a = calloc(1, sizeof *a);
	must(a != NULL);
	*a = *what;
	a->who = *who;
	cron_copy(&a->cron, &what->cron);
	list_init(&a->link);
	list_push_back(&c->cron_asks, &a->link);
	c->n_cron_asks++;
	cron_zone_ask(c, a->cron.zone);
}

void cron_ask_zone(struct core *c, struct cron_zone *z)
{
	for (struct list *p = c->cron_asks.next; p != &c->cron_asks; p = p->next) {
		struct ask *a = list_item(p, struct ask, link);
		char *why;

		if (!span_eq(a->cron.zone, span_str(z->name)))
			continue;
		if (z->trouble[0] != '\0') {
			why = fx_alloc(c, sizeof z->trouble);
			memcpy(why, z->trouble, sizeof z->trouble);
			refuse(c, &a->who, SHEAF_E_BAD_VALUE, why);
		} else if (a->set) {
			set(c, &a->who, a->flags, &a->cron);
		} else {
			next_of_spec(c, &a->who, a->times, a->cron.spec, z->table);
		}
		ask_free(c, a);
		return;
	}
}

/* ---- requests ---- */

void cron_set_request(struct core *c, struct client *cl, const struct msg *m)
{
	const struct msg_cron *s = &m->u.cron_set.cron;
	const struct asker who = { cl->peer, m->h };

	if (!check_set(c, &who, s))
		return;
	if (zone_name_is_utc(s->zone))
		set(c, &who, m->u.cron_set.flags, s);
	else
		wait_for_zone(c, &who, &(struct ask){ .set = true, .flags = m->u.cron_set.flags, .cron = *s });
}

void cron_op_request(struct core *c, struct client *cl, const struct msg *m)
{
	const struct msg_cron_op *o = &m->u.cron_op;
	const struct asker who = { cl->peer, m->h };
	struct cron *k;

	if (o->op == CRON_NEXT && o->name.n == 0) {
		if (!check_spec(c, &who, o->spec, o->zone))
			return;
		if (zone_name_is_utc(o->zone))
			next_of_spec(c, &who, o->times, o->spec, NULL);
		else
			wait_for_zone(c, &who,
			              &(struct ask){ .times = o->times, .cron = { .spec = o->spec, .zone = o->zone } });
		return;
	}
	k = cron_find(c, o->name);
	if (k == NULL)
		refuse(c, &who, SHEAF_E_UNKNOWN, "there is no such schedule");
	else if (o->op == CRON_NEXT)
		next_of(c, &who, k, o->times);
	else
		change(c, &who, k, (enum cron_op)o->op);
}

static int by_name(const void *a, const void *b)
{
	struct span x = (*(struct cron *const *)a)->set.name, y = (*(struct cron *const *)b)->set.name;
	int d = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);

	return d != 0 ? d : (x.n > y.n) - (x.n < y.n);
}

void cron_list_request(struct core *c, struct client *cl, const struct msg *m)
{
	struct cron **all = fx_alloc(c, (HASH_CNT(hh, c->crons) + 1) * sizeof *all);
	struct cron edge = { .set.name = m->u.cron_list.after }, *first = &edge;
	struct msg_cron_rec *v = fx_alloc(c, LIMIT_LISTED * sizeof *v);
	struct msg *out;
	uint32_t n = 0, i = 0;

	for (struct cron *k = c->crons; k != NULL; k = k->hh.next)
		if (edge.set.name.n == 0 || by_name(&k, &first) > 0)
			all[n++] = k;
	qsort(all, n, sizeof all[0], by_name);
	for (; i < n && i < LIMIT_LISTED; i++)
		cron_describe(c, all[i], &v[i]);
	out = fx_reply(c, cl->peer, MSG_CRON_INFO, cl->session, m->h.number);
	out->u.cron_info.more = n > LIMIT_LISTED;
	out->u.cron_info.v = v;
	out->u.cron_info.n = i;
}
