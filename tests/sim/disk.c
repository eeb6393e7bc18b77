/* A journal in memory: see sim.h. Appending is at once, a sync takes virtual time, trimmed segments go away a
 * little later than they were given up. */
#include <stdlib.h>

#include "base/crc32c.h"
#include "tests/sim/sim.h"

static void synced(void *ctx);
static void trimmed(void *ctx);

void disk_init(struct disk *d, struct world *w, uint64_t segment_bytes)
{
	*d = (struct disk){ .w = w, .segment_bytes = segment_bytes };
	timer_init(&d->sync_timer, synced, d);
	timer_init(&d->trim_timer, trimmed, d);
}

void disk_fini(struct disk *d)
{
	for (uint32_t i = 0; i < d->n; i++)
		free(d->v[i].p);
	free(d->v);
	d->v = NULL;
	d->n = 0;
}

static void begin_sync(struct disk *d)
{
	struct world *w = d->w;
	uint64_t took;

	if (d->syncing != 0 || d->synced == d->head)
		return;
	d->syncing = d->head;
	took = w->calm ? 300 : world_range(w, 100, 2 * MS);
	if (d->slow)
		took += world_range(w, 10 * MS, 300 * MS);
	timer_at(w, &d->sync_timer, w->now_us + took);
}

static void synced(void *ctx)
{
	struct disk *d = ctx;

	d->synced = d->syncing;
	d->syncing = 0;
	d->syncs++;
	begin_sync(d);
	broker_synced(d->w->broker);
}

void disk_append(struct disk *d, uint64_t at, const struct buf *block, uint32_t facts)
{
	struct disk_block *b;

	if (at != log_place(d->head, d->segment_bytes, facts))
		world_fail(d->w, "a block at %llu, but the head is at %llu", (unsigned long long)at,
		           (unsigned long long)d->head);
	if (at / d->segment_bytes != (at + log_block_bytes(facts) - 1) / d->segment_bytes)
		world_fail(d->w, "a block crosses a segment's end");
	if (d->n == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 256;
		d->v = realloc(d->v, d->cap * sizeof d->v[0]);
		must(d->v != NULL);
	}
	b = &d->v[d->n++];
	*b = (struct disk_block){ .at = at, .facts = facts, .p = malloc(facts) };
	must(b->p != NULL && block->n == log_block_bytes(facts));
	memcpy(b->p, block->p + LOG_BLOCK_HEADER, facts);
	d->head = at + log_block_bytes(facts);
	begin_sync(d);
}

static const struct disk_block *find(const struct disk *d, uint64_t at)
{
	uint32_t lo = 0, hi = d->n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (d->v[mid].at <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? &d->v[lo - 1] : NULL;
}

struct span disk_bytes(struct disk *d, uint64_t at, uint32_t n, uint32_t crc)
{
	const struct disk_block *b = find(d, at);
	struct span s;

	if (at < d->tail)
		world_fail(d->w, "bytes at %llu are wanted, below the tail at %llu", (unsigned long long)at,
		           (unsigned long long)d->tail);
	if (b == NULL || at < b->at + LOG_BLOCK_HEADER || at + n > b->at + LOG_BLOCK_HEADER + b->facts)
		world_fail(d->w, "bytes at %llu are wanted, which no block holds", (unsigned long long)at);
	s = span_of(b->p + (at - b->at - LOG_BLOCK_HEADER), n);
	if (crc32c(0, s.p, s.n) != crc)
		world_fail(d->w, "the bytes at %llu are others than the core thinks", (unsigned long long)at);
	return s;
}

static void drop_before(struct disk *d, uint64_t base)
{
	uint32_t k = 0;

	while (k < d->n && d->v[k].at < base)
		free(d->v[k++].p);
	memmove(d->v, d->v + k, (d->n - k) * sizeof d->v[0]);
	d->n -= k;
	d->disk_tail = base;
}

static void trimmed(void *ctx)
{
	struct disk *d = ctx;

	drop_before(d, d->tail);
}

void disk_trim(struct disk *d, uint64_t base)
{
	if (base % d->segment_bytes != 0 || base < d->tail || base > d->head)
		world_fail(d->w, "a trim to %llu between %llu and %llu", (unsigned long long)base,
		           (unsigned long long)d->tail, (unsigned long long)d->head);
	d->tail = base;
	d->trims++;
	d->w->totals->trims++;
	if (d->w->calm || world_chance(d->w, 500))
		drop_before(d, base);
	else
		timer_at(d->w, &d->trim_timer, d->w->now_us + world_range(d->w, MS, 500 * MS));
}

void disk_crash(struct disk *d)
{
	struct world *w = d->w;
	uint32_t keep = 0;
	uint32_t survive = (uint32_t)rng_below(&w->rng, 1001);

	timer_stop(w, &d->sync_timer);
	timer_stop(w, &d->trim_timer);
	while (keep < d->n && (d->v[keep].at < d->synced || world_chance(w, survive)))
		keep++;
	world_note(w, "disk keeps %u blocks of %u", keep, d->n);
	for (uint32_t i = keep; i < d->n; i++)
		free(d->v[i].p);
	d->n = keep;
	d->syncing = 0;
	d->tail = d->disk_tail;
	d->head = keep > 0 ? d->v[keep - 1].at + log_block_bytes(d->v[keep - 1].facts) : d->disk_tail;
	/* the journal may go on right there, or in a fresh segment */
	if (d->head > 0 && world_chance(w, 300))
		d->head = (d->head + d->segment_bytes - 1) / d->segment_bytes * d->segment_bytes;
	d->synced = d->head;
	d->slow = false;
}
