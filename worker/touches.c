/* See touches.h. */
#include "worker/touches.h"

#include <stdlib.h>

void touches_init(struct touches *t)
{
	*t = (struct touches){ .deadline = UINT64_MAX, .say_at = UINT64_MAX };
}

void touches_fini(struct touches *t)
{
	free(t->v);
}

static struct touched *find(const struct touches *t, uint64_t token)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->v[i].token == token)
			return &t->v[i];
	return NULL;
}

static struct touched *find_or_add(struct touches *t, const struct lease_name *name)
{
	struct touched *r = find(t, name->token);

	if (r != NULL)
		return r;
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 16;
		t->v = realloc(t->v, t->cap * sizeof t->v[0]);
		must(t->v != NULL);
	}
	r = &t->v[t->n++];
	*r = (struct touched){ .id = name->id,
		               .token = name->token,
		               .deadline = UINT64_MAX,
		               .say_at = UINT64_MAX,
		               .percent = PERCENT_UNKNOWN };
	return r;
}

static uint64_t window(const struct touched *r)
{
	uint64_t quarter = r->lease_ms / 4;

	return r->lease_ms == 0 || quarter >= TOUCH_WINDOW_MS ? (uint64_t)TOUCH_WINDOW_MS : quarter;
}

/* Its time begins anew, and the broker is told: at once, or at the end of the window that another word opened. */
static void touch(struct touches *t, struct touched *r, uint64_t now)
{
	if (r->deadline != UINT64_MAX) /* nothing brings back a lease that is over */
		r->deadline = now + r->lease_ms;
	if (r->say_at == UINT64_MAX)
		r->say_at = r->said_at > 0 && r->said_at + window(r) > now ? r->said_at + window(r) : now;
	if (r->deadline < t->deadline)
		t->deadline = r->deadline;
	if (r->say_at < t->say_at)
		t->say_at = r->say_at;
}

void touches_begin(struct touches *t, const struct lease_name *name, uint64_t lease_ms, uint64_t now_ms)
{
	struct touched *r = find_or_add(t, name);

	r->lease_ms = lease_ms;
	r->deadline = now_ms + lease_ms;
	r->said_at = now_ms; /* a job that ends within its first window costs no word */
	touch(t, r, now_ms);
}

void touches_note(struct touches *t, const struct lease_name *name, uint32_t percent, struct span text, uint64_t now_ms)
{
	struct touched *r = find_or_add(t, name);

	if (percent <= 100)
		r->percent = percent;
	if (percent <= 100 || text.n > 0) {
		r->n = (uint32_t)(text.n < LIMIT_PROGRESS_TEXT ? text.n : LIMIT_PROGRESS_TEXT);
		if (r->n > 0)
			memcpy(r->text, text.p, r->n);
	}
	touch(t, r, now_ms);
}

void touches_forget(struct touches *t, uint64_t token)
{
	struct touched *r = t->n > 0 ? find(t, token) : NULL;

	if (r == NULL)
		return;
	*r = t->v[--t->n];
	if (t->n == 0)
		t->deadline = t->say_at = UINT64_MAX;
}

void touches_shift(struct touches *t, uint64_t by_ms)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->v[i].deadline != UINT64_MAX)
			t->v[i].deadline += by_ms;
}

void touches_say_again(struct touches *t, uint64_t now_ms)
{
	for (uint32_t i = 0; i < t->n; i++)
		t->v[i].say_at = now_ms;
	if (t->n > 0)
		t->say_at = now_ms;
}

const struct touched *touches_expired(struct touches *t, uint64_t now_ms)
{
	uint64_t next = UINT64_MAX;

	if (now_ms < t->deadline)
		return NULL;
	for (uint32_t i = 0; i < t->n; i++) {
		struct touched *r = &t->v[i];

		if (r->deadline <= now_ms) {
			r->deadline = UINT64_MAX;
			return r;
		}
		if (r->deadline < next)
			next = r->deadline;
	}
	t->deadline = next;
	return NULL;
}

uint32_t touches_due(struct touches *t, uint64_t now_ms, struct msg_progress_rec *v, uint32_t most)
{
	uint64_t next = UINT64_MAX;
	uint32_t n = 0;

	if (now_ms < t->say_at)
		return 0;
	for (uint32_t i = 0; i < t->n; i++) {
		struct touched *r = &t->v[i];

		if (r->say_at <= now_ms && n < most) {
			r->say_at = UINT64_MAX;
			r->said_at = now_ms;
			v[n++] = (struct msg_progress_rec){ r->id, r->token, r->percent, span_of(r->text, r->n) };
		} else if (r->say_at < next) {
			next = r->say_at;
		}
	}
	t->say_at = next;
	return n;
}
