/* See timers.h. */
#include "broker/edge/timers.h"

#include "base/must.h"

static void arm(struct edge_timers *t);

static void on_time(uv_timer_t *timer)
{
	struct edge_timers *t = timer->data;
	uint64_t now = uv_now(timer->loop);
	struct heap_item *it;

	t->next_ms = 0; /* armed once, when all that is due is done */
	while ((it = heap_min(&t->heap)) != NULL && it->key <= now)
		t->due(it);
	t->next_ms = UINT64_MAX;
	arm(t);
}

static void arm(struct edge_timers *t)
{
	struct heap_item *it = heap_min(&t->heap);
	uint64_t now = uv_now(t->timer.loop);

	if (it == NULL || it->key >= t->next_ms || uv_is_closing((uv_handle_t *)&t->timer))
		return;
	t->next_ms = it->key;
	uv_timer_start(&t->timer, on_time, it->key > now ? it->key - now : 0, 0);
}

void edge_timers_open(struct edge_timers *t, uv_loop_t *loop, void (*due)(struct heap_item *it))
{
	heap_init(&t->heap);
	t->due = due;
	t->next_ms = UINT64_MAX;
	must(uv_timer_init(loop, &t->timer) == 0);
	t->timer.data = t;
}

void edge_timers_set(struct edge_timers *t, struct heap_item *it, uint64_t at_ms, bool exactly)
{
	uint64_t now = uv_now(t->timer.loop);

	if (at_ms == UINT64_MAX) {
		edge_timers_remove(t, it);
	} else if (!heap_has(it)) {
		it->key = at_ms;
		heap_add(&t->heap, it);
	} else if (at_ms < it->key || exactly) {
		heap_move(&t->heap, it, at_ms > now ? at_ms : now + 1); /* else on_time would not end */
	}
	arm(t);
}

void edge_timers_remove(struct edge_timers *t, struct heap_item *it)
{
	if (heap_has(it))
		heap_remove(&t->heap, it);
}

static void on_closed(uv_handle_t *h)
{
	struct edge_timers *t = h->data;

	t->closed(t->arg);
}

void edge_timers_close(struct edge_timers *t, void (*closed)(void *arg), void *arg)
{
	t->closed = closed;
	t->arg = arg;
	uv_close((uv_handle_t *)&t->timer, on_closed);
}

void edge_timers_fini(struct edge_timers *t)
{
	heap_fini(&t->heap);
}
