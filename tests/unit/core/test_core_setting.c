/* Traces: what is set on a queue, and that it lasts. */
#include "proto/setting.h"
#include "tests/unit/core/rig.h"

static struct rig rig;

static void setup(void)
{
	rig_init(&rig);
	rig_client(&rig, 1);
}

static void teardown(void)
{
	rig_fini(&rig);
}

/* Jobs that end at once: cancelled, one by one, each with a result that is charged with RESULT_OVERHEAD and its text.
 */
static void end_some(unsigned n, uint64_t first)
{
	rig_submit_as(&rig, 1, 100 + first, "q", n, (struct msg_submit){ 0 });
	for (uint64_t id = first; id < first + n; id++)
		rig_ids(&rig, 1, 1000 + id, MSG_CANCEL, 0, id);
	rig_forget(&rig);
}

START_TEST(what_is_set_is_shown)
{
	rig_set(&rig, 1, 1, "q", "concurrency", 4);
	rig_set(&rig, 1, 2, "q", "keep", 60000);
	rig_set(&rig, 1, 3, "q", "concurrency", 5);
	rig_set(&rig, 1, 4, "q", "rate", 1);
	rig_set(&rig, 1, 5, "q", "rate", 0);
	rig_queue(&rig, 1, 6, "q", QUEUE_SHOW, 0);
	rig_expect(&rig, "C1 reply #1 ok\n"
	                 "C1 reply #2 ok\n"
	                 "C1 reply #3 ok\n"
	                 "C1 reply #4 ok\n"
	                 "C1 reply #5 ok\n"
	                 "C1 queues #6 [q workers=0 submitted=0 kept=0] concurrency=5 keep=60000\n");
}
END_TEST

START_TEST(all_of_it_or_nothing)
{
	struct msg_setting_rec s[] = { { span_str("rate"), 5 }, { span_str("attempts"), LIMIT_ATTEMPTS + 1 } };

	rig_set(&rig, 1, 1, "q", "colour", 4);
	rig_request(&rig, 1, 2, MSG_QUEUE_SET, (struct msg){ .u.queue_set = { span_str("q"), s, 2 } });
	rig_queue(&rig, 1, 3, "q", QUEUE_SHOW, 0);
	s[1].value--;
	rig_request(&rig, 1, 4, MSG_QUEUE_SET, (struct msg){ .u.queue_set = { span_str("q"), s, 2 } });
	s[1].value++;
	rig_request(&rig, 1, 5, MSG_QUEUE_SET, (struct msg){ .u.queue_set = { span_str("q"), s, 2 } });
	rig_queue(&rig, 1, 6, "q", QUEUE_SHOW, 0);
	rig_expect(&rig, "C1 reply #1 bad-value\n"
	                 "C1 reply #2 bad-value\n"
	                 "C1 reply #3 unknown\n"
	                 "C1 reply #4 ok\n"
	                 "C1 reply #5 bad-value\n"
	                 "C1 queues #6 [q workers=0 submitted=0 kept=0] rate=5 attempts=200\n");
}
END_TEST

/* Every setting survives, also when the first QUEUE fact is one of a preamble. */
START_TEST(what_is_set_lasts)
{
	static const char *const names[] = {
#define NAME(field, name, kind, most, standard, meaning) name,
		QUEUE_SETTINGS(NAME)
#undef NAME
	};
	struct buf before;

	rig.quiet = true;
	for (unsigned i = 0; i < SETTINGS; i++)
		rig_set(&rig, 1, 1 + i, "q", names[i], i + 1);
	rig.quiet = false;
	rig_queue(&rig, 1, 50, "q", QUEUE_SHOW, 0);
	buf_init(&before);
	buf_put_span(&before, buf_span(&rig.trace));
	buf_put_u8(&before, 0);
	rig_forget(&rig);
	ck_assert_ptr_nonnull(strstr((const char *)before.p, " starve=12"));
	for (int trimmed = 0; trimmed < 2; trimmed++) {
		rig_restart(&rig, trimmed);
		rig_client(&rig, 1);
		rig_queue(&rig, 1, 50, "q", QUEUE_SHOW, 0);
		rig_expect(&rig, (const char *)before.p);
		rig.quiet = true;
		for (uint64_t i = 0; i < 100; i++) /* segments go by, until the first one is given back */
			rig_submit_as(&rig, 1, 1000 + i, "other", 20,
			              (struct msg_submit){ .payloads = (struct span[]){ span_of(rig.fx.block.p, 0) } });
		rig_queue(&rig, 1, 2000, "other", QUEUE_PURGE, 0);
		rig_pass(&rig, DEFAULT_KEEP_MS + 1000);
		rig_client(&rig, 1);
		rig.quiet = false;
		rig_forget(&rig);
	}
	ck_assert_uint_gt(rig.tail, 0);
	buf_fini(&before);
}
END_TEST

START_TEST(results_are_kept_for_the_time_that_is_set)
{
	rig_set(&rig, 1, 1, "q", "keep", 5000);
	end_some(1, 1);
	rig_pass(&rig, 4000);
	rig_one(&rig, 1, 2, MSG_RESULT_GET, 1);
	ck_assert(rig_has(&rig, "1 cancelled"));
	rig_pass(&rig, 1001);
	rig_forget(&rig);
	rig_one(&rig, 1, 3, MSG_RESULT_GET, 1);
	rig_expect(&rig, "C1 reply #3 gone\n");
	/* longer than the default, over a restart; and what is kept now goes by a new setting */
	rig_set(&rig, 1, 4, "q", "keep", 3 * DEFAULT_KEEP_MS);
	end_some(1, 2);
	rig_pass(&rig, 2 * DEFAULT_KEEP_MS);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_one(&rig, 1, 5, MSG_RESULT_GET, 2);
	ck_assert(rig_has(&rig, "2 cancelled"));
	rig_set(&rig, 1, 6, "q", "keep", 1000);
	rig_forget(&rig);
	rig_one(&rig, 1, 7, MSG_RESULT_GET, 2);
	rig_expect(&rig, "C1 reply #7 gone\n");
}
END_TEST

START_TEST(results_are_kept_within_the_bytes_that_are_set)
{
	uint64_t each = RESULT_OVERHEAD + 2 + strlen("cancelled"); /* an empty history */

	rig_set(&rig, 1, 1, "q", "keep-bytes", 3 * each);
	end_some(10, 1);
	rig_queue(&rig, 1, 2, "q", QUEUE_SHOW, 0);
	ck_assert(rig_has(&rig, "kept=3]"));
	rig_forget(&rig);
	rig_set(&rig, 1, 3, "q", "keep-bytes", 2 * each);
	rig_pass(&rig, 1);
	rig_one(&rig, 1, 4, MSG_RESULT_GET, 8);
	rig_one(&rig, 1, 5, MSG_RESULT_GET, 9);
	ck_assert(rig_has(&rig, "C1 reply #4 gone\n"));
	ck_assert(rig_has(&rig, "9 cancelled"));
	/* more than the default: the replay may not let go of it before it knows */
	rig.config.keep_bytes = each;
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_forget(&rig);
	rig_one(&rig, 1, 6, MSG_RESULT_GET, 9);
	ck_assert(rig_has(&rig, "9 cancelled"));
	rig_set(&rig, 1, 7, "q", "keep-bytes", 1);
	rig_forget(&rig);
	rig_one(&rig, 1, 8, MSG_RESULT_GET, 9);
	rig_one(&rig, 1, 9, MSG_RESULT_GET, 10); /* the newest stays */
	ck_assert(rig_has(&rig, "C1 reply #8 gone\n"));
	ck_assert(rig_has(&rig, "10 cancelled"));
}
END_TEST

/* A smaller budget lets go of much, slice by slice. */
START_TEST(a_small_budget_comes_over_many_results)
{
	rig.quiet = true;
	for (uint64_t i = 0; i < 5; i++)
		rig_submit_as(&rig, 1, 1 + i, "q", 1000, (struct msg_submit){ 0 });
	rig_queue(&rig, 1, 10, "q", QUEUE_PURGE, 0);
	rig_set(&rig, 1, 11, "q", "keep-bytes", 10000);
	rig_pass(&rig, 1);
	rig.quiet = false;
	rig_forget(&rig);
	rig_queue(&rig, 1, 12, "q", QUEUE_SHOW, 0);
	ck_assert(rig_has(&rig, "kept=19]"));
}
END_TEST

RIG_MAIN("core_setting", what_is_set_is_shown, all_of_it_or_nothing, what_is_set_lasts,
         results_are_kept_for_the_time_that_is_set, results_are_kept_within_the_bytes_that_are_set,
         a_small_budget_comes_over_many_results)
