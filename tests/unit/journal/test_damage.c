/* Bad days of the disk: torn tails, damage in the middle, lost files, left-overs of cut tails. */
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/journal/kit.h"

static struct kit k;

/* One commit for all, so that no block knows of another's sync: what a crash can tear. */
static void append_unsynced(uint32_t count, uint32_t n)
{
	while (count-- > 0)
		kit_append(&k, n);
	kit_sync(&k);
}

static void damage_is(uint64_t ranges)
{
	ck_assert_uint_eq(k.found.damaged, ranges);
	ck_assert((k.found.damaged_bytes == 0) == (ranges == 0));
}

START_TEST(torn_tail)
{
	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 20, 1000);
	append_unsynced(6, 1000);
	kit_close(&k);
	kit_flip(&k, k.made[25].at + LOG_BLOCK_HEADER + 999);
	kit_open(&k);
	ck_assert_uint_eq(k.found.head, k.made[25].at);
	damage_is(0);
	kit_forget(&k, 25);
	kit_same(&k, NULL);
	kit_fill(&k, 3, 500);
	kit_close(&k);
	kit_look(&k);
	kit_same(&k, NULL);
	kit_fini(&k);
}
END_TEST

/* A hole in the tail cuts what stands intact behind it, and it stays cut whatever is written there later. */
START_TEST(torn_hole)
{
	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 10, 1000);
	append_unsynced(20, 1000);
	kit_close(&k);
	kit_zero(&k, k.made[15].at, 100);
	for (int round = 0; round < 3; round++) {
		kit_open(&k);
		ck_assert_uint_eq(k.found.head, k.made[15].at);
		ck_assert_uint_eq(k.found.torn_bytes, 14 * log_block_bytes(1000));
		damage_is(0);
		kit_close(&k);
	}
	kit_forget(&k, 15);
	kit_open(&k);
	kit_same(&k, NULL);
	kit_append(&k, 1000); /* of the same length: the next old block stands just behind it */
	kit_sync(&k);
	kit_close(&k);
	for (int round = 0; round < 6; round++) {
		kit_open(&k);
		kit_same(&k, NULL);
		damage_is(0);
		kit_append(&k, round % 2 ? 1000 : 400);
		kit_sync(&k);
		kit_close(&k);
	}
	kit_fini(&k);
}
END_TEST

/* The epoch's own fact was torn, and with it the caller's knowledge of the epoch: it uses the same again. */
START_TEST(torn_epoch)
{
	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 4, 1000);
	kit_close(&k);
	kit_open(&k);
	append_unsynced(5, 1000);
	kit_close(&k);
	kit_zero(&k, k.made[4].at, 8);
	k.epoch = 1;
	kit_forget(&k, 4);
	kit_open(&k);
	ck_assert_uint_eq(k.found.epoch, 2);
	kit_append(&k, 1000);
	kit_sync(&k);
	kit_close(&k);
	kit_look(&k);
	kit_same(&k, NULL);
	kit_fini(&k);
}
END_TEST

/* The first block of an epoch that was written over a cut tail is damaged; the old tail stays dead. */
START_TEST(damage_over_left_overs)
{
	static const uint32_t skip[] = { 8, UINT32_MAX };

	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 5, 1000);
	append_unsynced(10, 1000);
	kit_close(&k);
	kit_zero(&k, k.made[8].at, 100);
	kit_forget(&k, 8);
	kit_open(&k);
	kit_fill(&k, 1, 2 * 1008 + 2 * LOG_BLOCK_HEADER); /* one old block stands in the middle of it */
	kit_fill(&k, 5, 100);
	kit_close(&k);
	ck_assert_uint_eq(k.made[9].at, k.made[8].at + log_block_bytes(2 * 1008 + 2 * LOG_BLOCK_HEADER));
	kit_flip(&k, k.made[8].at + 5);
	kit_look(&k);
	damage_is(1);
	kit_same(&k, skip);
	kit_fini(&k);
}
END_TEST

START_TEST(damage_in_the_middle)
{
	static const uint32_t skip[] = { 7, 8, 30, UINT32_MAX };
	uint32_t before;

	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 60, 3000);
	kit_close(&k);
	kit_flip(&k, k.made[7].at + 20);
	kit_flip(&k, k.made[8].at + 2000);
	kit_flip(&k, k.made[30].at + 8); /* the length */
	before = kit_print(&k);
	kit_look(&k);
	damage_is(2);
	kit_same(&k, skip);
	ck_assert_uint_eq(kit_print(&k), before);
	kit_open(&k);
	damage_is(2);
	kit_same(&k, skip);
	ck_assert_uint_eq(k.found.damaged_bytes, 3 * log_block_bytes(3000));
	ck_assert_uint_eq(kit_count(&k, "quarantine", ""), 2);
	ck_assert_uint_eq(k.found.torn_bytes, 0);
	kit_append(&k, 50);
	kit_sync(&k);
	kit_fini(&k);
}
END_TEST

START_TEST(damaged_end_mark)
{
	uint32_t i = 1;

	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 60, 3000);
	kit_close(&k);
	while (k.made[i].at < KIT_SEGMENT)
		i++;
	kit_zero(&k, k.made[i - 1].at + log_block_bytes(3000), LOG_BLOCK_HEADER);
	kit_look(&k);
	damage_is(1);
	kit_same(&k, NULL);
	kit_fini(&k);
}
END_TEST

START_TEST(damaged_segment_header)
{
	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 60, 3000);
	kit_close(&k);
	kit_zero(&k, 0, LOG_SEGMENT_HEADER);
	kit_flip(&k, KIT_SEGMENT + 3);
	kit_look(&k);
	damage_is(2);
	kit_same(&k, NULL);
	kit_open(&k);
	damage_is(2);
	kit_same(&k, NULL);
	kit_close(&k);
	kit_look(&k);
	damage_is(0); /* headers can be made again */
	kit_fini(&k);
}
END_TEST

START_TEST(missing_segment)
{
	static uint32_t skip[64];
	char path[256];
	uint32_t n = 0;

	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 90, 3000);
	kit_close(&k);
	for (uint32_t i = 0; i < k.n_made; i++)
		if (k.made[i].at / KIT_SEGMENT == 1)
			skip[n++] = i;
	skip[n] = UINT32_MAX;
	kit_segment(&k, path, 1);
	ck_assert_int_eq(unlink(path), 0);
	kit_open(&k);
	damage_is(1);
	kit_same(&k, skip);
	kit_fill(&k, 30, 3000);
	kit_close(&k);
	kit_look(&k);
	damage_is(1);
	kit_same(&k, skip);
	kit_fini(&k);
}
END_TEST

/* The segment with the head is gone, the prepared ones behind it are there. */
START_TEST(missing_last)
{
	char path[256];
	uint32_t i = 0;

	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 30, 3000);
	kit_settle(&k);
	kit_close(&k);
	kit_segment(&k, path, k.head / KIT_SEGMENT);
	ck_assert_int_eq(unlink(path), 0);
	while (k.made[i].at < k.head / KIT_SEGMENT * KIT_SEGMENT)
		i++;
	kit_forget(&k, i);
	kit_open(&k);
	damage_is(1);
	kit_same(&k, NULL);
	kit_fill(&k, 60, 3000);
	kit_close(&k);
	kit_look(&k);
	damage_is(0);
	kit_same(&k, NULL);
	kit_fini(&k);
}
END_TEST

START_TEST(truncated_segment)
{
	static uint32_t skip[64];
	char path[256];
	uint32_t n = 0;

	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 60, 3000);
	kit_close(&k);
	for (uint32_t i = 0; i < k.n_made; i++)
		if (k.made[i].at / KIT_SEGMENT == 1 && k.made[i].at % KIT_SEGMENT + 3048 > 20000)
			skip[n++] = i;
	skip[n] = UINT32_MAX;
	kit_segment(&k, path, 1);
	ck_assert_int_eq(truncate(path, 20000), 0);
	kit_open(&k);
	damage_is(1);
	kit_same(&k, skip);
	kit_fini(&k);
}
END_TEST

/* A file whose number no log ever reaches, and one far behind the end. */
START_TEST(stray_files)
{
	static const char *const names[] = { "ffffffffffffffff.seg", "00000000ffffffff.seg", "not-a-number.seg" };
	char path[256];

	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 60, 3000);
	kit_close(&k);
	for (int i = 0; i < 3; i++) {
		FILE *f;

		kit_path(&k, path, names[i]);
		f = fopen(path, "w");
		ck_assert_ptr_nonnull(f);
		fputs("what is this?", f);
		fclose(f);
	}
	kit_open(&k);
	kit_same(&k, NULL);
	kit_fill(&k, 30, 3000);
	kit_close(&k);
	kit_look(&k);
	kit_same(&k, NULL);
	kit_fini(&k);
}
END_TEST

SUITE_MAIN("journal-damage", torn_tail, torn_hole, torn_epoch, damage_over_left_overs, damage_in_the_middle,
           damaged_end_mark, damaged_segment_header, missing_segment, missing_last, truncated_segment, stray_files)
