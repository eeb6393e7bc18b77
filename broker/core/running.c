/* See running.h. A place in the list is a worker's session and a token: sessions are walked by age, a worker's leases
 * in the order of their grants, which is that of their tokens but for those that it brought from a session before. */
#include "broker/core/running.h"

#include "broker/core/fx.h"
#include "broker/core/queue.h"

enum { LOOK_MOST = 16 * STEP_WORK };

static void describe(struct core *c, const struct worker *w, const struct lease *l, struct msg_running_rec *r)
{
	uint8_t *text = fx_alloc(c, l->progress_n + 1u);
	uint64_t age = c->t - l->since;

	if (l->progress_n > 0)
		memcpy(text, l->progress, l->progress_n);
	*r = (struct msg_running_rec){
		.id = l->job->id,
		.session = w->session,
		.token = l->token,
		.queue = span_str(c->queues[l->job->queue]->name),
		.worker = span_str(w->name),
		.attempt = l->job->attempt + 1u,
		.since_ms = c->wall > age ? c->wall - age : 0,
		.percent = l->percent,
		.progress = span_of(text, l->progress_n),
	};
}

/* Adds what this worker runs of the queue (NULL: of any); false if there is no more room. */
static bool add_worker(struct core *c, const struct worker *w, const struct queue *q, uint64_t after, uint32_t *looked,
                       struct msg_running_rec *v, uint32_t *n)
{
	for (struct list *p = w->leases.next; p != &w->leases; p = p->next) {
		const struct lease *l = list_item(p, struct lease, link);

		if (*n == LIMIT_LISTED || *looked == LOOK_MOST)
			return false;
		++*looked;
		if (l->started && l->token > after && (q == NULL || l->job->queue == q->index))
			describe(c, w, l, &v[(*n)++]);
	}
	return true;
}

void running_request(struct core *c, struct client *cl, const struct msg *m)
{
	struct msg_running_rec *v = fx_alloc(c, LIMIT_LISTED * sizeof *v);
	const struct queue *q = NULL;
	uint32_t n = 0, looked = 0;
	bool all = true;
	struct msg *out;

	if (m->u.job_list.queue.n > 0) {
		q = queue_find(c, m->u.job_list.queue);
		if (q == NULL) {
			fx_answer(c, cl->peer, &m->h, SHEAF_E_UNKNOWN, "there is no such queue", 0);
			return;
		}
	}
	for (struct list *p = c->workers.next; p != &c->workers && all; p = p->next) {
		const struct worker *w = list_item(p, struct worker, link);

		if (w->session < m->u.job_list.session)
			continue;
		all =
		    add_worker(c, w, q, w->session == m->u.job_list.session ? m->u.job_list.token : 0, &looked, v, &n);
	}
	out = fx_reply(c, cl->peer, MSG_JOBS_INFO, cl->session, m->h.number);
	out->u.jobs_info.more = !all && n > 0;
	out->u.jobs_info.v = v;
	out->u.jobs_info.n = n;
}
