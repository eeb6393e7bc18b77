/* How far the jobs of a map are that run now, for its line of progress. See map.h. */
#include "base/clock.h"
#include "client/cli/map.h"

enum { LOOK_MS = 1000, ANSWER_MS = 200, LOOK_MOST = 1024 };

static bool is_ours(const struct map *m, uint64_t id)
{
	for (uint32_t i = 0; i < m->cap; i++)
		if (m->jobs[i].id == id)
			return true;
	return false;
}

static void take(void *ctx, const struct msg_running_rec *r)
{
	struct map *m = ctx;

	if (r->percent > 100 || !is_ours(m, r->id))
		return;
	m->telling++;
	m->percents += r->percent;
}

/* Many jobs in flight are short ones, of which nobody asks how far they are. */
void map_look(struct map *m)
{
	uint64_t now;

	if (!m->progress.on || m->looked_ms == UINT64_MAX || m->n_jobs == 0 || m->n_jobs > LOOK_MOST)
		return;
	now = clock_mono_ms();
	if (now - m->looked_ms < LOOK_MS)
		return;
	m->telling = m->percents = 0;
	m->looked_ms = sheaf_running(m->c->s, m->c->args[0], ANSWER_MS, take, m) == SHEAF_OK ? now : UINT64_MAX;
}
