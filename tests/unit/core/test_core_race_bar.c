/* What hedging brings, in the core's own time: runs take 50 to 150 ms, and 1 of 100 takes 100 times as long. A hedge
 * near the 95th percentile makes the 99th at least 5 times lower for less than 5 % more runs. */
#include <stdio.h>
#include <stdlib.h>

#include "base/rand.h"
#include "tests/unit/core/rig.h"

enum { JOBS = 1000, WORKERS = 4, BEAT_MS = 500 };

static struct rig rig;
static struct rng rng;

/* What a worker is busy with. */
static struct {
	unsigned id, token; /* 0 = nothing */
	uint64_t until;
} busy[WORKERS + 1];
static uint32_t runs, slow;        /* so far; the next that is slow */
static unsigned sent[WORKERS + 1]; /* JOBS messages to it */

static void setup(void)
{
	rig_init(&rig);
	rig_client(&rig, 1);
	rng_seed(&rng, 1);
	memset(busy, 0, sizeof busy);
	memset(sent, 0, sizeof sent);
	runs = 0;
}

static void teardown(void)
{
	rig_fini(&rig);
}

/* How long a run takes: one of each hundred is slow. */
static uint64_t run_ms(void)
{
	uint64_t ms = 50 + rng_below(&rng, 101);

	if (runs % 100 == 0)
		slow = runs + (uint32_t)rng_below(&rng, 100);
	return runs == slow ? 100 * ms : ms;
}

/* Reads what the core has said since: grants and revokes. True if there was a result. */
static bool listen(void)
{
	bool result;
	char *line, *next;

	buf_put_u8(&rig.trace, 0);
	result = strstr((char *)rig.trace.p, " result ") != NULL;
	for (line = (char *)rig.trace.p; *line != '\0'; line = next) {
		unsigned w, message, id, token;

		next = strchr(line, '\n') + 1;
		if (sscanf(line, "S%u jobs %u: %u/%u", &w, &message, &id, &token) == 4) {
			ck_assert(w >= 1 && w <= WORKERS && busy[w].id == 0);
			busy[w].id = id;
			busy[w].token = token;
			busy[w].until = rig.now.mono_ms + run_ms();
			sent[w] = message;
			runs++;
		} else if (sscanf(line, "S%u jobs %u: probe", &w, &message) == 2) {
			sent[w] = message;
		} else if (sscanf(line, "W%u revoke %u/%u", &w, &id, &token) == 3 && busy[w].token == token) {
			busy[w].id = 0;
		}
	}
	rig_forget(&rig);
	return result;
}

static void beat(void)
{
	for (unsigned w = 1; w <= WORKERS; w++)
		rig_beat(
		    &rig, w,
		    (struct rig_beat){ .window = 1, .received = sent[w], .started = busy[w].id ? busy[w].token : 0 });
}

/* Until the next run ends, or for a while: a hedge may begin one. */
static uint64_t next_step(void)
{
	uint64_t ms = 10;

	for (unsigned w = 1; w <= WORKERS; w++)
		if (busy[w].id != 0 && busy[w].until < rig.now.mono_ms + ms)
			ms = busy[w].until - rig.now.mono_ms;
	return ms;
}

/* How long the job takes that has been submitted now. */
static uint64_t finish(void)
{
	uint64_t begun = rig.now.mono_ms, beaten = begun;
	bool done = listen();

	while (!done) {
		rig_pass(&rig, next_step());
		for (unsigned w = 1; w <= WORKERS; w++) {
			if (busy[w].id == 0 || busy[w].until > rig.now.mono_ms)
				continue;
			rig_outcome(&rig, w, busy[w].id, busy[w].token, VERDICT_DONE);
			busy[w].id = 0;
		}
		if (rig.now.mono_ms >= beaten + BEAT_MS) {
			beaten = rig.now.mono_ms;
			beat();
		}
		done = listen();
	}
	beat();
	(void)listen();
	return rig.now.mono_ms - begun;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Runs the jobs one after another; took[] is sorted. */
static uint32_t measure(uint32_t replicas, uint64_t hedge_ms, uint64_t *took)
{
	uint32_t before = runs;

	for (uint32_t i = 0; i < JOBS; i++) {
		struct msg_submit s = { .flags = SUBMIT_WANT };

		if (replicas > 0)
			s = rig_race(replicas, hedge_ms);
		rig_submit_as(&rig, 1, 1 + i + (hedge_ms > 0 ? JOBS : 0U), "q", 1, s);
		took[i] = finish();
	}
	qsort(took, JOBS, sizeof took[0], by_value);
	return runs - before;
}

START_TEST(hedging_overtakes_the_slow)
{
	static uint64_t plain[JOBS], raced[JOBS];
	uint32_t plain_runs, raced_runs;
	const size_t p96 = JOBS * 96 / 100, p99 = JOBS * 99 / 100;

	for (unsigned w = 1; w <= WORKERS; w++)
		rig_worker(&rig, w, 1, "q", 1);
	rig_forget(&rig);
	plain_runs = measure(0, 0, plain);
	raced_runs = measure(2, plain[p96], raced);
	printf("hedge %llu ms: p99 %llu -> %llu ms, runs %u -> %u\n", (unsigned long long)plain[p96],
	       (unsigned long long)plain[p99], (unsigned long long)raced[p99], plain_runs, raced_runs);
	ck_assert_uint_eq(plain_runs, JOBS);
	ck_assert_uint_ge(plain[p99], 5 * raced[p99]);
	ck_assert_uint_lt(raced_runs, JOBS * 105 / 100);
}
END_TEST

RIG_MAIN("core_race_bar", hedging_overtakes_the_slow)
