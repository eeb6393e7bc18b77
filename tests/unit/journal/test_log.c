/* The journal in good health: append, commit, reopen, positions, rolls, trim, the pool, scans, waiting. */
#include <sys/resource.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "tests/unit/journal/kit.h"

static struct kit k;

START_TEST(fresh)
{
	kit_init(&k);
	kit_open(&k);
	ck_assert_uint_eq(k.found.segment_bytes, KIT_SEGMENT);
	ck_assert_uint_eq(k.found.head, 0);
	ck_assert_uint_eq(k.found.tail, 0);
	ck_assert_uint_eq(k.found.blocks, 0);
	ck_assert_uint_eq(k.n_got, 0);
	ck_assert_uint_eq(journal_synced(k.j), 0);
	kit_close(&k);
	kit_open(&k);
	ck_assert_uint_eq(k.found.blocks, 0);
	ck_assert_uint_eq(kit_append(&k, 10), LOG_SEGMENT_HEADER);
	kit_sync(&k);
	kit_fini(&k);
}
END_TEST

START_TEST(positions)
{
	uint64_t at = 0, was;

	kit_init(&k);
	kit_open(&k);
	for (uint32_t i = 0; i < 300; i++) {
		was = k.head;
		at = kit_append(&k, 1 + i * 7 % 2000);
		ck_assert_uint_eq(at % LOG_ALIGN, 0);
		ck_assert_uint_ge(at, was);
		if (i % 3 == 0)
			journal_commit(k.j);
	}
	kit_sync(&k);
	ck_assert_uint_eq(journal_synced(k.j), k.head);
	was = k.head;
	kit_close(&k);
	kit_open(&k);
	kit_same(&k, NULL);
	ck_assert_uint_eq(k.found.head, was);
	ck_assert_uint_eq(k.found.torn_bytes, 0);
	ck_assert_uint_eq(k.found.damaged, 0);
	ck_assert(!k.found.was_failed);
	kit_fini(&k);
}
END_TEST

/* What close commits is there too, and each epoch goes on where the last one ended. */
START_TEST(reopen_often)
{
	kit_init(&k);
	for (uint32_t i = 0; i < 40; i++) {
		kit_open(&k);
		kit_same(&k, NULL);
		for (uint32_t n = 0; n < 1 + i % 5; n++)
			kit_append(&k, 3000 * n + i);
		if (i % 2)
			kit_sync(&k);
		kit_close(&k);
	}
	kit_look(&k);
	kit_same(&k, NULL);
	kit_fini(&k);
}
END_TEST

/* Blocks that fill a segment to its last byte, or leave less than an end mark. */
START_TEST(exact_ends)
{
	kit_init(&k);
	kit_open(&k);
	for (uint32_t left = 0; left <= 96; left += 16) {
		uint32_t n = KIT_SEGMENT - LOG_SEGMENT_HEADER - LOG_BLOCK_HEADER - left;

		kit_append(&k, n - 16 - LOG_BLOCK_HEADER);
		kit_append(&k, 16);
		if (left % 32)
			kit_sync(&k);
		kit_append(&k, n);
	}
	kit_sync(&k);
	kit_close(&k);
	kit_open(&k);
	kit_same(&k, NULL);
	kit_append(&k, 100);
	kit_sync(&k);
	kit_close(&k);
	kit_look(&k);
	kit_same(&k, NULL);
	ck_assert_uint_eq(k.found.damaged, 0);
	kit_fini(&k);
}
END_TEST

/* A block as large as a message can be crosses many chunks. */
START_TEST(big_block)
{
	uint32_t n = (17 << 20) + (64 << 10);
	struct span out;

	kit_init(&k);
	k.config.segment_bytes = 64 << 20;
	k.config.buffer_bytes = 256 << 20;
	kit_open(&k);
	kit_append(&k, 100);
	for (uint32_t i = 0; i < 5; i++)
		kit_append(&k, n - i);
	for (uint32_t i = 0; i < k.n_made; i++) {
		ck_assert_int_eq(kit_read(&k, &k.made[i], &out), READ_OK);
		ck_assert(span_eq(out, kit_facts(&k.made[i])));
	}
	kit_sync(&k);
	kit_close(&k);
	k.config.memory_bytes = 1;
	kit_open(&k);
	kit_same(&k, NULL);
	for (uint32_t i = 0; i < k.n_made; i++) {
		ck_assert_int_eq(kit_read(&k, &k.made[i], &out), READ_OK);
		ck_assert(span_eq(out, kit_facts(&k.made[i])));
	}
	kit_fini(&k);
}
END_TEST

/* Large blocks that are wanted all at once, with next to no memory: each gets its turn. */
START_TEST(large_at_once)
{
	enum { LARGE = 8 };
	uint64_t end = clock_mono_ms() + 60000;
	uint32_t crc[LARGE], n = (5 << 20) + 1000, left = LARGE;
	bool got[LARGE] = { false };

	kit_init(&k);
	k.config.segment_bytes = 16 << 20;
	k.config.memory_bytes = 1;
	kit_open(&k);
	for (uint32_t i = 0; i < LARGE; i++) {
		struct span facts;

		kit_append(&k, n);
		facts = kit_facts(&k.made[i]);
		crc[i] = crc32c(0, facts.p, facts.n);
	}
	kit_close(&k);
	kit_open(&k);
	while (left > 0) {
		ck_assert_uint_lt(clock_mono_ms(), end);
		for (uint32_t i = 0; i < LARGE; i++) {
			uint64_t at = k.made[i].at + LOG_BLOCK_HEADER;
			struct span out;

			if (!got[i] && journal_bytes(k.j, at, n, crc[i], &out) == READ_OK) {
				got[i] = true;
				left--;
			}
		}
		kit_wait(&k);
	}
	kit_fini(&k);
}
END_TEST

static bool pool_is(const struct journal_status *s, uint64_t n)
{
	return s->pool == n;
}

static bool pool_most(const struct journal_status *s, uint64_t n)
{
	return s->pool <= n;
}

START_TEST(trim)
{
	uint64_t base;
	uint32_t i = 0, kept = 0;

	kit_init(&k);
	kit_open(&k);
	while (k.head < 5 * KIT_SEGMENT)
		kit_append(&k, 5000);
	kit_sync(&k);
	kit_settle(&k);
	base = 3 * KIT_SEGMENT;
	journal_trim(k.j, base);
	kit_await(&k, pool_is, 3);
	ck_assert_uint_eq(kit_count(&k, "", "pool-"), 3);
	kit_close(&k);
	for (; i < k.n_made; i++)
		if (k.made[i].at >= base)
			k.made[kept++] = k.made[i];
	k.n_made = kept;
	kit_open(&k);
	kit_same(&k, NULL);
	ck_assert_uint_eq(k.found.tail, base);
	ck_assert_uint_eq(k.found.damaged, 0);
	/* the spare ones become new ones, and their old blocks are not taken for new ones */
	while (k.head < 9 * KIT_SEGMENT)
		kit_append(&k, 4000);
	kit_sync(&k);
	kit_await(&k, pool_is, 0); /* the keeper prepares ahead, in its own time */
	ck_assert_uint_eq(kit_count(&k, "", "pool-"), 0);
	kit_close(&k);
	kit_open(&k);
	kit_same(&k, NULL);
	ck_assert_uint_eq(k.found.damaged + k.found.torn_bytes, 0);
	kit_fini(&k);
}
END_TEST

START_TEST(pool_shrinks)
{
	kit_init(&k);
	kit_open(&k);
	while (k.head < 8 * KIT_SEGMENT)
		kit_append(&k, 6000);
	kit_sync(&k);
	kit_settle(&k);
	journal_trim(k.j, 7 * KIT_SEGMENT);
	kit_await(&k, pool_is, 7);
	kit_await(&k, pool_most, 4);
	ck_assert_uint_le(kit_count(&k, "", "pool-"), 4);
	kit_fini(&k);
}
END_TEST

/* Everything was trimmed but the segment with the head. */
START_TEST(trim_all)
{
	kit_init(&k);
	kit_open(&k);
	while (k.head < 4 * KIT_SEGMENT)
		kit_append(&k, 6000);
	kit_append(&k, 60);
	kit_sync(&k);
	kit_settle(&k);
	journal_trim(k.j, k.head / KIT_SEGMENT * KIT_SEGMENT);
	kit_await(&k, pool_is, 4);
	kit_close(&k);
	k.made[0] = k.made[k.n_made - 2];
	k.made[1] = k.made[k.n_made - 1];
	kit_forget(&k, 2);
	kit_open(&k);
	kit_same(&k, NULL);
	kit_fini(&k);
}
END_TEST

START_TEST(read_back)
{
	struct span out;

	kit_init(&k);
	k.config.memory_bytes = 1;
	kit_open(&k);
	for (uint32_t i = 0; i < 400; i++) {
		kit_append(&k, 100 + i * 37 % 9000);
		if (i % 8 == 0)
			kit_sync(&k);
		ck_assert_int_eq(kit_read(&k, &k.made[k.n_made - 1], &out), READ_OK);
		ck_assert(span_eq(out, kit_facts(&k.made[k.n_made - 1])));
	}
	kit_sync(&k);
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < k.n_made; i++) {
			const struct kit_block *b = &k.made[i * 71 % k.n_made];

			ck_assert_int_eq(kit_read(&k, b, &out), READ_OK);
			ck_assert(span_eq(out, kit_facts(b)));
		}
		ck_assert_uint_gt(kit_status(&k).reads, 0);
		ck_assert_uint_le(kit_status(&k).cache_bytes, 40 * KIT_SEGMENT);
		kit_close(&k);
		kit_open(&k);
		kit_append(&k, 77); /* behind what must be read */
	}
	kit_fini(&k);
}
END_TEST

START_TEST(read_wrong)
{
	struct span out;
	uint32_t i;

	kit_init(&k);
	k.config.memory_bytes = 1;
	kit_open(&k);
	kit_fill(&k, 20, 5000);
	kit_close(&k);
	kit_open(&k);
	kit_flip(&k, k.made[3].at + LOG_BLOCK_HEADER + 100);
	ck_assert_int_eq(kit_read(&k, &k.made[3], &out), READ_BAD);
	ck_assert_int_eq(kit_read(&k, &k.made[4], &out), READ_OK);
	kit_append(&k, 10);
	kit_sync(&k);
	kit_settle(&k);
	journal_trim(k.j, KIT_SEGMENT);
	kit_await(&k, pool_is, 1);
	for (i = 0; k.made[i].at < KIT_SEGMENT; i++)
		;
	ck_assert_int_eq(kit_read(&k, &k.made[i], &out), READ_OK);
	ck_assert_int_eq(kit_read(&k, &k.made[0], &out), READ_BAD);
	kit_fini(&k);
}
END_TEST

/* All blocks of one segment, in order; `skip` is one that is damaged, or UINT32_MAX. */
static void scan_segment(uint64_t base, uint32_t skip)
{
	uint64_t end = clock_mono_ms() + 60000, at;
	struct span facts;
	uint32_t i = 0;
	int got;

	journal_scan(k.j, base);
	while (k.made[i].at < base)
		i++;
	while ((got = journal_scan_next(k.j, &at, &facts)) >= 0) {
		ck_assert_uint_lt(clock_mono_ms(), end);
		if (got == 0) {
			kit_wait(&k);
			continue;
		}
		i += i == skip;
		ck_assert_uint_eq(at, k.made[i].at);
		ck_assert(span_eq(facts, kit_facts(&k.made[i])));
		i++;
	}
	ck_assert_uint_ge(k.made[i].at, base + KIT_SEGMENT);
	ck_assert_int_eq(journal_scan_next(k.j, &at, &facts), -1);
}

START_TEST(scan)
{
	kit_init(&k);
	kit_open(&k);
	while (k.head < 4 * KIT_SEGMENT)
		kit_append(&k, 700);
	kit_sync(&k);
	scan_segment(0, UINT32_MAX);
	scan_segment(2 * KIT_SEGMENT, UINT32_MAX);
	kit_flip(&k, k.made[5].at + LOG_BLOCK_HEADER);
	scan_segment(0, 5);
	kit_close(&k);
	kit_open(&k);
	ck_assert_uint_eq(k.n_got, 5); /* all came in one commit, so no later block knew that this was synced */
	kit_fini(&k);
}
END_TEST

START_TEST(pressure)
{
	kit_init(&k);
	k.config.buffer_bytes = 256 << 10;
	k.config.fsync_ms = 60000; /* so nothing becomes durable meanwhile */
	kit_open(&k);
	kit_append(&k, 1000);
	journal_commit(k.j);
	ck_assert(!kit_status(&k).pressure);
	while (k.head < 512 << 10)
		kit_append(&k, 9000);
	journal_commit(k.j);
	ck_assert(kit_status(&k).pressure);
	kit_close(&k);
	kit_open(&k);
	kit_same(&k, NULL);
	ck_assert(!kit_status(&k).pressure);
	kit_fini(&k);
}
END_TEST

START_TEST(fsync_modes)
{
	static const uint32_t modes[] = { FSYNC_ALWAYS, 5, FSYNC_NEVER };

	kit_init(&k);
	for (int i = 0; i < 3; i++) {
		k.config.fsync_ms = modes[i];
		kit_open(&k);
		kit_fill(&k, 60, 4000);
		ck_assert_uint_gt(kit_status(&k).written, 60 * 4000);
		ck_assert((kit_status(&k).syncs == 0) == (modes[i] == FSYNC_NEVER));
		kit_close(&k);
	}
	kit_look(&k);
	kit_same(&k, NULL);
	kit_fini(&k);
}
END_TEST

SUITE_MAIN("journal", fresh, positions, reopen_often, exact_ends, big_block, large_at_once, trim, pool_shrinks,
           trim_all, read_back, read_wrong, scan, pressure, fsync_modes)
