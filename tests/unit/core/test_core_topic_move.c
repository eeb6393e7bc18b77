/* Traces: runs whose channels know so much of them that it does not fit a block together. */
#include <stdio.h>

#include "tests/unit/core/topics.h"

enum { CHANNELS = 100, RUNS = 35, MESSAGES = 64 * RUNS };

static struct rig rig;

static void setup(void)
{
	rig_init(&rig);
	for (unsigned i = 1; i <= 3; i++)
		rig_client(&rig, i);
}

static void teardown(void)
{
	rig_fini(&rig);
}

static const char *channel(unsigned i)
{
	static char name[8];

	snprintf(name, sizeof name, "c%02u", i);
	return name;
}

/* What is thrown away at once, until the core wants a segment moved. */
static void fill(uint64_t *number)
{
	for (int i = 0; i < 200 && rig.move == 0; i++) {
		topics_pub_n(&rig, 1, ++*number, "u", 30, 500);
		topics_op(&rig, 1, ++*number, TOPIC_EMPTY, "u", "");
		rig_pass(&rig, 20);
	}
	ck_assert_uint_ne(rig.move, 0);
}

START_TEST(what_does_not_fit_a_block_is_moved_later)
{
	uint64_t number = 1000, base;
	struct core_totals t;
	int passes = 0;

	rig.quiet = true;
	topics_pub_n(&rig, 1, ++number, "t", MESSAGES, 1);
	base = rig.blocks[rig.n_blocks - 1].at / rig.config.segment_bytes * rig.config.segment_bytes;
	topics_op(&rig, 1, ++number, TOPIC_CREATE, "t", channel(0));
	for (unsigned i = 1; i < CHANNELS; i++) /* with all that has come before */
		topics_set(&rig, 1, ++number, "t", channel(i),
		           (struct msg_topic_op){ .op = TOPIC_CREATE, .since_ms = 1 });
	for (unsigned i = 0; i < CHANNELS; i++) {
		topics_subscribe(&rig, 2, ++number, "t", channel(i), (struct msg_subscribe){ .sub = i });
		topics_credit(&rig, 2, i, LIMIT_READY, GIB);
		rig_pass(&rig, 20);
		topics_unsub(&rig, 2, ++number, i);
	}
	while (rig.tail <= base && passes < 60) {
		fill(&number);
		rig_scan(&rig);
		passes++;
		rig_pass(&rig, 50);
	}
	ck_assert_uint_gt(rig.tail, base);
	ck_assert_int_gt(passes, 2);
	rig_restart(&rig, true);
	core_totals(rig.core, &t);
	ck_assert(t.topics == 2 && t.channels == CHANNELS && t.messages > MESSAGES);
	rig_client(&rig, 3);
	rig.quiet = false;
	rig_forget(&rig);
	topics_sub(&rig, 3, "t", channel(CHANNELS - 1), 2);
	rig_expect(&rig, "C3 @0 sub 1: 1/1 attempt=2 0'b' 1'b'\n");
	topics_sub(&rig, 3, "t", channel(0), 1);
	rig_expect(&rig, "C3 @1 sub 1: 1/2 attempt=2 0'b'\n");
}
END_TEST

RIG_MAIN("core_topic_move", what_does_not_fit_a_block_is_moved_later)
