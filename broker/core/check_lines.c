/* core_check, of a queue's lines: each ready job stands in one, each tenant and group is where it says, and no limit is
 * exceeded. */
#include "base/must.h"
#include "broker/core/check.h"
#include "broker/core/order.h"

/* The line's jobs are ready, of this tenant and group, and in order. Returns how many. */
static uint64_t check_line(const struct core *c, const struct queue *q, const struct line *line, const struct tenant *t,
                           const struct group *group, unsigned priority)
{
	uint64_t before = 0, n = 0;

	for (struct list *l = line->fresh.next; l != &line->fresh; l = l->next, n++) {
		const struct job *j = list_item(l, struct job, in.link);
		const struct policy *p = j->p.policy == NO_INDEX ? NULL : c->policies[j->p.policy];

		must(j->state == JOB_READY && !(j->flags & JOB_SIDE) && j->queue == q->index && j->id > before);
		must((p != NULL && p->tenant != NULL ? p->tenant : &q->own) == t &&
		     (p != NULL ? p->group : NULL) == group);
		must(group != NULL || j->priority == priority);
		before = j->id;
	}
	for (uint32_t i = 0; i < line->back.n; i++, n++) {
		const struct job *j = list_item(line->back.v[i], struct side, line)->job;
		const struct policy *p = j->p.policy == NO_INDEX ? NULL : c->policies[j->p.policy];

		must(j->state == JOB_READY && (j->flags & JOB_SIDE) && j->queue == q->index);
		must((p != NULL && p->tenant != NULL ? p->tenant : &q->own) == t &&
		     (p != NULL ? p->group : NULL) == group);
		must(group != NULL || j->priority == priority);
	}
	return n;
}

static uint64_t check_tenant(const struct core *c, const struct queue *q, const struct tenant *t)
{
	uint64_t n = 0;

	for (unsigned p = 0; p < PRIORITIES; p++) {
		const struct level *v = t->level[p];
		uint64_t here = v != NULL ? check_line(c, q, &v->line, t, NULL, p) : 0;

		must((here > 0 || (v != NULL && v->groups.n > 0)) == (t->mask >> p & 1));
		n += here;
	}
	must(t->queue == q && list_empty(&t->link) == (t->mask == 0));
	must(t->turn <= q->round + 1);
	return n;
}

static uint64_t check_group(const struct core *c, const struct queue *q, const struct group *l)
{
	uint64_t n = check_line(c, q, &l->line, l->tenant, l, 0);
	const struct job *first = line_first(&l->line);

	must(l->refs > 0 && l->held <= 1);
	must(heap_has(&l->place) == (first != NULL && l->held == 0));
	must(!heap_has(&l->place) || (l->place.key == first->id && l->priority == first->priority));
	return n;
}

void check_held(const struct core *c, const struct job *j)
{
	const struct policy *p;

	if (!order_holds(j, (enum job_state)j->state) || j->p.policy == NO_INDEX)
		return;
	p = c->policies[j->p.policy];
	must(p->group == NULL || p->group->held == 1);
}

uint64_t check_lines(const struct core *c, const struct queue *q)
{
	uint64_t n = check_tenant(c, q, &q->own), active = q->own.mask != 0, waits = 0;

	for (struct list *l = q->tenants.next; l != &q->tenants; l = l->next) {
		const struct tenant *t = list_item(l, struct tenant, all);

		n += check_tenant(c, q, t);
		active += t->mask != 0;
		must((t->refs == 0) == !list_empty(&t->away));
	}
	for (struct list *l = q->groups.next; l != &q->groups; l = l->next)
		n += check_group(c, q, list_item(l, struct group, all));
	for (struct list *l = q->turns.next; l != &q->turns; l = l->next, waits++)
		must(!list_item(l, struct tenant, link)->ahead);
	for (struct list *l = q->ahead.next; l != &q->ahead; l = l->next, waits++)
		must(list_item(l, struct tenant, link)->ahead);
	must(active == waits);
	must(q->settings.concurrency == 0 || q->now[JOB_RUNNING] <= q->settings.concurrency ||
	     q->now[JOB_RUNNING] <= q->excess);
	return n;
}
