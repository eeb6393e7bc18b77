/* See letters.h. */
#include "tests/unit/core/letters.h"

#include <stdio.h>

struct rig rig;
static uint64_t tokens; /* given out in this epoch */
uint64_t ids;           /* of jobs, so far */
uint64_t number;        /* of client 1's requests */

void setup(void)
{
	rig_init(&rig);
	rig_client(&rig, 1);
	tokens = ids = 0;
	number = 0;
}

void teardown(void)
{
	rig_fini(&rig);
}

void restart(bool trimmed)
{
	rig_restart(&rig, trimmed);
	rig_client(&rig, 1);
	rig_forget(&rig);
	tokens = 0;
}

/* `n` jobs of q get to worker 1, once it is there; in silence. Returns the first one's id. */
uint64_t run(uint32_t n, uint64_t batch)
{
	uint64_t first = ids + 1;

	rig.quiet = true;
	rig_submit_as(&rig, 1, ++number, "q", n, (struct msg_submit){ .attempts = 1, .batch = batch });
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2000, .received = 1000000 });
	rig.quiet = false;
	ids += n;
	ck_assert_int_eq(core_job_state(rig.core, ids), JOB_RUNNING);
	return first;
}

/* They come back failed, with this error. */
void lose(uint64_t first, uint32_t n, const char *error)
{
	static struct msg_outcome_rec v[LIMIT_RECORDS];
	struct msg m = { .h = { .version = 1, .kind = MSG_OUTCOMES, .session = rig_session(&rig, 1) } };

	ck_assert_uint_le(n, LIMIT_RECORDS);
	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct msg_outcome_rec){ .id = first + i,
			                         .token = rig_token(&rig, ++tokens),
			                         .verdict = VERDICT_FAILED,
			                         .exit = 3,
			                         .run_ms = 5,
			                         .error = span_str(error) };
	m.h.number = ++rig.results[1];
	m.u.outcomes.v = v;
	m.u.outcomes.n = n;
	rig.quiet = true;
	rig_step(&rig, &(struct event){ .kind = EV_OUTCOMES, .msg = &m });
	rig.quiet = false;
}

uint64_t die(uint32_t n, const char *error)
{
	uint64_t first = run(n, 0);

	for (uint32_t i = 0; i < n; i += 100) /* a segment of the bench holds no more at a time */
		lose(first + i, n - i < 100 ? n - i : 100, error);
	ck_assert_int_eq(core_job_state(rig.core, ids), JOB_DEAD);
	return first;
}

void no_more_jobs(void)
{
	rig.quiet = true;
	rig_beat(&rig, 1, (struct rig_beat){ .window = 0, .received = 1000000 });
	rig.quiet = false;
}

void op(uint64_t n, enum dead_op_kind kind, struct msg_dead_op o)
{
	o.queue = span_str("q");
	o.op = (uint32_t)kind;
	rig_request(&rig, 1, n, MSG_DEAD_OP, (struct msg){ .u.dead_op = o });
}

void list(struct msg_dead_cursor after, uint32_t limit, struct msg_dead_filter f)
{
	rig_request(&rig, 1, ++number, MSG_DEAD_LIST,
	            (struct msg){ .u.dead_list = { span_str("q"), after, f, limit } });
}

void expect_queue(const char *what)
{
	char row[200];

	rig_forget(&rig);
	rig_queue(&rig, 1, 9000, "q", QUEUE_SHOW, 0);
	snprintf(row, sizeof row, "C1 queues #9000 [q %s]\n", what);
	rig_expect(&rig, row);
}

void wear(int rounds)
{
	static uint8_t bytes[300];
	struct msg_submit s = { .payloads = &(struct span){ .p = bytes, .n = sizeof bytes } };

	rig.quiet = true;
	for (int i = 0; i < rounds; i++) {
		rig_client(&rig, 2);
		rig_submit_as(&rig, 2, ++number, "wear", 40, s);
		rig_queue(&rig, 2, ++number, "wear", QUEUE_PURGE, 0);
		ids += 40;
		rig_pass(&rig, 1);
		if (rig.move != 0)
			rig_scan(&rig);
		rig_pass(&rig, 1);
	}
	rig.quiet = false;
}
