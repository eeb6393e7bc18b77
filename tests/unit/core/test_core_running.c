/* JOB_LIST: what runs, and how far it is. */
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

static void list(uint64_t number, const char *queue, uint64_t session, uint64_t token)
{
	struct msg m = { .u.job_list = { span_str(queue), session, token } };

	rig_request(&rig, 1, number, MSG_JOB_LIST, m);
}

START_TEST(what_has_begun_is_listed_with_what_it_says)
{
	rig_submit(&rig, 1, 1, "q", 2);
	rig_worker(&rig, 1, 2, "q", 2);
	rig_forget(&rig);
	list(2, "", 0, 0);
	rig_expect(&rig, "C1 running #2\n"); /* granted, and not begun as far as a beat has said */
	rig_progress(&rig, 1, 2, 2, 40, "half done");
	list(3, "q", 0, 0);
	rig_expect(&rig, "C1 running #3 [2 q worker1 attempt=1 40% 'half done']\n");
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2, .received = 1, .started = 1 });
	rig_forget(&rig);
	list(4, "q", 0, 0);
	rig_expect(&rig, "C1 running #4 [1 q worker1 attempt=1] [2 q worker1 attempt=1 40% 'half done']\n");
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_forget(&rig);
	list(5, "q", 0, 0);
	rig_expect(&rig, "C1 running #5 [2 q worker1 attempt=1 40% 'half done']\n");
}
END_TEST

START_TEST(a_list_goes_on_behind_its_place)
{
	rig_submit(&rig, 1, 1, "q", 3);
	rig_worker(&rig, 1, 3, "q", 3);
	for (uint64_t i = 1; i <= 3; i++)
		rig_progress(&rig, 1, i, i, PERCENT_UNKNOWN, "");
	rig_forget(&rig);
	list(2, "", rig_session(&rig, 1), rig_token(&rig, 2));
	rig_expect(&rig, "C1 running #2 [3 q worker1 attempt=1]\n");
	list(3, "", rig_session(&rig, 1) + 1, 0);
	rig_expect(&rig, "C1 running #3\n");
}
END_TEST

START_TEST(other_queues_are_not_listed)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_progress(&rig, 1, 1, 1, 10, "");
	rig_submit(&rig, 1, 2, "other", 1);
	rig_forget(&rig);
	list(3, "other", 0, 0);
	list(4, "nobody", 0, 0);
	rig_expect(&rig, "C1 running #3\n"
	                 "C1 reply #4 unknown\n");
}
END_TEST

RIG_MAIN("core_running", what_has_begun_is_listed_with_what_it_says, a_list_goes_on_behind_its_place,
         other_queues_are_not_listed)
