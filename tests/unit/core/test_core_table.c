/* The table: a job in each state it can be in, and each thing that can happen to it. What is legal shows by its
 * effects and the state after it, what is not by its refusal and the state as before. */
#include <stdio.h>

#include "tests/unit/core/rig.h"
#include "tests/unit/core/table_rows.h"

static struct rig rig;
static uint64_t token; /* of the job's last lease */

static void setup(void)
{
}

static void teardown(void)
{
}

/* ---- how a job comes into each state; it is job 1, submitted by client 1, may be tried twice, and expires if it has
 * not begun in EXPIRY_MS ---- */

enum {
	DELAY_MS = 4000,
	BACKOFF_MS = 5600, /* the pause is half of it at least, so longer than a silence */
	DUE_MS = 6000,     /* after which both are over */
	EXPIRY_MS = 8000,
	BEAT_MS = 500
};

static void submit(struct msg_terms terms)
{
	terms.expires_ms = rig.now.wall_ms + EXPIRY_MS;
	rig_submit_as(&rig, 1, 1, "q", 1, (struct msg_submit){ .attempts = 2, .flags = SUBMIT_WANT, .terms = terms });
}

static void none(void)
{
	rig_worker(&rig, 1, 1, "q", 0);
	token = 1;
}

static void ready(void)
{
	submit((struct msg_terms){ 0 });
	none();
}

static void grant(void)
{
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1 });
	rig_beat(&rig, 1, (struct rig_beat){ .window = 0 });
}

static void granted(void)
{
	ready();
	grant();
}

static void start(void)
{
	grant();
	rig_beat(&rig, 1, (struct rig_beat){ .window = 0, .received = 1, .started = 1 });
}

static void started(void)
{
	ready();
	start();
}

static void handed_back(void)
{
	granted();
	rig_return(&rig, 1, 1, 1);
}

static void orphan(void)
{
	started();
	token = rig_token(&rig, 1);
	rig_pass(&rig, 600);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 0, .received = 1, .started = 1 });
	rig_pass(&rig, 600);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_ids(&rig, 1, 0, MSG_WAIT, 0, 1);
	rig_worker(&rig, 1, 1, "q", 0);
}

static void done(void)
{
	started();
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
}

static void dead(void)
{
	started();
	rig_outcome(&rig, 1, 1, 1, VERDICT_FAILED);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1 });
	rig_beat(&rig, 1, (struct rig_beat){ .window = 0, .received = 2 });
	rig_outcome(&rig, 1, 1, 2, VERDICT_FAILED);
}

static void cancelled(void)
{
	ready();
	rig_ids(&rig, 1, 2, MSG_CANCEL, 0, 1);
}

/* The parent of a race of two, which runs itself nowhere. */
static void race(void)
{
	rig_submit_as(&rig, 1, 1, "q", 1, rig_race(2, 0));
	none();
}

static void delayed(void)
{
	submit((struct msg_terms){ .delay_ms = DELAY_MS });
	none();
}

/* It has failed once, and waits until it may run again. */
static void retrying(void)
{
	submit((struct msg_terms){ .backoff_ms = BACKOFF_MS });
	none();
	start();
	rig_outcome(&rig, 1, 1, 1, VERDICT_FAILED);
}

/* Time goes by, and the worker beats. */
static void wait_for(uint64_t ms)
{
	for (uint64_t at = 0; at < ms; at += BEAT_MS) {
		rig_pass(&rig, BEAT_MS);
		rig_beat(&rig, 1, (struct rig_beat){ .window = 0, .received = 9 });
	}
}

static void expired(void)
{
	ready();
	wait_for(EXPIRY_MS + BEAT_MS);
}

static void redriven(void)
{
	dead();
	rig_ids(&rig, 1, 5, MSG_RETRY, 0, 1);
	rig_ids(&rig, 1, 0, MSG_WAIT, 0, 1);
	token = 2;
}

/* ---- what happens ---- */

static void wait_again(void)
{
	rig_ids(&rig, 1, 0, MSG_WAIT, 0, 1);
}

static void wait_quietly(void)
{
	rig_client(&rig, 2);
	rig_ids(&rig, 2, 0, MSG_WAIT, WAIT_QUIET, 1);
}

static void result_get(void)
{
	rig_one(&rig, 1, 9, MSG_RESULT_GET, 1);
}

static void job_get(void)
{
	rig_one(&rig, 1, 9, MSG_JOB_GET, 1);
}

static void cancel(void)
{
	rig_ids(&rig, 1, 9, MSG_CANCEL, 0, 1);
}

static void cancel_unstarted(void)
{
	rig_ids(&rig, 1, 9, MSG_CANCEL, CANCEL_UNSTARTED, 1);
}

static void outcome_done(void)
{
	rig_outcome(&rig, 1, 1, token, VERDICT_DONE);
}

static void outcome_failed(void)
{
	rig_outcome(&rig, 1, 1, token, VERDICT_FAILED);
}

static void outcome_stale(void)
{
	rig_outcome(&rig, 1, 1, 999, VERDICT_DONE);
}

static void returned(void)
{
	rig_return(&rig, 1, 1, token);
}

static void lost(void)
{
	rig_beat(&rig, 1, (struct rig_beat){ .window = 0, .received = 1, .lost = { 1, 1 } });
}

static void silence(void)
{
	rig_pass(&rig, 2600);
}

static void bad_payload(void)
{
	rig_step(&rig, &(struct event){ .kind = EV_BAD_PAYLOAD,
	                                .lease = { 1, rig_token(&rig, token) },
	                                .text = span_str("damaged") });
}

static void purge(void)
{
	rig_queue(&rig, 1, 9, "q", QUEUE_PURGE, 0);
}

static void window(void)
{
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1 });
}

static void due(void)
{
	wait_for(DUE_MS);
}

static void expires(void)
{
	wait_for(EXPIRY_MS + BEAT_MS);
}

static void retry(void)
{
	rig_ids(&rig, 1, 9, MSG_RETRY, 0, 1);
}

static void dead_op(enum dead_op_kind op)
{
	rig_request(&rig, 1, 9, MSG_DEAD_OP,
	            (struct msg){ .u.dead_op = { .queue = span_str("q"), .op = (uint32_t)op } });
}

static void redrive(void)
{
	dead_op(DEAD_REDRIVE);
}

static void purge_dead(void)
{
	dead_op(DEAD_PURGE);
}

struct named {
	const char *name;
	void (*fn)(void);
};

static const struct named states[] = { { "none", none },
	                               { "ready", ready },
	                               { "granted", granted },
	                               { "started", started },
	                               { "handed-back", handed_back },
	                               { "orphan", orphan },
	                               { "done", done },
	                               { "dead", dead },
	                               { "cancelled", cancelled },
	                               { "race", race },
	                               { "delayed", delayed },
	                               { "retrying", retrying },
	                               { "expired", expired },
	                               { "redriven", redriven } };

static const struct named events[] = { { "wait", wait_again },
	                               { "wait-quietly", wait_quietly },
	                               { "result-get", result_get },
	                               { "job-get", job_get },
	                               { "cancel", cancel },
	                               { "cancel-unstarted", cancel_unstarted },
	                               { "outcome-done", outcome_done },
	                               { "outcome-failed", outcome_failed },
	                               { "outcome-stale", outcome_stale },
	                               { "return", returned },
	                               { "lost", lost },
	                               { "silence", silence },
	                               { "bad-payload", bad_payload },
	                               { "purge", purge },
	                               { "window", window },
	                               { "due", due },
	                               { "expires", expires },
	                               { "retry", retry },
	                               { "redrive", redrive },
	                               { "purge-dead", purge_dead } };

static_assert(sizeof states / sizeof states[0] == TABLE_STATES, "a row for each state");
static_assert(sizeof events / sizeof events[0] == TABLE_EVENTS, "a column for each event");

/* The trace in one line; beats' answers and probes, which say nothing of the job, are left out. */
static void flatten(char *out, size_t n)
{
	const char *p = (const char *)rig.trace.p, *end = p + rig.trace.n;
	size_t k = 0;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		bool answer = strncmp(p, "W1 answer", 9) == 0;

		ck_assert_ptr_nonnull(nl);
		answer = answer || memmem(p, (size_t)(nl - p), ": probe", 7) != NULL;
		for (; p < nl && !answer && k + 2 < n; p++)
			out[k++] = *p;
		if (!answer)
			out[k++] = '|';
		p = nl + 1;
	}
	out[k] = '\0';
}

START_TEST(each_state_and_each_event)
{
	char flat[512], row[600];

	for (size_t s = 0; s < TABLE_STATES; s++) {
		for (size_t e = 0; e < TABLE_EVENTS; e++) {
			rig_init(&rig);
			rig_client(&rig, 1);
			states[s].fn();
			rig_forget(&rig);
			events[e].fn();
			flatten(flat, sizeof flat);
			snprintf(row, sizeof row, "%s: %s", job_state_name(core_job_state(rig.core, 1)), flat);
			if (table_rows[s][e] == NULL || strcmp(row, table_rows[s][e]) != 0)
				ck_abort_msg("%s, %s: \"%s\", expected \"%s\"", states[s].name, events[e].name, row,
				             table_rows[s][e] == NULL ? "nothing" : table_rows[s][e]);
			rig_fini(&rig);
		}
	}
}
END_TEST

RIG_MAIN("core_table", each_state_and_each_event)
