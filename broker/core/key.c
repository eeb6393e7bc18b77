/* See key.h. The table is cut into KEY_TABLES small ones, so that no growth of one stops the broker for long. */
#include "broker/core/key.h"

#include <stdlib.h>

#include "base/le.h"
#include "broker/core/trim.h"

enum { QUEUE_BYTES = 2, NAME_MAX_BYTES = LIMIT_KEY + QUEUE_BYTES };

/* What a key is found by: its queue's index, then its bytes. */
struct name {
	uint8_t p[NAME_MAX_BYTES];
	size_t n;
	unsigned hash;
};

static void make_name(struct name *name, uint16_t queue, struct span key)
{
	must(key.n > 0 && key.n <= LIMIT_KEY);
	le_put16(name->p, queue);
	memcpy(name->p + QUEUE_BYTES, key.p, key.n);
	name->n = key.n + QUEUE_BYTES;
	HASH_VALUE(name->p, name->n, name->hash);
}

static struct key **table_of(struct core *c, unsigned hash)
{
	return &c->keys[hash >> 24 & (KEY_TABLES - 1)];
}

static struct key *find(const struct core *c, uint16_t queue, struct span key)
{
	struct name name;
	struct key *k;

	make_name(&name, queue, key);
	HASH_FIND_BYHASHVALUE(hh, *table_of((struct core *)c, name.hash), name.p, name.n, name.hash, k);
	return k;
}

uint64_t key_find(const struct core *c, const struct queue *q, struct span key)
{
	struct key *k = find(c, q->index, key);

	return k != NULL && k->ends.key > c->wall ? k->id : 0;
}

bool key_room(const struct core *c, const struct queue *q, uint32_t here, uint32_t all)
{
	return (q != NULL ? q->n_keys : 0) + here < c->config.keys_max && c->key_ends.n + all < LIMIT_ALL_KEYS;
}

uint64_t key_log_bytes(const struct key *k)
{
	return FACT_HEAD + FACT_KEY_HEAD + k->n - QUEUE_BYTES;
}

struct key_fact key_write(struct core *c, const struct queue *q, struct span key, uint64_t id)
{
	struct buf *b = &c->fx->block;
	uint64_t window = q->settings.key_window_ms ? q->settings.key_window_ms : c->config.key_window_ms;
	struct key_fact w = { .f = { q->index, id, c->wall + window, key } };

	w.at = b->n + FACT_HEAD - LOG_BLOCK_HEADER;
	fact_put_key(b, &w.f);
	return w;
}

static void forget(struct core *c, struct queue *q, struct key *k)
{
	trim_discharge(c, k->at, key_log_bytes(k));
	heap_remove(&c->key_ends, &k->ends);
	list_remove(&k->link);
	q->n_keys--;
	HASH_DELETE(hh, *table_of(c, k->hh.hashv), k);
	free(k);
}

void key_add(struct core *c, struct queue *q, const struct fact_key *f, uint64_t at)
{
	struct key *k = find(c, q->index, f->key);
	struct name name;

	if (k != NULL)
		forget(c, q, k);
	make_name(&name, q->index, f->key);
	k = calloc(1, sizeof *k + name.n);
	must(k != NULL);
	memcpy(k->name, name.p, name.n);
	k->n = (uint16_t)name.n;
	k->queue = q->index;
	k->id = f->id;
	k->at = at;
	k->ends.key = f->ends_ms;
	k->ends.tie = f->id;
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, *table_of(c, name.hash), k->name, k->n, name.hash, k);
	heap_add(&c->key_ends, &k->ends);
	list_push_back(&q->keys, &k->link);
	q->n_keys++;
	trim_charge(c, at, key_log_bytes(k));
}

struct key *key_at(const struct core *c, const struct fact_key *f, uint64_t at)
{
	struct key *k = find(c, f->queue, f->key);

	return k != NULL && k->at == at && k->ends.key > c->wall ? k : NULL;
}

void key_moved(struct core *c, struct key *k, uint64_t at)
{
	trim_discharge(c, k->at, key_log_bytes(k));
	k->at = at;
	trim_charge(c, at, key_log_bytes(k));
}

void key_expire(struct core *c)
{
	struct heap_item *first;

	for (int i = 0; i < STEP_WORK && (first = heap_min(&c->key_ends)) != NULL && first->key <= c->wall; i++) {
		struct key *k = list_item(first, struct key, ends);

		forget(c, c->queues[k->queue], k);
	}
}

uint64_t key_deadline(const struct core *c)
{
	const struct heap_item *first = heap_min(&c->key_ends);

	if (first == NULL)
		return UINT64_MAX;
	return first->key > c->wall ? c->t + (first->key - c->wall) : c->t;
}

void key_drop(struct core *c, struct queue *q, uint32_t most)
{
	while (most-- > 0 && !list_empty(&q->keys))
		forget(c, q, list_item(q->keys.next, struct key, link));
}
