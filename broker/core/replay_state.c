/* From facts to state: batches, sessions and keys; jobs and queues are in replay.c. See replay.h. */
#include "broker/core/batch.h"
#include "broker/core/client.h"
#include "broker/core/key.h"
#include "broker/core/queue.h"
#include "broker/core/replay.h"

struct batch *replay_batch_at(struct core *c, uint64_t id)
{
	struct batch *b = id != 0 ? batch_find(c, id) : NULL;

	return b != NULL || id == 0 ? b : batch_new(c, id);
}

bool replay_batch(struct core *c, struct span body)
{
	struct fact_batch f;
	struct batch *b;

	if (!fact_get_batch(body, &f) || f.id == 0)
		return false;
	b = replay_batch_at(c, f.id);
	b->closed = f.closed;
	b->expired = f.expired;
	b->total = f.total;
	b->ended = f.ended;
	b->failed = f.failed;
	b->finished_wall = f.finished_wall;
	b->closes_wall = f.closes_wall;
	b->then_id = f.then_id;
	batch_set_then(c, b, f.then.when != 0 ? &f.then : NULL);
	if (f.id >= c->next_id)
		c->next_id = f.id + 1;
	if (f.session != 0)
		client_remember(client_at(c, f.session), f.number, f.id, 0);
	return true;
}

bool replay_batch_gone(struct core *c, struct span body)
{
	uint64_t id;
	struct batch *b;

	if (!fact_get_u64(body, &id))
		return false;
	b = batch_find(c, id);
	if (b == NULL || b->members > 0)
		return true;
	if (b->kept == 0) {
		batch_free(c, b);
		return true;
	}
	/* that results were given up is no fact: it goes when they go */
	b->closed = true;
	if (!batch_finished(b))
		b->finished_wall = c->wall > 0 ? c->wall : 1;
	return true;
}

bool replay_session(struct core *c, struct span body)
{
	uint64_t number, first;
	struct fact_session f;
	struct client *cl;
	uint32_t count;

	if (!fact_get_session(&body, &f) || f.session == 0)
		return false;
	cl = client_at(c, f.session);
	if (f.floor == SESSION_OVER && f.count == 0) {
		client_free(c, cl);
		return true;
	}
	client_answered(cl, f.floor);
	for (uint32_t i = 0; i < f.count; i++) {
		if (!fact_get_answer(&body, &number, &first, &count))
			return false;
		client_remember(cl, number, first, count);
	}
	return true;
}

bool replay_answer(struct core *c, struct span body)
{
	struct fact_answer f;
	struct client *cl;

	if (!fact_get_all(body, &f) || f.session == 0)
		return false;
	cl = client_at(c, f.session);
	client_answered(cl, f.floor);
	client_remember_all(cl, f.number, f.ids, f.n);
	return true;
}

bool replay_key(struct core *c, uint64_t facts_at, const struct fact *fact)
{
	struct fact_key f;

	if (!fact_get_key(fact->body, &f))
		return false;
	if (f.id >= c->next_id)
		c->next_id = f.id + 1;
	key_add(c, queue_at(c, f.queue), &f, facts_at + fact->offset);
	return true;
}
