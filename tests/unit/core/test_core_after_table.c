/* The table of states and events (test_core_table.c) for a job that follows another: job 2 in "q" is blocked by job 1
 * in "other", and awaited by client 1. */
#include <stdio.h>

#include "tests/unit/core/rig.h"

static struct rig rig;

static void setup(void)
{
}

static void teardown(void)
{
}

static void blocked(void)
{
	uint64_t one = 1;

	rig_client(&rig, 1);
	rig_submit_as(&rig, 1, 1, "other", 1, (struct msg_submit){ 0 });
	rig_submit_as(&rig, 1, 2, "q", 1,
	              (struct msg_submit){ .attempts = 2,
	                                   .flags = SUBMIT_WANT,
	                                   .terms = { .after = &one, .n_after = 1, .within_ms = 60000 } });
	rig_worker(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 2, 1, "other", 1); /* it has job 1, with the token 1 */
}

static void wait_again(void)
{
	rig_ids(&rig, 1, 0, MSG_WAIT, 0, 2);
}

static void wait_quietly(void)
{
	rig_client(&rig, 2);
	rig_ids(&rig, 2, 0, MSG_WAIT, WAIT_QUIET, 2);
}

static void result_get(void)
{
	rig_one(&rig, 1, 9, MSG_RESULT_GET, 2);
}

static void job_get(void)
{
	rig_one(&rig, 1, 9, MSG_JOB_GET, 2);
}

static void cancel(void)
{
	rig_ids(&rig, 1, 9, MSG_CANCEL, 0, 2);
}

static void cancel_unstarted(void)
{
	rig_ids(&rig, 1, 9, MSG_CANCEL, CANCEL_UNSTARTED, 2);
}

static void outcome_stale(void)
{
	rig_outcome(&rig, 1, 2, 1, VERDICT_DONE);
}

static void returned(void)
{
	rig_return(&rig, 1, 2, 1);
}

static void silence(void)
{
	for (int i = 0; i < 6; i++) {
		rig_pass(&rig, 500);
		rig_beat(&rig, 2, (struct rig_beat){ .window = 1, .received = 1, .started = 1 });
	}
}

static void bad_payload(void)
{
	rig_step(&rig, &(struct event){
			   .kind = EV_BAD_PAYLOAD, .lease = { 2, rig_token(&rig, 1) }, .text = span_str("damaged") });
}

static void purge(void)
{
	rig_queue(&rig, 1, 9, "q", QUEUE_PURGE, 0);
}

static void expires(void)
{
	rig.quiet = true;
	for (int i = 0; i < 130; i++) {
		rig_pass(&rig, 500);
		rig_client(&rig, 1);
		rig.quiet = true;
		rig_ids(&rig, 1, 0, MSG_WAIT, 0, 2);
		rig_beat(&rig, 2, (struct rig_beat){ .window = 1, .received = 1, .started = 1 });
	}
	rig.quiet = false;
}

static void parent_done(void)
{
	rig_outcome(&rig, 2, 1, 1, VERDICT_DONE);
}

static void parent_failed(void)
{
	rig_outcome(&rig, 2, 1, 1, VERDICT_FAILED);
}

static void parent_cancelled(void)
{
	rig_ids(&rig, 1, 9, MSG_CANCEL, 0, 1);
}

static void parent_purged(void)
{
	rig_queue(&rig, 1, 9, "other", QUEUE_PURGE, 0); /* it runs: nothing is purged */
}

static void crash(void)
{
	rig_restart(&rig, true);
}

static const struct {
	const char *name;
	void (*fn)(void);
	const char *row;
} events[] = {
	{ "wait", wait_again, "blocked: " },
	{ "wait-quietly", wait_quietly, "blocked: " },
	{ "result-get", result_get, "blocked: C1 reply #9 not-finished 1|" },
	{ "job-get", job_get, "blocked: C1 job #9 2 blocked attempt=0/2 deliveries=0 after=1|" },
	{ "cancel", cancel, "cancelled: C1 result @0: 2 cancelled 'cancelled'|C1 reply #9 ok 1|" },
	{ "cancel-unstarted", cancel_unstarted, "cancelled: C1 result @0: 2 cancelled 'cancelled'|C1 reply #9 ok 1|" },
	{ "outcome-stale", outcome_stale, "blocked: " },
	{ "return", returned, "blocked: " },
	{ "silence", silence, "blocked: S1 close|" },
	{ "bad-payload", bad_payload, "blocked: " },
	{ "purge", purge, "cancelled: C1 result @0: 2 cancelled 'purged'|C1 reply #9 ok 1|" },
	{ "expires", expires, "expired: " },
	{ "parent-done", parent_done, "running: S1 jobs 1: 2/2 attempt=1 'p'|" },
	{ "parent-failed", parent_failed, "cancelled: C1 result @0: 2 cancelled (44 bytes)|" },
	{ "parent-cancelled", parent_cancelled,
	  "cancelled: W2 revoke 1/1|C1 reply #9 ok 1|C1 result @0: 2 cancelled (49 bytes)|" },
	{ "parent-purged", parent_purged, "blocked: C1 reply #9 ok|" },
	{ "crash", crash, "blocked: " },
};

/* The trace in one line, without beats' answers. */
static void flatten(char *out, size_t n)
{
	const char *p = (const char *)rig.trace.p, *end = p + rig.trace.n;
	size_t k = 0;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		bool answer = strncmp(p, "W1 answer", 9) == 0 || strncmp(p, "W2 answer", 9) == 0;

		ck_assert_ptr_nonnull(nl);
		for (; p < nl && !answer && k + 2 < n; p++)
			out[k++] = *p;
		if (!answer)
			out[k++] = '|';
		p = nl + 1;
	}
	out[k] = '\0';
}

START_TEST(each_event)
{
	char flat[512], row[600];

	for (size_t e = 0; e < sizeof events / sizeof events[0]; e++) {
		rig_init(&rig);
		blocked();
		ck_assert_int_eq(core_job_state(rig.core, 2), JOB_BLOCKED);
		rig_forget(&rig);
		events[e].fn();
		flatten(flat, sizeof flat);
		snprintf(row, sizeof row, "%s: %s", job_state_name(core_job_state(rig.core, 2)), flat);
		ck_assert_msg(strcmp(row, events[e].row) == 0, "%s: \"%s\", expected \"%s\"", events[e].name, row,
		              events[e].row);
		rig_fini(&rig);
	}
}
END_TEST

RIG_MAIN("core_after_table", each_event)
