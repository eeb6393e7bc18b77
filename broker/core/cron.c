/* The schedules; see cron.h. */
#include "broker/core/cron.h"

#include <stdlib.h>

#include "base/text.h"
#include "broker/core/fx.h"

struct cron *cron_find(const struct core *c, struct span name)
{
	struct cron *k;

	HASH_FIND(hh, c->crons, name.p, name.n, k);
	return k;
}

/* Its name is the key, and moves with the rest of its texts. */
static void rename_to(struct core *c, struct cron *k, const struct msg_cron *set)
{
	uint8_t *old = (uint8_t *)(uintptr_t)k->set.name.p;

	HASH_DELETE(hh, c->crons, k);
	cron_copy(&k->set, set);
	HASH_ADD_KEYPTR(hh, c->crons, k->set.name.p, k->set.name.n, k);
	free(old);
}

struct cron *cron_new(struct core *c, struct span name)
{
	struct cron *k = calloc(1, sizeof *k);

	must(k != NULL);
	cron_copy(&k->set, &(struct msg_cron){ .name = name });
	k->due_ms = CRON_NEVER;
	k->timer.tie = HASH_CNT(hh, c->crons);
	HASH_ADD_KEYPTR(hh, c->crons, k->set.name.p, k->set.name.n, k);
	return k;
}

void cron_become(struct core *c, struct cron *k, const struct msg_cron *set)
{
	struct cron_zone *before = k->zone;
	char why[8];

	k->zone = zone_name_is_utc(set->zone) ? NULL : cron_zone_get(c, set->zone);
	if (before != NULL)
		cron_zone_drop(c, before);
	if (c->trim.next_cron == k) /* it goes to the end, and its new fact stands there already */
		c->trim.next_cron = k->hh.next;
	rename_to(c, k, set);
	k->understood = cronspec_parse(k->set.spec, &k->spec, why, sizeof why);
	k->held = NULL;
}

void cron_free(struct core *c, struct cron *k)
{
	if (heap_has(&k->timer))
		heap_remove(&c->cron_timers, &k->timer);
	if (k->zone != NULL)
		cron_zone_drop(c, k->zone);
	if (c->trim.next_cron == k)
		c->trim.next_cron = k->hh.next;
	HASH_DELETE(hh, c->crons, k);
	free((uint8_t *)(uintptr_t)k->set.name.p);
	free(k);
}

bool cron_ready(const struct cron *k)
{
	return k->understood && (k->zone == NULL || k->zone->table != NULL);
}

const struct zone *cron_table(const struct cron *k)
{
	must(cron_ready(k));
	return k->zone != NULL ? k->zone->table : NULL;
}

static void set_timer(struct core *c, struct cron *k, uint64_t at)
{
	if (heap_has(&k->timer))
		heap_remove(&c->cron_timers, &k->timer);
	k->timer.key = at;
	if (at != CRON_NEVER)
		heap_add(&c->cron_timers, &k->timer);
}

void cron_arm(struct core *c, struct cron *k)
{
	k->due_ms = CRON_NEVER;
	if (k->ticks.paused || !k->understood) {
		set_timer(c, k, CRON_NEVER);
		return;
	}
	if (!cron_ready(k)) { /* the zone's coming arms it; if it cannot be read, that is tried again */
		set_timer(c, k, k->zone->asked ? CRON_NEVER : c->wall + CRON_ZONE_MS);
		return;
	}
	k->due_ms = cronspec_next(&k->spec, cron_table(k), k->ticks.anchor_ms, k->ticks.from_ms);
	set_timer(c, k, k->due_ms != CRON_NEVER && k->held != NULL ? c->wall + CRON_HELD_MS : k->due_ms);
}

struct msg_cron_time cron_time(const struct zone *z, uint64_t at_ms)
{
	if (at_ms == 0 || at_ms == CRON_NEVER)
		return (struct msg_cron_time){ 0 };
	return (struct msg_cron_time){ at_ms, zone_part(z, (int64_t)(at_ms / 1000)).offset };
}

static struct span trouble(struct core *c, const struct cron *k)
{
	enum { WORDS = 200 };
	char *text;

	if (!k->understood)
		return span_str("this version does not understand when it is due");
	if (k->zone != NULL && k->zone->trouble[0] != '\0')
		return span_str(k->zone->trouble);
	if (k->held == NULL)
		return (struct span){ 0 };
	text = fx_alloc(c, WORDS);
	return span_of(text, text_format(text, WORDS, "its job waits: %s", k->held));
}

void cron_describe(struct core *c, const struct cron *k, struct msg_cron_rec *r)
{
	const struct zone *z = cron_ready(k) ? cron_table(k) : NULL;

	*r = (struct msg_cron_rec){
		.cron = k->set,
		.paused = k->ticks.paused,
		.next = cron_time(z, k->due_ms),
		.last = cron_time(z, k->ticks.last_ms),
		.last_job = k->ticks.last_job,
		.submitted = k->ticks.submitted,
		.missed = k->ticks.missed,
		.trouble = trouble(c, k),
	};
}

uint64_t cron_deadline(const struct core *c)
{
	uint64_t key = heap_min(&c->cron_timers) != NULL ? heap_min(&c->cron_timers)->key : CRON_NEVER;

	if (key == CRON_NEVER)
		return UINT64_MAX;
	if (key <= c->wall)
		return c->t;
	return c->t + (key - c->wall < CRON_LOOK_MS ? key - c->wall : CRON_LOOK_MS);
}

void cron_start(struct core *c)
{
	for (struct cron *k = c->crons; k != NULL; k = k->hh.next) {
		if (k->zone != NULL && !k->zone->asked)
			cron_zone_ask(c, span_str(k->zone->name));
		if (!k->understood)
			fx_log(c, LOG_ERROR, "cron-not-understood", "cron=%.*s spec=\"%.*s\"", (int)k->set.name.n,
			       (const char *)k->set.name.p, (int)k->set.spec.n, (const char *)k->set.spec.p);
		cron_arm(c, k);
	}
}

void cron_fini(struct core *c)
{
	cron_ask_fini(c);
	while (c->crons != NULL)
		cron_free(c, c->crons);
	must(c->zones == NULL);
	heap_fini(&c->cron_timers);
}

void cron_check(const struct core *c)
{
	uint32_t n = 0, timers = 0, refs = 0;

	for (const struct cron *k = c->crons; k != NULL; k = k->hh.next, n++) {
		must(cron_find(c, k->set.name) == k && k->set.payload.n <= LIMIT_CRON_PAYLOAD);
		must((k->zone == NULL) == zone_name_is_utc(k->set.zone));
		must(k->ticks.from_ms <= c->wall && k->ticks.last_ms <= k->ticks.from_ms);
		must(k->ticks.last_job < c->next_id && (k->ticks.submitted > 0) == (k->ticks.last_job > 0));
		refs += k->zone != NULL;
		timers += heap_has(&k->timer);
		if (k->ticks.paused || !cron_ready(k)) {
			must(k->due_ms == CRON_NEVER && !(k->ticks.paused && heap_has(&k->timer)));
			continue;
		}
		must(k->due_ms == cronspec_next(&k->spec, cron_table(k), k->ticks.anchor_ms, k->ticks.from_ms));
		must(k->due_ms == CRON_NEVER ||
		     (heap_has(&k->timer) && (k->held != NULL || k->timer.key == k->due_ms)));
	}
	must(n == HASH_CNT(hh, c->crons) && timers == c->cron_timers.n);
	for (const struct cron_zone *z = c->zones; z != NULL; z = z->hh.next) {
		must(z->refs > 0 && z->refs <= refs);
		refs -= z->refs;
	}
	must(refs == 0);
}
