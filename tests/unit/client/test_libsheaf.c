/* libsheaf over a real socket, against a small broker that can be told to misbehave. Deadlines here are
 * generous and only there to end a test that hangs; nothing asserts how long something took. */
#include <poll.h>
#include <pthread.h>

#include "base/rand.h"
#include "client/sheaf.h"
#include "tests/unit/client/fake_broker.h"
#include "tests/unit/client/rig.h"

enum { LONG_MS = 60000 };

static struct fake_broker *broker;
static sheaf_t *s;

static void setup(void)
{
	struct sheaf_options o = { 0 };

	broker = fake_broker_new();
	o.broker = fake_broker_endpoint(broker);
	ck_assert_int_eq(sheaf_new(&o, &s), SHEAF_OK);
}

static void teardown(void)
{
	sheaf_free(s);
	fake_broker_free(broker);
}

static void set(struct fake_faults f)
{
	fake_broker_set(broker, &f);
}

START_TEST(bad_options_are_refused)
{
	static const char *const bad[] = { "127.0.0.1:7400",
		                           "tcp://127.0.0.1",
		                           "tcp://:7400",
		                           "tcp://h:0",
		                           "tcp://h:65536",
		                           "tcp://*:7400",
		                           "tcp://h:7400x",
		                           "inproc://x",
		                           "udp://h:1",
		                           "tcp://fe80::1:7400",
		                           "tcp://a b:7400",
		                           "ipc://",
		                           "",
		                           "tcp://127.0.0.1:7400/" };
	struct sheaf_options o = { .name = "" };
	sheaf_t *none = NULL;
	char why[SHEAF_WHY];

	ck_assert_int_eq(sheaf_new(&o, &none), SHEAF_E_CONFIG);
	o.name = NULL;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		o.broker = bad[i];
		ck_assert_msg(sheaf_new(&o, &none) == SHEAF_E_CONFIG, "%s", bad[i]);
		ck_assert_ptr_nonnull(sheaf_bad_broker(bad[i]));
	}
	o = (struct sheaf_options){ .keys = "/tmp/no such place" };
	ck_assert_int_eq(sheaf_new(&o, &none), SHEAF_E_CONFIG);
	ck_assert(!sheaf_good_keys(o.keys, why));
	ck_assert_ptr_nonnull(strstr(why, "/tmp/no such place"));
	ck_assert_ptr_null(none);
	ck_assert_ptr_null(sheaf_bad_broker("tcp://[::1]:7400"));
	ck_assert_ptr_null(sheaf_bad_broker("tcp://localhost:7400"));
}
END_TEST

START_TEST(nobody_there)
{
	struct sheaf_options o = { .broker = "tcp://127.0.0.1:1" };
	sheaf_t *lone;
	uint64_t id;

	ck_assert_int_eq(sheaf_new(&o, &lone), SHEAF_OK);
	ck_assert_int_eq(sheaf_connect(lone, 50), SHEAF_E_UNREACHABLE);
	ck_assert_str_eq(sheaf_why(lone), "broker tcp://127.0.0.1:1 does not answer");
	ck_assert_int_eq(sheaf_submit(lone, "q", NULL, span_str("x"), 50, &id), SHEAF_E_UNREACHABLE);
	ck_assert_ptr_null(sheaf_welcome(lone));
	ck_assert(!sheaf_connected(lone));
	sheaf_free(lone);
}
END_TEST

START_TEST(submit_and_wait)
{
	struct msg_result_rec r;
	struct msg_job_info info;
	uint64_t id = 0, us, batch;

	ck_assert_int_eq(sheaf_connect(s, LONG_MS), SHEAF_OK);
	ck_assert(span_eq(sheaf_welcome(s)->software, span_str("fake")));
	ck_assert_int_eq(sheaf_submit(s, "q", NULL, span_str("hay"), LONG_MS, &id), SHEAF_OK);
	ck_assert_uint_eq(id, 1);
	ck_assert_int_eq(sheaf_wait(s, id, LONG_MS, &r), SHEAF_OK);
	ck_assert_uint_eq(r.state, JOB_DONE);
	ck_assert(span_eq(r.result, span_str("hay")));
	ck_assert_int_eq(sheaf_wait(s, 99, LONG_MS, &r), SHEAF_E_UNKNOWN);
	ck_assert_str_eq(sheaf_why(s), "no job has the id 99");
	ck_assert_int_eq(sheaf_wait(s, 0, LONG_MS, &r), SHEAF_E_UNKNOWN);
	ck_assert_int_eq(sheaf_job(s, id, LONG_MS, &info), SHEAF_OK);
	ck_assert(span_eq(info.queue, span_str("q")));
	ck_assert_int_eq(sheaf_job(s, 99, LONG_MS, &info), SHEAF_E_UNKNOWN);
	ck_assert_int_eq(sheaf_batch_open(s, LONG_MS, &batch), SHEAF_OK);
	ck_assert_uint_eq(batch, 12);
	ck_assert_int_eq(sheaf_ping(s, LONG_MS, &us), SHEAF_OK);
	ck_assert(sheaf_connected(s));
	ck_assert_int_eq(sheaf_cancel(s, &id, 1, 0, LONG_MS, &us), SHEAF_E_UNSUPPORTED);
}
END_TEST

static void note_name(void *ctx, const struct msg_queue_rec *q)
{
	buf_put_span(ctx, q->name);
}

START_TEST(lists_come_page_by_page)
{
	struct buf names;

	buf_init(&names);
	ck_assert_int_eq(sheaf_queues(s, LONG_MS, note_name, &names), SHEAF_OK);
	ck_assert(span_eq(buf_span(&names), span_str("ab")));
	buf_fini(&names);
}
END_TEST

START_TEST(bad_jobs_are_refused_with_a_sentence)
{
	static const char *const headers[] = { "A=1", "no header" };
	struct sheaf_policy p;
	uint64_t id;

	sheaf_policy_default(&p);
	ck_assert_int_eq(sheaf_submit(s, "No Queue", &p, span_str("x"), LONG_MS, &id), SHEAF_E_BAD_NAME);
	ck_assert_ptr_nonnull(strstr(sheaf_why(s), "No Queue"));
	p.headers = headers;
	p.n_headers = 2;
	ck_assert_int_eq(sheaf_submit(s, "q", &p, span_str("x"), LONG_MS, &id), SHEAF_E_BAD_VALUE);
	p.n_headers = 1;
	ck_assert_int_eq(sheaf_submit(s, "q", &p, span_str("x"), LONG_MS, &id), SHEAF_OK);
	set((struct fake_faults){ .refuse = 1 });
	ck_assert_int_eq(sheaf_submit(s, "q", &p, span_str("x"), LONG_MS, &id), SHEAF_E_FULL);
	ck_assert_str_ne(sheaf_why(s), "");
}
END_TEST

START_TEST(submit_many)
{
	enum { N = 5000 };
	static struct span payloads[N];
	static uint64_t ids[N];
	size_t done = 0;

	for (int i = 0; i < N; i++)
		payloads[i] = span_str("straw");
	set((struct fake_faults){ .busy = 3 });
	ck_assert_int_eq(sheaf_submit_many(s, "q", NULL, payloads, N, LONG_MS, ids, &done), SHEAF_OK);
	ck_assert_uint_eq(done, N);
	ck_assert_uint_eq(fake_broker_jobs(broker), N);
	for (int i = 0; i < N; i++)
		ck_assert_uint_ne(ids[i], 0);
	ck_assert_uint_eq(sheaf_outstanding(s), 0);
}
END_TEST

/* ---- streams ---- */

enum { JOBS = 50000 };

struct tally {
	uint32_t posted, accepted, results;
	uint64_t ids[JOBS];
	bool ended[JOBS];
};

static struct tally tally;

static void post_some(uint32_t most, uint32_t until)
{
	uint32_t n = 0;

	while (tally.posted < until && n < most && sheaf_room(s) > 0) {
		uint64_t tag = tally.posted;

		ck_assert_int_eq(sheaf_post(s, "q", NULL, span_of(&tag, sizeof tag), tag, true), SHEAF_OK);
		tally.posted++;
		n++;
	}
}

static void take(const struct sheaf_event *ev)
{
	uint64_t tag;

	switch (ev->kind) {
	case SHEAF_ACCEPTED:
		tally.ids[ev->tag] = ev->id;
		tally.accepted++;
		break;
	case SHEAF_RESULT:
		if (ev->result.result.n != sizeof tag || tally.ended[ev->tag] || tally.ids[ev->tag] != ev->id)
			ck_abort_msg("result of %llu", (unsigned long long)ev->tag);
		memcpy(&tag, ev->result.result.p, sizeof tag);
		if (tag != ev->tag)
			ck_abort_msg("result of another job");
		tally.ended[ev->tag] = true;
		tally.results++;
		break;
	default:
		ck_abort_msg("refused");
	}
}

/* Takes what happens until `results` have come. */
static void drain(uint32_t results)
{
	struct sheaf_event ev;

	while (tally.results < results) {
		post_some(1000, results);
		ck_assert_int_eq(sheaf_next(s, LONG_MS, &ev), SHEAF_OK);
		ck_assert_int_ne(ev.kind, SHEAF_NOTHING);
		take(&ev);
		while (sheaf_next(s, 0, &ev) == SHEAF_OK && ev.kind != SHEAF_NOTHING)
			take(&ev);
	}
	ck_assert_uint_eq(tally.accepted, results);
	ck_assert_uint_eq(tally.results, results);
	ck_assert_uint_eq(sheaf_outstanding(s), 0);
	ck_assert_uint_eq(fake_broker_jobs(broker), results);
}

START_TEST(stream_of_many)
{
	drain(JOBS);
}
END_TEST

START_TEST(stream_outlives_lost_results)
{
	set((struct fake_faults){ .lose_results = 10, .busy = 5 });
	drain(10000);
}
END_TEST

START_TEST(stream_outlives_restarts)
{
	for (uint32_t n = 2000; n <= 10000; n += 2000) {
		post_some(1500, n);
		fake_broker_restart(broker, 20);
		drain(n);
	}
}
END_TEST

START_TEST(stream_outlives_a_mute_broker)
{
	post_some(1000, 1000);
	ck_assert_int_eq(sheaf_connect(s, LONG_MS), SHEAF_OK);
	set((struct fake_faults){ .mute = 1 });
	{
		struct sheaf_event ev;

		for (int i = 0; i < 20; i++) {
			ck_assert_int_eq(sheaf_next(s, 100, &ev), SHEAF_OK);
			if (ev.kind != SHEAF_NOTHING)
				take(&ev);
		}
	}
	set((struct fake_faults){ 0 });
	drain(2000);
}
END_TEST

START_TEST(blocking_calls_lose_no_event)
{
	struct msg_result_rec r;
	uint64_t id;

	post_some(3000, 3000);
	ck_assert_int_eq(sheaf_submit(s, "q", NULL, span_str("x"), LONG_MS, &id), SHEAF_OK);
	ck_assert_int_eq(sheaf_wait(s, id, LONG_MS, &r), SHEAF_OK);
	ck_assert_int_eq(sheaf_wait(s, 1, LONG_MS, &r), SHEAF_OK); /* one of the stream's */
	while (tally.results < 3000) {
		struct sheaf_event ev;

		ck_assert_int_eq(sheaf_next(s, LONG_MS, &ev), SHEAF_OK);
		ck_assert_int_ne(ev.kind, SHEAF_NOTHING);
		take(&ev);
	}
	ck_assert_uint_eq(tally.accepted, 3000);
}
END_TEST

START_TEST(awaited_by_id)
{
	struct sheaf_event ev;
	uint64_t id;

	ck_assert_int_eq(sheaf_submit(s, "q", NULL, span_str("x"), LONG_MS, &id), SHEAF_OK);
	ck_assert_int_eq(sheaf_await(s, id, 7), SHEAF_OK);
	ck_assert_int_eq(sheaf_await(s, 1000, 8), SHEAF_OK);
	ck_assert_int_eq(sheaf_await(s, 0, 9), SHEAF_E_UNKNOWN);
	ck_assert_int_eq(sheaf_next(s, LONG_MS, &ev), SHEAF_OK);
	ck_assert_int_eq(ev.kind, SHEAF_RESULT);
	ck_assert_uint_eq(ev.tag, 7);
	ck_assert_int_eq(sheaf_next(s, LONG_MS, &ev), SHEAF_OK);
	ck_assert_uint_eq(ev.tag, 8);
	ck_assert_uint_eq(ev.result.state, JOB_NONE);
	ck_assert_int_eq(sheaf_next(s, 0, &ev), SHEAF_OK);
	ck_assert_int_eq(ev.kind, SHEAF_NOTHING);
}
END_TEST

/* ---- errors ---- */

START_TEST(deadline_after_the_first_answer)
{
	struct msg_job_info info;

	ck_assert_int_eq(sheaf_connect(s, LONG_MS), SHEAF_OK);
	set((struct fake_faults){ .mute = 1 });
	ck_assert_int_eq(sheaf_job(s, 1, 50, &info), SHEAF_E_TIMEOUT);
	ck_assert_str_ne(sheaf_why(s), "");
	set((struct fake_faults){ 0 });
	ck_assert_int_eq(sheaf_job(s, 1, LONG_MS, &info), SHEAF_E_UNKNOWN);
}
END_TEST

START_TEST(denied_for_good)
{
	struct sheaf_event ev;
	uint64_t us;

	set((struct fake_faults){ .deny = 1 });
	fake_broker_restart(broker, 0); /* in case hello went through before */
	while (sheaf_ping(s, LONG_MS, &us) == SHEAF_OK)
		;
	ck_assert_int_eq(sheaf_ping(s, LONG_MS, &us), SHEAF_E_DENIED);
	ck_assert_str_ne(sheaf_why(s), "");
	ck_assert_int_eq(sheaf_next(s, LONG_MS, &ev), SHEAF_E_DENIED);
}
END_TEST

static void *interrupt(void *arg)
{
	(void)arg;
	poll(NULL, 0, 20); /* most likely the other thread sleeps by then */
	sheaf_interrupt(s, true);
	return NULL;
}

START_TEST(interrupted)
{
	struct sheaf_event ev;
	struct msg_job_info info;
	pthread_t t;

	pthread_create(&t, NULL, interrupt, NULL);
	ck_assert_int_eq(sheaf_next(s, SHEAF_FOREVER, &ev), SHEAF_E_INTERRUPTED);
	pthread_join(t, NULL);
	ck_assert_int_eq(sheaf_job(s, 1, SHEAF_FOREVER, &info), SHEAF_E_INTERRUPTED);
	sheaf_interrupt(s, false);
	ck_assert_int_eq(sheaf_job(s, 1, LONG_MS, &info), SHEAF_E_UNKNOWN);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		bad_options_are_refused,
		nobody_there,
		submit_and_wait,
		lists_come_page_by_page,
		bad_jobs_are_refused_with_a_sentence,
		submit_many,
		stream_of_many,
		stream_outlives_lost_results,
		stream_outlives_restarts,
		stream_outlives_a_mute_broker,
		blocking_calls_lose_no_event,
		awaited_by_id,
		deadline_after_the_first_answer,
		denied_for_good,
		interrupted,
	};

	return rig_suite("libsheaf", setup, teardown, tests, sizeof tests / sizeof tests[0]);
}
