/* See keep.h. */
#include "broker/core/keep.h"

#include "broker/core/job.h"

enum {
	RICH_LOOK = 16, /* queues that are looked at when all results together are over budget */
	SHED_MOST = 256 /* results that go when one comes, at most */
};

static uint64_t charge(const struct job *j)
{
	return (uint64_t)j->length + RESULT_OVERHEAD;
}

static struct job *oldest(const struct queue *q)
{
	return list_empty(&q->kept) ? NULL : list_item(q->kept.next, struct job, in.link);
}

static uint64_t keep_ms(const struct core *c, const struct queue *q)
{
	return q->settings.keep_ms != 0 ? q->settings.keep_ms : c->config.keep_ms;
}

static uint64_t keep_bytes(const struct core *c, const struct queue *q)
{
	return q->settings.keep_bytes != 0 ? q->settings.keep_bytes : c->config.keep_bytes;
}

/* More is kept than may be. The newest always stays. */
static bool over_budget(const struct core *c, const struct queue *q)
{
	return q->kept_bytes > keep_bytes(c, q) && q->kept.next != q->kept.prev;
}

/* Sets the timer to the oldest one's due time, in core time. */
static void set_timer(struct core *c, struct queue *q)
{
	struct job *j = oldest(q);
	uint64_t due;

	if (j == NULL) {
		if (heap_has(&q->keep_timer))
			heap_remove(&c->keep_timers, &q->keep_timer);
		return;
	}
	due = over_budget(c, q) ? 0 : j->finished_ms + keep_ms(c, q);
	due = due > c->wall ? c->t + (due - c->wall) : c->t;
	if (heap_has(&q->keep_timer)) {
		heap_move(&c->keep_timers, &q->keep_timer, due);
	} else {
		q->keep_timer.key = due;
		q->keep_timer.tie = 0;
		heap_add(&c->keep_timers, &q->keep_timer);
	}
}

/* The queue with the most kept bytes among some: the next few of all, in turn, and `q`. */
static struct queue *richest(struct core *c, struct queue *q)
{
	for (int i = 0; i < RICH_LOOK; i++) {
		struct queue *other = c->queues[c->keep_look++ % c->n_queues];

		if (other != NULL && other->kept_bytes > q->kept_bytes)
			q = other;
	}
	return q;
}

void keep_add(struct core *c, struct queue *q, struct job *j)
{
	list_push_back(&q->kept, &j->in.link);
	q->kept_bytes += charge(j);
	c->kept_bytes += charge(j);
	/* a replay learns the queue's settings last, and looks at budgets when it has judged what followed failed jobs
	 */
	for (int i = 0; i < SHED_MOST && !c->replaying && over_budget(c, q); i++)
		job_forget(c, oldest(q));
	for (int i = 0; i < SHED_MOST && !c->replaying && c->kept_bytes > c->config.keep_all_bytes; i++) {
		struct queue *rich = richest(c, q);

		if (oldest(rich) == j)
			break;
		job_forget(c, oldest(rich));
	}
	if (!c->replaying && !heap_has(&q->keep_timer))
		set_timer(c, q);
}

void keep_remove(struct core *c, struct queue *q, struct job *j)
{
	list_remove(&j->in.link);
	q->kept_bytes -= charge(j);
	c->kept_bytes -= charge(j);
}

void keep_expire(struct core *c, struct queue *q)
{
	struct job *j;

	for (int i = 0; i < STEP_WORK && (j = oldest(q)) != NULL; i++) {
		if (j->finished_ms + keep_ms(c, q) > c->wall && !over_budget(c, q))
			break;
		job_forget(c, j);
	}
	set_timer(c, q);
}

bool keep_shed(struct core *c, uint32_t n)
{
	bool any = false;

	for (uint32_t i = 0; i < c->n_queues && n > 0; i++) {
		struct job *j;

		if (c->queues[i] == NULL)
			continue;
		while (n > 0 && (j = oldest(c->queues[i])) != NULL) {
			job_forget(c, j);
			any = true;
			n--;
		}
	}
	return any;
}
