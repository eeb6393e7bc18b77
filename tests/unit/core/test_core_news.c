/* What the broker publishes of jobs: results and events, in the very block in which they happen. */
#include "broker/core/topic/fact.h"
#include "proto/packed.h"
#include "tests/unit/core/rig.h"

static struct rig rig;
static uint64_t number;
static uint32_t looked; /* blocks that `published` has read */
static char names[16][LIMIT_NAME + 1];
static struct buf text;

static void setup(void)
{
	rig_init(&rig);
	rig_client(&rig, 1);
	rig.quiet = true;
	number = 0;
	looked = 0;
	memset(names, 0, sizeof names);
	buf_init(&text);
}

static void teardown(void)
{
	rig_fini(&rig);
	buf_fini(&text);
}

static void note_run(const struct fact *f)
{
	struct span rest = f->body, message;
	struct fact_messages head;
	struct fact_run_rec run;

	ck_assert(fact_get_messages(&rest, &head));
	if (head.flags & FACT_MOVED)
		return;
	for (uint32_t i = 0; i < head.count; i++) {
		ck_assert(fact_get_run_rec(&rest, &run));
		while (packed_next(&run.packed, &message)) {
			buf_put(&text, names[head.topic], strlen(names[head.topic]));
			buf_put(&text, " ", 1);
			buf_put_span(&text, message);
			buf_put(&text, "\n", 1);
		}
	}
}

/* Reads the facts since the last time: a line for each message. With the blocks in which job facts stand, too. */
static void look(void)
{
	buf_clear(&text);
	for (; looked < rig.n_blocks; looked++) {
		struct span rest = span_of(rig.blocks[looked].p, rig.blocks[looked].facts);
		uint32_t offset = 0;
		const char *why;
		struct fact f;

		while (fact_next(&rest, &offset, &f, &why) == 1) {
			struct fact_topic t;

			if (f.type == FACT_TOPIC && fact_get_topic(f.body, &t))
				memcpy(names[t.index], t.name.p, t.name.n);
			if (f.type == FACT_MESSAGES_PUT)
				note_run(&f);
			if (f.type == FACT_JOBS_END)
				buf_put(&text, "END\n", 4);
		}
	}
	buf_put(&text, "", 1);
}

/* Exactly that was published since the last time; "END" where jobs ended. A block begins with neither. */
static void published(const char *lines)
{
	look();
	ck_assert_str_eq((const char *)text.p, lines);
}

static void channel(const char *topic)
{
	rig_request(
	    &rig, 1, ++number, MSG_TOPIC_OP,
	    (struct msg){ .u.topic_op = { span_str(topic), span_str("ch"), TOPIC_CREATE, 0, 0, 0, 0, 0, 0, { 0 } } });
	look();
}

/* One outcome with a result. */
static void end(uint64_t id, enum verdict verdict, struct span result)
{
	struct msg_outcome_rec v = { .id = id,
		                     .token = rig_token(&rig, id),
		                     .verdict = verdict,
		                     .run_ms = 5,
		                     .exit = verdict == VERDICT_DONE ? 0 : 3,
		                     .error = span_str(verdict == VERDICT_DONE ? "" : "no \"luck\""),
		                     .result = result };
	struct msg m = { .h = { .version = 1, .kind = MSG_OUTCOMES, .session = rig_session(&rig, 1) } };

	m.h.number = ++rig.results[1];
	m.u.outcomes.v = &v;
	m.u.outcomes.n = 1;
	rig_step(&rig, &(struct event){ .kind = EV_OUTCOMES, .msg = &m });
}

#define TIME "\"2023-11-14T22:14:00."

START_TEST(nobody_listens)
{
	rig_worker(&rig, 1, 8, "q", 8);
	rig_submit(&rig, 1, ++number, "q", 1);
	end(1, VERDICT_DONE, span_str("r"));
	published("END\n");
	/* a topic without a channel is nobody */
	rig_request(&rig, 1, ++number, MSG_TOPIC_OP,
	            (struct msg){ .u.topic_op = { .topic = span_str("results.q"), .op = TOPIC_CREATE } });
	rig_submit(&rig, 1, ++number, "q", 1);
	end(2, VERDICT_DONE, span_str("r"));
	published("END\n");
	channel("results.other");
	rig_submit(&rig, 1, ++number, "q", 1);
	end(3, VERDICT_DONE, span_str("r"));
	published("END\n");
	channel("results.q");
	rig_submit(&rig, 1, ++number, "q", 1);
	end(4, VERDICT_DONE, span_str("r"));
	look();
	ck_assert_ptr_nonnull(strstr((const char *)text.p, "results.q {\"id\":\"4\",\"queue\":\"q\""));
	/* and when it goes, so do the results */
	rig_request(&rig, 1, ++number, MSG_TOPIC_OP,
	            (struct msg){ .u.topic_op = { .topic = span_str("results.q"), .op = TOPIC_DELETE } });
	rig_submit(&rig, 1, ++number, "q", 1);
	end(5, VERDICT_DONE, span_str("r"));
	published("END\n");
}
END_TEST

START_TEST(results)
{
	channel("results.q");
	rig_worker(&rig, 1, 8, "q", 8);
	rig_submit(&rig, 1, ++number, "q", 4);
	end(1, VERDICT_DONE, span_str("a \"b\"\n"));
	published("END\nresults.q {\"id\":\"1\",\"queue\":\"q\",\"state\":\"done\",\"attempt\":1,\"exit\":0,"
	          "\"result\":\"a \\\"b\\\"\\n\",\"error\":\"\",\"submitted\":" TIME "000Z\",\"started\":"
	          "\"2023-11-14T22:13:59.995Z\",\"finished\":" TIME "000Z\"}\n");
	end(2, VERDICT_FAILED, span_of("\xff", 1));
	published("END\nresults.q {\"id\":\"2\",\"queue\":\"q\",\"state\":\"dead\",\"attempt\":1,\"exit\":3,"
	          "\"result_base64\":\"/w==\",\"error\":\"no \\\"luck\\\"\",\"submitted\":" TIME "000Z\",\"started\":"
	          "\"2023-11-14T22:13:59.995Z\",\"finished\":" TIME "000Z\"}\n");
	rig_ids(&rig, 1, ++number, MSG_CANCEL, 0, 3);
	look();
	ck_assert_ptr_nonnull(strstr((const char *)text.p, "\"state\":\"cancelled\",\"attempt\":0,\"exit\":0,"
	                                                   "\"result\":\"\",\"error\":\"cancelled\",\"submitted\""));
	ck_assert_ptr_null(strstr((const char *)text.p, "started"));
}
END_TEST

/* The rig's segments are small. */
static void large_segments(void)
{
	rig.config.segment_bytes = DEFAULT_SEGMENT;
	rig_restart(&rig, false);
	rig_client(&rig, 1);
	rig.quiet = true;
}

/* A result that no message may hold is left out; so is what escapes make too large. */
START_TEST(large_results)
{
	struct buf big;

	buf_init(&big);
	memset(buf_room(&big, MIB + 1), 'x', MIB + 1);
	big.n = MIB + 1;
	large_segments();
	channel("results.q");
	rig_worker(&rig, 1, 8, "q", 8);
	rig_submit(&rig, 1, ++number, "q", 3);
	end(1, VERDICT_DONE, buf_span(&big));
	look();
	ck_assert_ptr_nonnull(strstr((const char *)text.p, "\"exit\":0,\"result_omitted\":true,\"error\""));
	big.n = MIB - 1000;
	end(2, VERDICT_DONE, buf_span(&big));
	look();
	ck_assert_uint_gt(text.n, MIB - 1000);
	ck_assert_ptr_null(strstr((const char *)text.p, "result_omitted"));
	memset(big.p, '\n', big.n);
	end(3, VERDICT_DONE, buf_span(&big));
	look();
	ck_assert_ptr_nonnull(strstr((const char *)text.p, "\"exit\":0,\"result_omitted\":true,\"error\""));
	buf_fini(&big);
}
END_TEST

/* As much as one message of outcomes can hold: each ending is published, the last ones without their results. */
START_TEST(many_large_results)
{
	enum { JOBS = 40, BYTES = 400 * 1024 };
	static struct msg_outcome_rec v[JOBS];
	static uint8_t result[BYTES];
	struct msg m = { .h = { .version = 1, .kind = MSG_OUTCOMES } };
	uint32_t lines = 0, omitted = 0;

	memset(result, 'r', sizeof result);
	large_segments();
	channel("results.q");
	channel("events.q");
	rig_worker(&rig, 1, JOBS, "q", JOBS);
	rig_submit_as(&rig, 1, ++number, "q", JOBS, (struct msg_submit){ .terms.topic = span_str("mine") });
	look();
	for (uint32_t i = 0; i < JOBS; i++)
		v[i] = (struct msg_outcome_rec){ .id = i + 1,
			                         .token = rig_token(&rig, i + 1),
			                         .verdict = VERDICT_DONE,
			                         .run_ms = 5,
			                         .result = span_of(result, sizeof result) };
	m.h.session = rig_session(&rig, 1);
	m.h.number = ++rig.results[1];
	m.u.outcomes.v = v;
	m.u.outcomes.n = JOBS;
	rig_step(&rig, &(struct event){ .kind = EV_OUTCOMES, .msg = &m });
	look();
	for (const char *p = (const char *)text.p; (p = strstr(p, "\"state\":\"done\"")) != NULL; p++)
		lines++;
	for (const char *p = (const char *)text.p; (p = strstr(p, "\"result_omitted\":true")) != NULL; p++)
		omitted++;
	ck_assert_uint_eq(lines, 2 * JOBS);
	ck_assert_uint_gt(omitted, 0);
	ck_assert_uint_lt(omitted, 2 * JOBS);
	ck_assert_ptr_nonnull(strstr((const char *)text.p, "events.q {\"event\":\"done\",\"id\":\"40\""));
}
END_TEST

/* The topic of a submit is made with it, keeps what comes for its first channel, and is known after a restart. */
START_TEST(own_topic)
{
	for (int moved = 0; moved < 2; moved++) {
		uint64_t id = 1 + 2 * (uint64_t)moved;

		rig_submit_as(&rig, 1, ++number, "q", 2, (struct msg_submit){ .terms.topic = span_str("mine") });
		rig_restart(&rig, moved != 0);
		rig_client(&rig, 1);
		look();
		rig_worker(&rig, 1, 8, "q", 8);
		rig_ids(&rig, 1, ++number, MSG_CANCEL, 0, id);
		look();
		ck_assert_ptr_nonnull(strstr((const char *)text.p, "mine {\"id\":\""));
		rig_ids(&rig, 1, ++number, MSG_CANCEL, 0, id + 1);
		look();
		ck_assert_ptr_nonnull(strstr((const char *)text.p, "mine {\"id\":\""));
	}
	/* both: once each; the same one: once */
	channel("results.q");
	rig_submit_as(&rig, 1, ++number, "q", 1, (struct msg_submit){ .terms.topic = span_str("mine") });
	rig_submit_as(&rig, 1, ++number, "q", 1, (struct msg_submit){ .terms.topic = span_str("results.q") });
	look();
	rig_ids(&rig, 1, ++number, MSG_CANCEL, 0, 5);
	look();
	ck_assert_ptr_nonnull(strstr((const char *)text.p, "END\nmine {\"id\":\"5\""));
	ck_assert_ptr_nonnull(strstr((const char *)text.p, "\nresults.q {\"id\":\"5\""));
	rig_ids(&rig, 1, ++number, MSG_CANCEL, 0, 6);
	look();
	ck_assert_ptr_eq(strstr(strstr((const char *)text.p, "\"6\"") + 1, "\"6\""), NULL);
}
END_TEST

START_TEST(own_topic_refused)
{
	rig.quiet = false;
	rig_forget(&rig);
	rig_submit_as(&rig, 1, 50, "q", 1, (struct msg_submit){ .terms.topic = span_str("jobs.q") });
	rig_expect(&rig, "C1 reply #50 bad-value\n");
}
END_TEST

START_TEST(events)
{
	channel("events.q");
	rig_worker(&rig, 1, 8, "q", 8);
	rig_submit_as(&rig, 1, ++number, "q", 1, (struct msg_submit){ .attempts = 2, .terms.backoff_ms = 1000 });
	published("events.q {\"event\":\"submitted\",\"id\":\"1\",\"queue\":\"q\",\"attempt\":0,\"time\":" TIME
	          "000Z\"}\n");
	rig_beat(&rig, 1, (struct rig_beat){ .window = 8, .received = 1, .started = 1 });
	published("events.q {\"event\":\"started\",\"id\":\"1\",\"queue\":\"q\",\"attempt\":1,\"time\":" TIME
	          "000Z\"}\n");
	end(1, VERDICT_FAILED, (struct span){ 0 });
	look();
	ck_assert_ptr_nonnull(
	    strstr((const char *)text.p,
	           "events.q {\"event\":\"failed\",\"id\":\"1\",\"queue\":\"q\",\"attempt\":1,\"exit\":3,"
	           "\"error\":\"no \\\"luck\\\"\",\"time\":" TIME "000Z\"}\n"
	           "events.q {\"event\":\"retried\",\"id\":\"1\",\"queue\":\"q\",\"attempt\":1,"
	           "\"error\":\"no \\\"luck\\\"\",\"due\":\"2023-11-14T22:14:0"));
	rig_ids(&rig, 1, ++number, MSG_CANCEL, 0, 1);
	published("END\nevents.q {\"event\":\"cancelled\",\"id\":\"1\",\"queue\":\"q\",\"attempt\":1,\"exit\":0,"
	          "\"error\":\"cancelled\",\"time\":" TIME "000Z\"}\n");
	/* one that no beat has named began all the same */
	rig_submit(&rig, 1, ++number, "q", 2);
	look();
	end(2, VERDICT_DONE, span_str("r"));
	published("END\nevents.q {\"event\":\"started\",\"id\":\"2\",\"queue\":\"q\",\"attempt\":1,\"time\":"
	          "\"2023-11-14T22:13:59.995Z\"}\n"
	          "events.q {\"event\":\"done\",\"id\":\"2\",\"queue\":\"q\",\"attempt\":1,\"exit\":0,\"time\":" TIME
	          "000Z\"}\n");
	end(3, VERDICT_FAILED, (struct span){ 0 });
	look();
	ck_assert_ptr_nonnull(strstr((const char *)text.p, "\"event\":\"failed\",\"id\":\"3\""));
	ck_assert_ptr_nonnull(strstr((const char *)text.p, "\"event\":\"dead\",\"id\":\"3\""));
	rig_ids(&rig, 1, ++number, MSG_RETRY, 0, 3);
	published("events.q {\"event\":\"retried\",\"id\":\"3\",\"queue\":\"q\",\"attempt\":0,\"time\":" TIME
	          "000Z\"}\n");
	rig_submit_as(&rig, 1, ++number, "late", 1, (struct msg_submit){ .terms.within_ms = 10 });
	look();
	ck_assert_ptr_null(strstr((const char *)text.p, "\"late\""));
	channel("events.late");
	rig_pass(&rig, 2000);
	look();
	ck_assert_ptr_nonnull(strstr((const char *)text.p, "events.late {\"event\":\"expired\",\"id\":\"4\""));
}
END_TEST

RIG_MAIN("core_news", nobody_listens, results, large_results, many_large_results, own_topic, own_topic_refused, events)
