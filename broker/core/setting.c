/* See setting.h. */
#include "broker/core/setting.h"

#include "base/text.h"
#include "broker/core/dead.h"
#include "broker/core/fx.h"
#include "broker/core/keep.h"
#include "broker/core/limit.h"
#include "broker/core/queue.h"
#include "broker/core/turn.h"

static const struct known {
	const char *name;
	uint64_t most;
} known[] = {
#define KNOWN(field, name, kind, most, standard, meaning) { name, most },
	QUEUE_SETTINGS(KNOWN)
#undef KNOWN
};

static_assert(sizeof known / sizeof known[0] == SETTINGS, "each field has a name");

/* The settings as they stand in the list: the struct is nothing but numbers. */
static uint64_t *values(struct queue_settings *s)
{
	return (uint64_t *)s;
}

uint64_t setting_value(const struct queue_settings *s, uint32_t i)
{
	must(i < SETTINGS);
	return ((const uint64_t *)s)[i];
}

bool setting_load(struct queue_settings *s, const uint64_t *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (i >= SETTINGS || v[i] > known[i].most)
			return false;
	*s = (struct queue_settings){ 0 };
	memcpy(values(s), v, n * sizeof v[0]);
	return true;
}

const struct msg_setting_rec *setting_list(struct core *c, const struct queue *q, uint32_t *n)
{
	struct msg_setting_rec *v = fx_alloc(c, SETTINGS * sizeof *v);

	*n = 0;
	for (uint32_t i = 0; i < SETTINGS; i++)
		if (setting_value(&q->settings, i) != 0)
			v[(*n)++] = (struct msg_setting_rec){ span_str(known[i].name), setting_value(&q->settings, i) };
	return v;
}

/* Puts the named value into s. What is wrong with it, or NULL. */
static const char *put(struct core *c, struct queue_settings *s, const struct msg_setting_rec *r)
{
	enum { WHY = 160 };
	char *why;

	for (uint32_t i = 0; i < SETTINGS; i++) {
		if (!span_eq(r->name, span_str(known[i].name)))
			continue;
		if (r->value <= known[i].most) {
			values(s)[i] = r->value;
			return NULL;
		}
		why = fx_alloc(c, WHY);
		text_format(why, WHY, "%s: at most %llu", known[i].name, (unsigned long long)known[i].most);
		return why;
	}
	return "a queue has no such setting";
}

void setting_request(struct core *c, struct client *cl, const struct msg *m)
{
	const struct msg_queue_set *s = &m->u.queue_set;
	struct queue *q = queue_find(c, s->queue);
	struct queue_settings to = { 0 }, before;

	if (q != NULL)
		to = q->settings;
	for (uint32_t i = 0; i < s->n; i++) {
		const char *why = put(c, &to, &s->v[i]);

		if (why != NULL) {
			fx_answer(c, cl->peer, &m->h, SHEAF_E_BAD_VALUE, why, 0);
			return;
		}
	}
	if (q == NULL)
		q = queue_new(c, s->queue);
	if (q == NULL) {
		fx_answer(c, cl->peer, &m->h, SHEAF_E_FULL, "there are 10000 queues already", 0);
		return;
	}
	before = q->settings;
	q->settings = to;
	queue_fact(c, q);
	turn_commit(c);
	keep_expire(c, q);
	limit_changed(c, q, &before);
	dead_look(c, q);
	fx_answer(c, cl->peer, &m->h, SHEAF_OK, "", 0);
}
