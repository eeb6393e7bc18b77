/* The network of a simulated world: see sim.h. */
#include <stdlib.h>

#include "tests/sim/sim.h"

struct frame {
	struct list link;
	uint64_t due;
	size_t n;
	uint8_t p[];
};

static struct frame *first(const struct pipe *p)
{
	return list_empty(&p->frames) ? NULL : list_item(p->frames.next, struct frame, link);
}

/* When the first frame arrives, given who is asleep and what is cut off. */
static void schedule(struct pipe *p)
{
	const struct frame *f = first(p);
	uint64_t at;

	if (f == NULL || p->blocked_until == NEVER) {
		timer_stop(p->w, &p->timer);
		return;
	}
	at = f->due > p->blocked_until ? f->due : p->blocked_until;
	if (p->frozen_until != NULL && *p->frozen_until > at)
		at = *p->frozen_until;
	timer_at(p->w, &p->timer, at > p->w->now_us ? at : p->w->now_us);
}

static void arrive(void *ctx)
{
	struct pipe *p = ctx;
	struct frame *f = first(p);

	if (p->frozen_until != NULL && *p->frozen_until > p->w->now_us) {
		schedule(p);
		return;
	}
	list_remove(&f->link);
	if (p->deliver != NULL)
		p->deliver(p->ctx, span_of(f->p, f->n));
	free(f);
	schedule(p);
}

static uint64_t delay(struct world *w)
{
	if (w->calm)
		return 200;
	return world_chance(w, 20) ? world_range(w, MS, 40 * MS) : world_range(w, 50, MS);
}

void pipe_send(struct pipe *p, struct span s)
{
	struct frame *f = malloc(sizeof *f + s.n);

	must(f != NULL);
	f->n = s.n;
	if (s.n > 0)
		memcpy(f->p, s.p, s.n);
	f->due = p->w->now_us + delay(p->w);
	if (f->due < p->last_due)
		f->due = p->last_due;
	p->last_due = f->due;
	list_push_back(&p->frames, &f->link);
	if (p->frames.next == &f->link)
		schedule(p);
}

void pipe_cut(struct pipe *p)
{
	while (!list_empty(&p->frames)) {
		struct frame *f = first(p);

		list_remove(&f->link);
		free(f);
	}
	timer_stop(p->w, &p->timer);
}

void pipe_block(struct pipe *p, uint64_t until)
{
	p->blocked_until = until;
	schedule(p);
}

void pipe_init(struct pipe *p, struct world *w)
{
	*p = (struct pipe){ .w = w };
	list_init(&p->frames);
	timer_init(&p->timer, arrive, p);
}

struct conn *conn_new(struct world *w, enum conn_kind kind)
{
	struct conn *c = calloc(1, sizeof *c);

	must(c != NULL);
	c->kind = kind;
	c->route = ++w->next_route;
	c->open = true;
	pipe_init(&c->up, w);
	pipe_init(&c->down, w);
	list_push_back(&w->conns, &c->link);
	return c;
}

void conn_reset(struct world *w, struct conn *c, uint64_t down_us)
{
	world_note(w, "reset kind=%d route=%llu", (int)c->kind, (unsigned long long)c->route);
	w->totals->resets++;
	pipe_cut(&c->up);
	pipe_cut(&c->down);
	if (c->kind != CONN_JOBS)
		c->route = ++w->next_route;
	if (c->up.blocked_until != NEVER)
		pipe_block(&c->up, w->now_us + down_us);
	if (c->down.blocked_until != NEVER)
		pipe_block(&c->down, w->now_us + down_us);
}

void conn_close(struct world *w, struct conn *c)
{
	c->open = false;
	c->down.deliver = NULL;
	c->down.frozen_until = NULL;
	pipe_cut(&c->down);
	if (c->up.blocked_until == NEVER || world_chance(w, 500))
		pipe_cut(&c->up);
}

struct conn *conn_by_route(struct world *w, enum conn_kind kind, uint64_t route)
{
	for (struct list *l = w->conns.next; l != &w->conns; l = l->next) {
		struct conn *c = list_item(l, struct conn, link);

		if (c->kind == kind && c->route == route)
			return c;
	}
	return NULL;
}

static void conn_free(struct conn *c)
{
	pipe_cut(&c->up);
	pipe_cut(&c->down);
	list_remove(&c->link);
	free(c);
}

/* Frees what nobody has open and nothing is under way in. */
static void sweep(struct world *w)
{
	struct list *l, *next;

	for (l = w->conns.next; l != &w->conns; l = next) {
		struct conn *c = list_item(l, struct conn, link);

		next = l->next;
		if (!c->open && (c->kind == CONN_JOBS ? c->route == 0 : list_empty(&c->up.frames)))
			conn_free(c);
	}
}

void net_fini(struct world *w)
{
	while (!list_empty(&w->conns))
		conn_free(list_item(w->conns.next, struct conn, link));
}

void net_broker_down(struct world *w)
{
	struct list *l;

	for (l = w->conns.next; l != &w->conns; l = l->next) {
		struct conn *c = list_item(l, struct conn, link);

		pipe_cut(&c->up);
		pipe_block(&c->up, NEVER);
		if (world_chance(w, 500))
			pipe_cut(&c->down);
		if (c->kind != CONN_JOBS)
			c->route = ++w->next_route;
	}
}

void net_broker_up(struct world *w)
{
	struct list *l;

	sweep(w);
	for (l = w->conns.next; l != &w->conns; l = l->next) {
		struct conn *c = list_item(l, struct conn, link);

		if (c->kind != CONN_JOBS && c->up.blocked_until == NEVER)
			pipe_block(&c->up, w->now_us + world_range(w, MS, 120 * MS));
	}
}
