/* See progress.h. What is said here is not in the journal: a handler that goes on says it again. */
#include "broker/core/progress.h"

#include <stdlib.h>

#include "broker/core/fx.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/timer.h"
#include "broker/core/topic/news.h"
#include "broker/core/turn.h"

static struct lease *lease_of(struct core *c, const struct worker *w, const struct msg_progress_rec *r)
{
	struct job *j = job_find(&c->jobs, r->id);

	if (j == NULL || j->state != JOB_RUNNING || (j->flags & JOB_ENDING))
		return NULL;
	return j->in.lease->worker == w && j->in.lease->token == r->token ? j->in.lease : NULL;
}

/* A mere touch leaves what was said before; whoever says how far it is says what goes with that, too. */
static void note(struct lease *l, const struct msg_progress_rec *r)
{
	if (r->percent > 100 && r->text.n == 0)
		return;
	if (r->percent <= 100)
		l->percent = (uint8_t)r->percent;
	progress_forget(l);
	if (r->text.n == 0)
		return;
	l->progress = malloc(r->text.n);
	must(l->progress != NULL && r->text.n <= LIMIT_PROGRESS_TEXT);
	memcpy(l->progress, r->text.p, r->text.n);
	l->progress_n = (uint16_t)r->text.n;
}

void beat_progress(struct core *c, struct worker *w, const struct msg *m)
{
	for (uint32_t i = 0; i < m->u.progress.n; i++) {
		const struct msg_progress_rec *r = &m->u.progress.v[i];
		struct lease *l = lease_of(c, w, r);

		if (l == NULL)
			continue;
		if (!l->started)
			news_started(c, l);
		l->started = true; /* before the next beat says so */
		timer_lease(c, l);
		note(l, r);
	}
	turn_commit(c);
}

void progress_forget(struct lease *l)
{
	free(l->progress);
	l->progress = NULL;
	l->progress_n = 0;
}

void progress_describe(struct core *c, const struct lease *l, struct msg_job_info *i)
{
	uint8_t *text = fx_alloc(c, l->progress_n + 1u);

	i->percent = l->percent;
	if (l->progress_n > 0)
		memcpy(text, l->progress, l->progress_n);
	i->progress = span_of(text, l->progress_n);
}
