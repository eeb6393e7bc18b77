/* Chunks of the log in memory; see state.h. */
#include <stdlib.h>

#include "base/crc32c.h"
#include "broker/journal/state.h"

static uint64_t budget(const struct journal *j)
{
	uint64_t n = j->config.memory_bytes / j->chunk_bytes;

	return n < CHUNKS_LEAST ? CHUNKS_LEAST : n;
}

static struct chunk *find(struct journal *j, uint64_t number)
{
	struct chunk *k;

	if (j->last != NULL && j->last->number == number)
		return j->last;
	HASH_FIND(hh, j->chunks, &number, sizeof number, k);
	if (k != NULL)
		j->last = k;
	return k;
}

static void drop(struct journal *j, struct chunk *k)
{
	HASH_DELETE(hh, j->chunks, k);
	list_remove(&k->lru);
	if (j->last == k)
		j->last = NULL;
	j->n_chunks--;
	free(k->mem);
	free(k);
}

/* The committer and the keeper have no use for it. */
static bool may_go(const struct journal *j, const struct chunk *k)
{
	uint64_t end = (k->number + 1) * j->chunk_bytes;

	return !k->reading && end <= atomic_load_explicit(&j->synced, memory_order_acquire);
}

static void evict(struct journal *j)
{
	struct list *p, *next;
	int looked = 0;

	for (p = j->lru.next; p != &j->lru && j->n_chunks >= budget(j) && looked++ < 64; p = next) {
		struct chunk *k = list_item(p, struct chunk, lru);

		next = p->next;
		if (may_go(j, k) && !(k->fresh && j->n_chunks < budget(j) + FRESH_MORE))
			drop(j, k);
	}
}

static struct chunk *make(struct journal *j, uint64_t number)
{
	struct chunk *k;

	evict(j);
	k = calloc(1, sizeof *k);
	must(k != NULL);
	k->mem = malloc(j->chunk_bytes);
	must(k->mem != NULL);
	k->number = number;
	list_push_back(&j->lru, &k->lru);
	HASH_ADD(hh, j->chunks, number, sizeof k->number, k);
	j->n_chunks++;
	j->last = k;
	return k;
}

void cache_init(struct journal *j)
{
	j->chunk_bytes = j->config.segment_bytes < CHUNK_MAX ? j->config.segment_bytes : CHUNK_MAX;
	list_init(&j->lru);
	buf_init(&j->scratch);
}

void cache_fini(struct journal *j)
{
	while (!list_empty(&j->lru))
		drop(j, list_item(j->lru.next, struct chunk, lru));
	buf_fini(&j->scratch);
}

void cache_write(struct journal *j, uint64_t position, const uint8_t *p, uint64_t n)
{
	while (n > 0) {
		uint64_t number = position / j->chunk_bytes, at = position % j->chunk_bytes;
		uint64_t part = j->chunk_bytes - at < n ? j->chunk_bytes - at : n;
		struct chunk *k = find(j, number);

		if (k == NULL) {
			k = make(j, number);
			k->from = k->to = at;
		}
		must(at >= k->to);
		memcpy(k->mem + at, p, part);
		k->to = at + part;
		position += part;
		p += part;
		n -= part;
	}
}

void cache_trim(struct journal *j, uint64_t position)
{
	struct list *p, *next;

	for (p = j->lru.next; p != &j->lru; p = next) {
		struct chunk *k = list_item(p, struct chunk, lru);

		next = p->next;
		if ((k->number + 1) * j->chunk_bytes <= position && may_go(j, k))
			drop(j, k);
	}
}

/* Asks the keeper for what is missing at the beginning of the chunk. False if it has too much to do. */
static bool ask(struct journal *j, struct chunk *k)
{
	bool room;

	pthread_mutex_lock(&j->lock);
	room = j->s.reads_in - j->s.reads_out < READS;
	if (room) {
		j->s.reads[j->s.reads_in++ % READS] =
		    (struct reading){ .number = k->number, .mem = k->mem, .n = k->from };
		pthread_cond_signal(&j->to_keep);
	}
	pthread_mutex_unlock(&j->lock);
	if (room) {
		k->reading = true;
		k->from_disk = true;
		j->n_reads++;
	}
	return room;
}

/* Wants a chunk from disk: all of it, or what stands before the part that was written here. */
static void want(struct journal *j, uint64_t number)
{
	struct chunk *k = find(j, number);

	if (k == NULL) {
		k = make(j, number);
		k->from = k->to = j->chunk_bytes;
		if (number == j->head / j->chunk_bytes)
			k->from = k->to = j->head % j->chunk_bytes; /* the loop goes on writing behind */
	}
	if (!k->reading && k->from > 0 && !ask(j, k) && k->from == j->chunk_bytes)
		drop(j, k);
}

void cache_take_reads(struct journal *j)
{
	pthread_mutex_lock(&j->lock);
	while (j->s.reads_out < j->s.reads_done) {
		struct reading r = j->s.reads[j->s.reads_out++ % READS];
		struct chunk *k = find(j, r.number);

		must(k != NULL && k->reading);
		k->reading = false;
		k->fresh = true;
		if (r.ok)
			k->from = 0;
		else
			k->bad = true;
	}
	pthread_mutex_unlock(&j->lock);
}

/* Whether bytes [at, end) of the chunk are there; if not, they are asked for. */
static enum journal_read have(struct journal *j, uint64_t number, uint64_t at, uint64_t end, struct chunk **out)
{
	struct chunk *k = find(j, number);

	if (k != NULL && k->bad) {
		k->bad = false; /* said once; the next call tries again */
		if (k->from == j->chunk_bytes)
			drop(j, k);
		return READ_BAD;
	}
	if (k == NULL || at < k->from) {
		want(j, number);
		return READ_PENDING;
	}
	if (end > k->to)
		return READ_BAD; /* nothing was ever written there */
	if (k->lru.next != &j->lru) {
		list_remove(&k->lru);
		list_push_back(&j->lru, &k->lru);
	}
	k->fresh = false;
	*out = k;
	return READ_OK;
}

/* A range that crosses chunks, put together in the scratch buffer. */
static enum journal_read gather(struct journal *j, uint64_t position, uint32_t length, bool *from_disk)
{
	enum journal_read r = READ_OK, got;
	struct chunk *k = NULL;

	buf_clear(&j->scratch);
	for (uint64_t at = position, end = position + length; at < end;) {
		uint64_t number = at / j->chunk_bytes, stop = (number + 1) * j->chunk_bytes;

		stop = stop < end ? stop : end;
		got = have(j, number, at % j->chunk_bytes, (stop - 1) % j->chunk_bytes + 1, &k);
		if (got == READ_BAD)
			return READ_BAD;
		if (got == READ_PENDING)
			r = READ_PENDING; /* and ask for the others too */
		if (r == READ_OK) {
			buf_put(&j->scratch, k->mem + at % j->chunk_bytes, stop - at);
			*from_disk |= k->from_disk;
		}
		at = stop;
	}
	return r;
}

enum journal_read journal_bytes(struct journal *j, uint64_t position, uint32_t length, uint32_t crc, struct span *out)
{
	uint64_t number = position / j->chunk_bytes, at = position % j->chunk_bytes;
	bool from_disk = false;
	enum journal_read r;
	struct chunk *k;

	if (length == 0) {
		*out = (struct span){ 0 };
		return READ_OK;
	}
	if (at + length <= j->chunk_bytes) {
		r = have(j, number, at, at + length, &k);
		if (r == READ_PENDING && (number + 2) * j->chunk_bytes <= j->committed)
			want(j, number + 1); /* whoever reads one usually reads on */
		if (r != READ_OK)
			return r;
		*out = span_of(k->mem + at, length);
		from_disk = k->from_disk;
	} else {
		r = gather(j, position, length, &from_disk);
		if (r != READ_OK)
			return r;
		*out = buf_span(&j->scratch);
	}
	return from_disk && crc32c(0, out->p, out->n) != crc ? READ_BAD : READ_OK;
}
