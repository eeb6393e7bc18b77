/* See drain.h. */
#include "broker/core/drain.h"

#include "broker/core/fx.h"
#include "broker/core/worker.h"

enum { ROOM = 64 }; /* effects that are left for others */

/* What was asked for before is asked for again: it may have been on its way to the worker when that was asked. */
void drain_slice(struct core *c, struct worker *w)
{
	struct lease_name *v;
	uint32_t n = 0, looked = 0;
	struct list *p;
	struct msg *out;

	if (!w->draining || w->state != WORKER_OPEN || w->outstanding <= w->running || fx_room(c) <= ROOM)
		return;
	v = fx_alloc(c, LIMIT_RECORDS * sizeof *v);
	for (p = w->leases.prev; p != &w->leases && n < LIMIT_RECORDS && looked < STEP_WORK; p = p->prev, looked++) {
		struct lease *l = list_item(p, struct lease, link);

		if (l->started)
			continue;
		l->recalled = true;
		v[n++] = (struct lease_name){ l->job->id, l->token };
	}
	if (n == 0)
		return;
	out = fx_control(c, w->peer, MSG_RECALL, w->session, 0);
	out->u.leases.v = v;
	out->u.leases.n = n;
}

/* At once, and not with the answer to its next beat: it is to remember when we are restarted. */
static void tell(struct core *c, const struct worker *w)
{
	struct msg *out = fx_control(c, w->peer, MSG_BEAT_ANSWER, w->session, 0);

	out->u.settled.settled = w->settled;
	out->u.settled.draining = w->draining;
}

static void set_draining(struct core *c, struct worker *w, bool on)
{
	if (w->draining == on)
		return;
	w->draining = on;
	fx_log(c, LOG_INFO, on ? "worker-draining" : "worker-resumed", "worker=%s session=%llu", w->name,
	       (unsigned long long)w->session);
	tell(c, w);
	if (on)
		drain_slice(c, w);
	else
		worker_heat(c, w);
}

void drain_request(struct core *c, struct client *cl, const struct msg *m)
{
	const struct msg_worker_op *o = &m->u.worker_op;
	uint64_t n = 0;
	struct list *p;

	for (p = c->workers.next; p != &c->workers; p = p->next) {
		struct worker *w = list_item(p, struct worker, link);

		if (!span_eq(span_str(w->name), o->name))
			continue;
		set_draining(c, w, o->op == WORKER_DRAIN);
		n++;
	}
	if (n == 0)
		fx_answer(c, cl->peer, &m->h, SHEAF_E_UNKNOWN, "no worker of that name is attached", 0);
	else
		fx_answer(c, cl->peer, &m->h, SHEAF_OK, "", n);
}
