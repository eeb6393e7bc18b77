/* See side.h. */
#include "broker/core/side.h"

#include <stdlib.h>

struct side *side_make(struct job *j)
{
	struct side *s;

	must(j->state != JOB_RUNNING);
	if (j->flags & JOB_SIDE)
		return j->in.side;
	s = calloc(1, sizeof *s);
	must(s != NULL);
	s->job = j;
	s->line.tie = s->expiry.tie = j->id;
	list_init(&s->link);
	j->in.side = s;
	j->flags |= JOB_SIDE;
	return s;
}

struct side *side_take(struct job *j)
{
	struct side *s = NULL;

	if (j->flags & JOB_SIDE)
		s = j->in.side;
	j->flags &= (uint64_t)~JOB_SIDE & 15;
	list_init(&j->in.link);
	return s;
}

void side_free(struct side *s)
{
	if (s == NULL)
		return;
	must(!heap_has(&s->line) && !heap_has(&s->expiry));
	free(s->history);
	free(s->after);
	free(s);
}
