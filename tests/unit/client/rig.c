/* A client session under a made-up clock; see rig.h. */
#include "tests/unit/client/rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void rig_init(struct rig *r)
{
	struct csession_config config = { .session = RIG_SESSION, .seed = 1, .name = span_str("rig") };

	r->c = csession_new(&config);
	r->room = msg_room_new();
	r->now_ms = 1000;
	buf_init(&r->trace);
}

void rig_fini(struct rig *r)
{
	csession_free(r->c);
	msg_room_free(r->room);
	buf_fini(&r->trace);
}

__attribute__((format(printf, 2, 3))) static void note(struct rig *r, const char *format, ...)
{
	char line[256];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	ck_assert(n > 0 && n < (int)sizeof line);
	buf_put(&r->trace, line, (size_t)n);
}

static void note_ids(struct rig *r, const char *word, const struct msg_ids *ids)
{
	note(r, "%s", word);
	for (uint32_t i = 0; i < ids->n && i < 8; i++)
		note(r, " %llu", (unsigned long long)ids->ids[i]);
	note(r, ids->n > 8 ? " … %u\n" : "\n", ids->n);
}

static void note_frame(struct rig *r, struct span frame)
{
	struct msg m;
	const char *why = "";
	enum sheaf_error e = msg_decode(frame, r->room, &m, &why);

	ck_assert_msg(e == SHEAF_OK, "the session's own frame: %s", why);
	ck_assert_uint_eq(m.h.session, RIG_SESSION);
	switch (m.h.kind) {
	case MSG_CLIENT_HELLO:
		note(r, "> hello\n");
		break;
	case MSG_SUBMIT:
		note(r, "> submit %llu n=%u answered=%llu%s%s\n", (unsigned long long)m.h.number, m.u.submit.n,
		     (unsigned long long)m.u.submit.answered, m.u.submit.flags & SUBMIT_WANT ? " want" : "",
		     m.u.submit.flags & SUBMIT_AGAIN ? " again" : "");
		break;
	case MSG_WAIT:
		note_ids(r, "> wait", &m.u.ids);
		break;
	case MSG_CANCEL:
		note_ids(r, "> cancel", &m.u.ids);
		break;
	case MSG_PING:
		note(r, "> ping %llu pushed=%llu\n", (unsigned long long)m.h.number,
		     (unsigned long long)m.u.ping.pushed);
		break;
	case MSG_PUBLISH:
		note(r, "> publish %llu n=%u answered=%llu %.*s\n", (unsigned long long)m.h.number, m.u.publish.count,
		     (unsigned long long)m.u.publish.answered, (int)m.u.publish.topic.n,
		     (const char *)m.u.publish.topic.p);
		break;
	case MSG_SUBMIT_ALL:
		note(r, "> all %llu n=%u answered=%llu", (unsigned long long)m.h.number, m.u.submit_all.n,
		     (unsigned long long)m.u.submit_all.answered);
		for (uint32_t i = 0; i < m.u.submit_all.n; i++)
			note(r, " %.*s", (int)m.u.submit_all.v[i].queue.n, (const char *)m.u.submit_all.v[i].queue.p);
		note(r, "\n");
		break;
	case MSG_SUBSCRIBE:
		note(r, "> subscribe %llu sub=%x %.*s\n", (unsigned long long)m.h.number, m.u.subscribe.sub,
		     (int)m.u.subscribe.channel.n, (const char *)m.u.subscribe.channel.p);
		break;
	case MSG_UNSUBSCRIBE:
		note(r, "> unsubscribe %llu sub=%x\n", (unsigned long long)m.h.number, m.u.unsubscribe.sub);
		break;
	case MSG_CREDIT:
		for (uint32_t i = 0; i < m.u.credit.n; i++)
			note(r, "> credit sub=%x ready=%u bytes=%llu\n", m.u.credit.v[i].sub, m.u.credit.v[i].ready,
			     (unsigned long long)m.u.credit.v[i].bytes);
		break;
	case MSG_SETTLE:
		for (uint32_t i = 0; i < m.u.settle.n; i++)
			note(r, "> settle run=%llu mask=%llx %u\n", (unsigned long long)m.u.settle.v[i].run,
			     (unsigned long long)m.u.settle.v[i].mask, m.u.settle.v[i].verdict);
		break;
	default:
		note(r, "> kind %u number %llu\n", m.h.kind, (unsigned long long)m.h.number);
	}
}

void rig_run(struct rig *r)
{
	struct span frame;

	for (;;) {
		switch (csession_effect(r->c, r->now_ms, &frame)) {
		case CSESSION_IDLE:
			return;
		case CSESSION_SEND:
			note_frame(r, frame);
			break;
		case CSESSION_RECONNECT:
			note(r, "> connect\n");
			break;
		}
	}
}

void rig_pass(struct rig *r, uint64_t ms)
{
	for (uint64_t end_ms = r->now_ms + ms; r->now_ms < end_ms;) {
		r->now_ms += 10;
		csession_tick(r->c, r->now_ms);
		rig_run(r);
	}
}

void rig_expect(struct rig *r, const char *trace)
{
	buf_put_u8(&r->trace, 0);
	ck_assert_str_eq((const char *)r->trace.p, trace);
	buf_clear(&r->trace);
}

void rig_forget(struct rig *r)
{
	buf_clear(&r->trace);
}

static void note_event(struct rig *r, const struct csession_event *ev)
{
	static const char *const words[] = { "welcomed", "accepted", "refused", "result", "answer", "published",
		                             "messages", "gone",     "gap",     "over",   "pong",   "failed" };

	note(r, "< %s", words[ev->kind]);
	if (ev->kind == CSESSION_ACCEPTED || ev->kind == CSESSION_RESULT)
		note(r, " tag=%llu id=%llu", (unsigned long long)ev->tag, (unsigned long long)ev->id);
	if (ev->kind == CSESSION_REFUSED)
		note(r, " tag=%llu %s", (unsigned long long)ev->tag, sheaf_error_name(ev->error));
	if (ev->kind == CSESSION_RESULT && ev->result->state != JOB_DONE)
		note(r, " %s", job_state_name((enum job_state)ev->result->state));
	if (ev->kind == CSESSION_ANSWER)
		note(r, " call=%llu %s", (unsigned long long)ev->call, sheaf_error_name(ev->error));
	for (uint32_t i = 0;
	     ev->kind == CSESSION_ANSWER && ev->answer->h.kind == MSG_ALL_ACCEPTED && i < ev->answer->u.all_accepted.n;
	     i++)
		note(r, " %llu", (unsigned long long)ev->answer->u.all_accepted.ids[i]);
	if (ev->kind == CSESSION_PUBLISHED)
		note(r, " call=%llu id=%llu n=%u", (unsigned long long)ev->call, (unsigned long long)ev->id, ev->count);
	if (ev->kind == CSESSION_MESSAGES || ev->kind == CSESSION_GONE || ev->kind == CSESSION_OVER)
		note(r, " tag=%llu", (unsigned long long)ev->tag);
	if (ev->kind == CSESSION_MESSAGES)
		note(r, " run=%llu mask=%llx", (unsigned long long)ev->delivery->run,
		     (unsigned long long)ev->delivery->mask);
	if (ev->kind == CSESSION_FAILED)
		note(r, " %s", sheaf_error_name(ev->error));
	note(r, "\n");
}

void rig_in(struct rig *r, enum msg_kind kind, uint64_t number, struct msg m)
{
	struct csession_event ev;

	m.h = (struct msg_header){
		.version = 1, .kind = (uint32_t)kind, .epoch = 3, .session = RIG_SESSION, .number = number
	};
	csession_message(r->c, r->now_ms, &m);
	while (csession_event(r->c, &ev)) {
		if (ev.kind != CSESSION_PONG)
			note_event(r, &ev);
	}
}

void rig_welcome(struct rig *r)
{
	rig_in(r, MSG_CLIENT_WELCOME, 0,
	       (struct msg){ .u.client_welcome = { .version = 1,
	                                           .payload_max = LIMIT_PAYLOAD,
	                                           .records_max = LIMIT_RECORDS,
	                                           .waits_max = LIMIT_CLIENT_WAITS,
	                                           .beat_ms = 500,
	                                           .software = span_str("rig") } });
}

void rig_accepted(struct rig *r, uint64_t number, uint64_t first, uint32_t count)
{
	struct msg_accepted_rec rec = { number, first, count };

	rig_in(r, MSG_ACCEPTED, 0, (struct msg){ .u.accepted = { &rec, 1 } });
}

void rig_result(struct rig *r, uint64_t pushed, uint64_t id)
{
	struct msg_result_rec rec = { .id = id, .state = JOB_DONE, .attempt = 1 };

	rig_in(r, MSG_RESULTS, pushed, (struct msg){ .u.results = { 0, &rec, 1 } });
}

void rig_pong(struct rig *r, uint64_t number, uint64_t pushed)
{
	rig_in(r, MSG_PONG, number, (struct msg){ .u.ping.pushed = pushed });
}

void rig_refused(struct rig *r, uint64_t number, enum sheaf_error e)
{
	rig_in(r, MSG_REPLY, number, (struct msg){ .u.reply = { .error = e } });
}

void rig_open(struct rig *r)
{
	rig_run(r);
	rig_welcome(r);
	rig_run(r);
	rig_pong(r, 1, 0);
	rig_expect(r, "> connect\n"
	              "> hello\n"
	              "< welcomed\n"
	              "> ping 1 pushed=0\n");
}

void rig_post(struct rig *r, uint32_t n, uint64_t tag)
{
	struct csession_policy p = {
		.queue = span_str("q"), .priority = DEFAULT_PRIORITY, .attempts = DEFAULT_ATTEMPTS, .want = true
	};

	for (uint32_t i = 0; i < n; i++)
		ck_assert_int_eq(csession_post(r->c, &p, span_str("payload"), tag + i), SHEAF_OK);
	csession_flush(r->c);
	rig_run(r);
}

int rig_suite(const char *name, void (*setup)(void), void (*teardown)(void), const TTest *const *tests, size_t n)
{
	Suite *s = suite_create(name);
	TCase *t = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
