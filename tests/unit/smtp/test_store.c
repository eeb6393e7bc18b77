/* The store against a broker of a few lines: queues that are remembered, mails that become jobs, and all that can go
 * wrong between. */
#include "broker/smtp/store.h"
#include "tests/unit/base/suite.h"
#include "tests/unit/smtp/store_rig.h"

static struct store_rig r;

/* ---- who asks ---- */

struct asker {
	uint32_t told;
	enum store_queue q;
	enum store_verdict verdict;
	char text[256];
	uint64_t ids[LIMIT_MAIL_RCPTS];
	uint32_t n;
};

static void known(void *arg, enum store_queue q)
{
	struct asker *a = arg;

	a->told++;
	a->q = q;
}

static void done(void *arg, const struct store_outcome *o)
{
	struct asker *a = arg;

	a->told++;
	a->verdict = o->verdict;
	a->n = o->n;
	if (o->verdict != STORE_OK)
		snprintf(a->text, sizeof a->text, "%s", o->text);
	else
		memcpy(a->ids, o->ids, o->n * sizeof a->ids[0]);
}

/* Asks, and waits for the answer if it is not known yet. */
static enum store_queue ask(const char *queue)
{
	enum store_queue q;
	struct asker a = { 0 };

	if (store_queue(r.store, span_str(queue), &q, known, &a))
		return q;
	ck_assert_uint_eq(a.told, 0);
	store_rig_until(&r, a.told > 0);
	ck_assert_uint_eq(a.told, 1);
	return a.q;
}

static void hand_in(struct asker *a, const char *queues, const char *helo, uint64_t size)
{
	struct letter *l = store_rig_letter(queues, helo, size);

	*a = (struct asker){ 0 };
	store_mail(r.store, &l, done, a);
	ck_assert_ptr_null(l);
	ck_assert_uint_eq(a->told, 0); /* never from within */
}

static void send_mail(struct asker *a, const char *queues, const char *helo, uint64_t size)
{
	hand_in(a, queues, helo, size);
	store_rig_until(&r, a->told > 0);
	store_rig_settle(&r);
	ck_assert_uint_eq(a->told, 1);
}

/* ---- queues ---- */

START_TEST(test_queues)
{
	store_rig_init(&r, false, false);
	ck_assert_int_eq(ask("there"), STORE_THERE); /* before the broker has even said hello */
	ck_assert_int_eq(ask("missing.1"), STORE_MISSING);
	ck_assert_int_eq(ask("paused"), STORE_PAUSED);
	ck_assert_int_eq(ask("closed"), STORE_CLOSED);
	ck_assert_uint_eq(r.asked, 4);
	ck_assert_int_eq(ask("Not a name"), STORE_MISSING); /* nobody need be asked */
	ck_assert(store_connected(r.store));
	store_rig_fini(&r);
}
END_TEST

START_TEST(test_queues_are_remembered)
{
	struct asker a = { 0 }, b = { 0 }, c = { 0 };
	enum store_queue q;

	store_rig_init(&r, false, false);
	ck_assert(!store_queue(r.store, span_str("q"), &q, known, &a));
	ck_assert(!store_queue(r.store, span_str("q"), &q, known, &b));
	ck_assert(!store_queue(r.store, span_str("q"), &q, known, &c));
	store_forget(r.store, &c);
	store_rig_until(&r, a.told > 0 && b.told > 0);
	store_rig_settle(&r);
	ck_assert_uint_eq(r.asked, 1); /* one question at a time */
	ck_assert(a.told == 1 && b.told == 1 && c.told == 0);
	ck_assert(store_queue(r.store, span_str("q"), &q, known, &a));
	ck_assert_int_eq(q, STORE_THERE);
	ck_assert(!store_queue(r.store, span_str("missing"), &q, known, &a));
	store_rig_until(&r, a.told == 2);
	ck_assert(store_queue(r.store, span_str("missing"), &q, known, &a));
	ck_assert_int_eq(q, STORE_MISSING);
	/* once it is no longer fresh it is asked for anew */
	for (uint64_t end = uv_hrtime() + (STORE_FRESH_MS + 1) * UINT64_C(1000000); uv_hrtime() < end;)
		store_rig_turn(&r);
	ck_assert(!store_queue(r.store, span_str("missing"), &q, known, &b));
	store_rig_until(&r, b.told == 2);
	ck_assert_int_eq(b.q, STORE_MISSING);
	store_rig_fini(&r);
}
END_TEST

/* More than it remembers: the oldest are asked for again, and nothing is mixed up. */
/* Nor does anybody wait who asks often enough. */
START_TEST(test_queues_stay_fresh)
{
	struct asker a = { 0 };
	enum store_queue q;

	store_rig_init(&r, false, false);
	ck_assert_int_eq(ask("q"), STORE_THERE);
	while (r.asked < 4) {
		if (!store_queue(r.store, span_str("q"), &q, known, &a) || q != STORE_THERE)
			ck_abort_msg("%u", r.asked);
		store_rig_turn(&r);
	}
	store_rig_fini(&r);
}
END_TEST

START_TEST(test_queues_many)
{
	char name[32];
	enum store_queue q;

	store_rig_init(&r, false, false);
	for (int i = 0; i < STORE_KNOWN + 100; i++) {
		snprintf(name, sizeof name, "%s%d", i % 2 ? "missing" : "q", i);
		ck_assert_int_eq(ask(name), i % 2 ? STORE_MISSING : STORE_THERE);
	}
	ck_assert(!store_queue(r.store, span_str("q0"), &q, known, &(struct asker){ 0 }));
	store_rig_settle(&r);
	store_rig_fini(&r);
}
END_TEST

START_TEST(test_queue_without_an_answer)
{
	struct asker a = { 0 };
	enum store_queue q;

	store_rig_init(&r, false, false);
	ck_assert(!store_queue(r.store, span_str("silent"), &q, known, &a));
	store_rig_until(&r, a.told > 0);
	ck_assert_int_eq(a.q, STORE_AWAY);
	ck_assert(!store_queue(r.store, span_str("silent"), &q, known, &a)); /* asked again */
	store_rig_fini(&r);
}
END_TEST

/* ---- mails ---- */

START_TEST(test_mails)
{
	struct asker a;

	store_rig_init(&r, false, false);
	send_mail(&a, "q", "", 10);
	ck_assert_int_eq(a.verdict, STORE_OK);
	ck_assert(a.n == 1 && a.ids[0] == 1000);
	send_mail(&a, "a b a c b", "", 10); /* an id for each recipient, in their order */
	ck_assert_int_eq(a.verdict, STORE_OK);
	ck_assert_uint_eq(a.n, 5);
	ck_assert(a.ids[0] == 1001 && a.ids[1] == 1002 && a.ids[2] == 1001 && a.ids[3] == 1003 && a.ids[4] == 1002);
	send_mail(&a, "q", "slow", 10);
	ck_assert_int_eq(a.verdict, STORE_OK);
	send_mail(&a, "q", "", 10 * SPOOL_MEMORY);
	ck_assert_int_eq(a.verdict, STORE_OK);
	send_mail(&a, "q", "bad", 10);
	ck_assert_int_eq(a.verdict, STORE_REFUSED_BAD);
	ck_assert_str_eq(a.text, "X-Job-Delay: no");
	send_mail(&a, "q", "bad", 10 * SPOOL_MEMORY);
	ck_assert_int_eq(a.verdict, STORE_REFUSED_BAD);
	ck_assert_uint_eq(r.n, 4);
	ck_assert(store_idle(r.store));
	store_rig_fini(&r);
}
END_TEST

START_TEST(test_refusals)
{
	static const struct {
		enum sheaf_error error;
		enum store_verdict verdict;
	} rows[] = {
		{ SHEAF_E_FULL, STORE_REFUSED_FULL },        { SHEAF_E_TOO_LARGE, STORE_REFUSED_LARGE },
		{ SHEAF_E_UNKNOWN, STORE_REFUSED_GONE },     { SHEAF_E_CLOSED, STORE_REFUSED_GONE },
		{ SHEAF_E_BAD_VALUE, STORE_REFUSED_BAD },    { SHEAF_E_BAD_NAME, STORE_REFUSED_BAD },
		{ SHEAF_E_DENIED, STORE_REFUSED_AWAY },      { SHEAF_E_OUTCOME, STORE_REFUSED_AWAY },
		{ SHEAF_E_UNSUPPORTED, STORE_REFUSED_AWAY },
	};
	struct asker a;

	store_rig_init(&r, false, false);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		r.refuses = rows[i].error;
		send_mail(&a, "q", "", 10);
		ck_assert_msg(a.verdict == rows[i].verdict, "row %zu: %d", i, (int)a.verdict);
		ck_assert_str_eq(a.text, "no");
	}
	store_rig_fini(&r);
}
END_TEST

/* A queue that turned out to be gone is asked for at once. */
START_TEST(test_gone_is_not_remembered)
{
	enum store_queue q;
	struct asker a;

	store_rig_init(&r, false, false);
	ck_assert_int_eq(ask("q"), STORE_THERE);
	r.refuses = SHEAF_E_UNKNOWN;
	send_mail(&a, "q", "", 10);
	ck_assert_int_eq(a.verdict, STORE_REFUSED_GONE);
	ck_assert(!store_queue(r.store, span_str("q"), &q, known, &a));
	store_rig_fini(&r);
}
END_TEST

/* Busy is for the moment: the session tries again until the time is over. */
START_TEST(test_busy_then_well)
{
	struct asker a;

	store_rig_init(&r, false, false);
	r.refuses = SHEAF_E_BUSY;
	hand_in(&a, "q", "", 10);
	store_rig_until(&r, r.n >= 3);
	ck_assert_uint_eq(a.told, 0);
	r.refuses = SHEAF_OK;
	store_rig_until(&r, a.told > 0);
	ck_assert_int_eq(a.verdict, STORE_OK);
	store_rig_fini(&r);
}
END_TEST

/* What is not answered in time is refused, once; a later answer is nobody's. */
START_TEST(test_time)
{
	struct asker a, b;

	store_rig_init(&r, false, false);
	r.holds = true;
	r.config.answer_ms = 100;
	send_mail(&a, "q", "", 10);
	ck_assert_int_eq(a.verdict, STORE_REFUSED_AWAY);
	ck_assert_uint_eq(r.n, 1);
	store_rig_accept(&r, 0);
	store_rig_settle(&r);
	ck_assert_uint_eq(a.told, 1);
	r.holds = false;
	send_mail(&b, "q", "", 10);
	ck_assert_int_eq(b.verdict, STORE_OK);
	store_rig_fini(&r);
}
END_TEST

/* More than one session may ask for: the rest waits in line, and all are answered. */
START_TEST(test_many)
{
	enum { MANY = 1500 };
	static struct asker all[MANY];
	uint32_t answered = 0;

	store_rig_init(&r, false, false);
	r.holds = true;
	for (int i = 0; i < MANY; i++)
		hand_in(&all[i], i % 2 ? "q" : "a b", i % 7 ? "" : "slow", 10);
	store_rig_until(&r, r.n >= LIMIT_CLIENT_REQUESTS / 2);
	while (answered < MANY) {
		store_rig_settle(&r);
		ck_assert_uint_le(r.n - answered, LIMIT_CLIENT_REQUESTS);
		if (answered < r.n)
			store_rig_accept(&r, answered++);
		for (int i = 0; i < 20 && answered < r.n; i++)
			store_rig_accept(&r, answered++);
	}
	for (int i = 0; i < MANY; i++)
		store_rig_until(&r, all[i].told == 1);
	for (int i = 0; i < MANY; i++)
		ck_assert(all[i].told == 1 && all[i].verdict == STORE_OK && all[i].ids[0] >= 1000);
	store_rig_fini(&r);
}
END_TEST

/* Large mails are not in memory all at once. */
START_TEST(test_large)
{
	static struct asker all[6];

	store_rig_init(&r, false, false);
	r.holds = true;
	for (int i = 0; i < 6; i++)
		hand_in(&all[i], "q", "", 40 * MIB); /* two would be too many */
	for (uint32_t i = 0; i < 6; i++) {
		store_rig_until(&r, r.n == i + 1);
		store_rig_settle(&r);
		ck_assert_uint_eq(r.n, i + 1);
		store_rig_accept(&r, i);
	}
	for (int i = 0; i < 6; i++)
		store_rig_until(&r, all[i].told == 1);
	store_rig_fini(&r);
}
END_TEST

START_TEST(test_forget)
{
	struct asker a, b;

	store_rig_init(&r, false, false);
	hand_in(&a, "q", "slow", 10);
	store_forget(r.store, &a);
	send_mail(&b, "q", "slow", 10);
	store_rig_until(&r, store_idle(r.store));
	ck_assert_uint_eq(a.told, 0);
	ck_assert_uint_eq(r.n, 2); /* it went on */
	store_rig_fini(&r);
}
END_TEST

START_TEST(test_fail)
{
	struct asker a, b, c, d, e;
	enum store_queue q;

	store_rig_init(&r, false, false);
	ck_assert_int_eq(ask("q"), STORE_THERE);
	r.holds = true;
	hand_in(&a, "q", "", 10);
	hand_in(&b, "q", "slow", 10);
	hand_in(&c, "q", "", 40 * MIB);
	hand_in(&d, "q", "", 40 * MIB);
	store_rig_until(&r, r.n == 3);
	store_fail(r.store);
	hand_in(&e, "q", "", 10);
	store_rig_until(&r, a.told && b.told && c.told && d.told && e.told);
	ck_assert(a.verdict == STORE_REFUSED_AWAY && d.verdict == STORE_REFUSED_AWAY &&
	          e.verdict == STORE_REFUSED_AWAY);
	ck_assert(store_queue(r.store, span_str("q"), &q, known, &a));
	ck_assert_int_eq(q, STORE_AWAY);
	ck_assert(store_idle(r.store));
	store_rig_fini(&r);
}
END_TEST

/* With mails at every place on their way; what is owned is freed (the sanitizer looks). */
START_TEST(test_close)
{
	static struct asker a[5];
	enum store_queue q;

	store_rig_init(&r, false, false);
	r.holds = true;
	hand_in(&a[0], "q", "", 10);
	store_rig_until(&r, r.n == 1);
	hand_in(&a[1], "q", "", 40 * MIB);
	hand_in(&a[2], "q", "", 40 * MIB);
	hand_in(&a[3], "q", "slow", 10);
	hand_in(&a[4], "q", "bad", 10);
	ck_assert(!store_queue(r.store, span_str("other"), &q, known, &a[0]));
	store_rig_fini(&r);
	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(a[i].told, 0);
}
END_TEST

/* ---- over a network ---- */

/* The broker is not there yet, comes, goes, and comes again: a mail that waits meanwhile becomes a job. */
START_TEST(test_broker_comes_and_goes)
{
	enum store_queue q;
	struct asker a;

	store_rig_init(&r, true, true);
	hand_in(&a, "q", "", 10);
	store_rig_settle(&r);
	ck_assert(!store_connected(r.store));
	ck_assert_uint_eq(a.told, 0);
	store_rig_come(&r);
	store_rig_until(&r, a.told > 0);
	ck_assert_int_eq(a.verdict, STORE_OK);
	ck_assert(store_connected(r.store));
	r.holds = true;
	hand_in(&a, "q", "", 10);
	store_rig_until(&r, r.n == 2);
	store_rig_leave(&r);
	store_rig_until(&r, !store_connected(r.store)); /* the connection broke: nothing waits for silence */
	ck_assert(store_queue(r.store, span_str("q"), &q, known, &a));
	ck_assert_int_eq(q, STORE_AWAY);
	ck_assert_uint_eq(a.told, 0);
	r.holds = false;
	store_rig_come(&r);
	store_rig_until(&r, a.told > 0);
	ck_assert_int_eq(a.verdict, STORE_OK);
	ck_assert_uint_eq(r.numbers[1], r.numbers[2]); /* the same request again */
	store_rig_fini(&r);
}
END_TEST

/* It does not let us in, until it does. */
START_TEST(test_broker_denies)
{
	enum store_queue q;
	struct asker a;

	store_rig_init(&r, true, false);
	r.denies = true;
	hand_in(&a, "q", "", 10);
	store_rig_until(&r, a.told > 0);
	ck_assert_int_eq(a.verdict, STORE_REFUSED_AWAY);
	ck_assert(!store_connected(r.store));
	ck_assert(store_queue(r.store, span_str("q"), &q, known, &a));
	ck_assert_int_eq(q, STORE_AWAY);
	r.denies = false;
	store_rig_until(&r, store_connected(r.store));
	send_mail(&a, "q", "", 10);
	ck_assert_int_eq(a.verdict, STORE_OK);
	store_rig_fini(&r);
}
END_TEST

/* It never comes: who asks waits a little, once; then the answer is at hand. */
START_TEST(test_broker_is_away)
{
	enum store_queue q;
	struct asker a = { 0 }, m;

	store_rig_init(&r, true, true);
	r.config.answer_ms = 50;
	hand_in(&m, "q", "", 10);
	ck_assert(!store_queue(r.store, span_str("q"), &q, known, &a));
	store_rig_until(&r, m.told > 0);
	ck_assert_int_eq(m.verdict, STORE_REFUSED_AWAY);
	store_rig_until(&r, a.told > 0);
	ck_assert_int_eq(a.q, STORE_AWAY);
	ck_assert(store_queue(r.store, span_str("q"), &q, known, &a));
	ck_assert_int_eq(q, STORE_AWAY);
	store_rig_fini(&r);
}
END_TEST

SUITE_MAIN("store", test_queues, test_queues_are_remembered, test_queues_stay_fresh, test_queues_many,
           test_queue_without_an_answer, test_mails, test_refusals, test_gone_is_not_remembered, test_busy_then_well,
           test_time, test_many, test_large, test_forget, test_fail, test_close, test_broker_comes_and_goes,
           test_broker_denies, test_broker_is_away)
