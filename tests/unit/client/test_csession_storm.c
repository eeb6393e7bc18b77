/* The client session in bad weather, under many seeds: a broker that is all memory and a wire that delays
 * and breaks, losing what is in flight in both directions, told to the session or not. Each job must be
 * accepted once and end once, and be submitted once at the broker. */
#include <stdlib.h>

#include "base/rand.h"
#include "tests/unit/client/rig.h"

enum { JOBS = 400, WIRE = 4096, SEEDS = 100, STEP_MS = 5, FAIR_MS = 300000 };

/* Frames in flight one way; in order, each with the time of its arrival. */
struct wire {
	struct buf v[WIRE];
	uint64_t at_ms[WIRE];
	uint32_t first, next;
};

struct storm {
	struct rng rng;
	struct csession *c;
	struct msg_room *room;
	uint64_t now_ms;
	bool fair; /* no more faults */
	struct wire up, down;
	/* the broker */
	uint64_t route, known_route; /* of the connection; of the session's last hello */
	bool here;
	uint64_t pushed;
	uint64_t first_of[2 * JOBS]; /* by number of the request */
	uint32_t count_of[2 * JOBS];
	uint64_t floor;
	uint64_t tag_of[JOBS + 1]; /* by id: what the payload said */
	bool ended[JOBS + 1], awaited[JOBS + 1];
	uint64_t n_jobs;
	/* the user */
	uint32_t posted, accepted, results;
	uint64_t id_of[JOBS];
	bool got[JOBS];
};

static bool chance(struct storm *s, uint32_t in)
{
	return !s->fair && rng_below(&s->rng, in) == 0;
}

static void put(struct storm *s, struct wire *w, struct span frame)
{
	uint32_t i = w->next++ % WIRE;
	uint64_t at_ms = s->now_ms + rng_below(&s->rng, 20);

	ck_assert_uint_lt(w->next - w->first, WIRE);
	if (w->next - w->first > 1 && w->at_ms[(i + WIRE - 1) % WIRE] > at_ms)
		at_ms = w->at_ms[(i + WIRE - 1) % WIRE];
	buf_clear(&w->v[i]);
	buf_put_span(&w->v[i], frame);
	w->at_ms[i] = at_ms;
}

/* All that is in flight is lost. */
static void cut(struct storm *s)
{
	s->up.first = s->up.next;
	s->down.first = s->down.next;
	s->route++;
}

/* ---- the broker ---- */

static void say(struct storm *s, enum msg_kind kind, uint64_t number, struct msg m)
{
	struct buf out;

	buf_init(&out);
	m.h = (struct msg_header){ .version = 1, .kind = (uint32_t)kind, .epoch = 1, .session = RIG_SESSION };
	m.h.number = number;
	msg_encode(&out, &m);
	put(s, &s->down, buf_span(&out));
	buf_fini(&out);
}

static void push(struct storm *s, uint64_t id)
{
	struct msg_result_rec r = { .id = id, .state = JOB_DONE };

	uint64_t number = s->pushed++;

	s->awaited[id] = false;
	/* to an older connection it goes where nobody listens; and one in a while is left out */
	if (s->known_route == s->route && !chance(s, 30))
		say(s, MSG_RESULTS, number, (struct msg){ .u.results = { 0, &r, 1 } });
}

static void take_submit(struct storm *s, const struct msg *m)
{
	uint64_t n = m->h.number;
	struct msg_accepted_rec rec;

	ck_assert(n < sizeof s->first_of / sizeof s->first_of[0]);
	if (m->u.submit.answered > s->floor)
		s->floor = m->u.submit.answered;
	ck_assert_msg(n > s->floor, "a request that counts as answered is sent again");
	if (s->first_of[n]) {
		ck_assert(m->u.submit.flags & SUBMIT_AGAIN);
	} else if (chance(s, 10)) {
		say(s, MSG_REPLY, n, (struct msg){ .u.reply.error = SHEAF_E_BUSY });
		return;
	} else {
		s->first_of[n] = s->n_jobs + 1;
		s->count_of[n] = m->u.submit.n;
		for (uint32_t i = 0; i < m->u.submit.n; i++) {
			uint64_t id = ++s->n_jobs;

			ck_assert_msg(id <= JOBS, "a job was submitted twice");
			memcpy(&s->tag_of[id], m->u.submit.payloads[i].p, sizeof s->tag_of[id]);
			s->awaited[id] = true;
		}
	}
	rec = (struct msg_accepted_rec){ n, s->first_of[n], s->count_of[n] };
	say(s, MSG_ACCEPTED, 0, (struct msg){ .u.accepted = { &rec, 1 } });
}

static void take_wait(struct storm *s, const struct msg *m)
{
	for (uint32_t i = 0; i < m->u.ids.n; i++) {
		uint64_t id = m->u.ids.ids[i];

		ck_assert(id > 0 && id <= s->n_jobs);
		if (s->ended[id])
			push(s, id);
		else
			s->awaited[id] = true;
	}
}

static void broker_takes(struct storm *s, struct span frame)
{
	const char *why;
	struct msg m;

	ck_assert_int_eq(msg_decode(frame, s->room, &m, &why), SHEAF_OK);
	if (m.h.kind == MSG_CLIENT_HELLO) {
		s->here = true;
		s->known_route = s->route;
		say(s, MSG_CLIENT_WELCOME, 0, (struct msg){ .u.client_welcome.version = 1 });
	} else if (!s->here || s->known_route != s->route) {
		say(s, MSG_NO_SESSION, m.h.number, (struct msg){ 0 });
	} else if (m.h.kind == MSG_SUBMIT) {
		take_submit(s, &m);
	} else if (m.h.kind == MSG_WAIT) {
		take_wait(s, &m);
	} else if (m.h.kind == MSG_PING) {
		say(s, MSG_PONG, m.h.number, (struct msg){ .u.ping.pushed = s->pushed });
	}
}

/* Some jobs end; now and then the broker dies and comes back, or drops the session. */
static void broker_lives(struct storm *s)
{
	for (int i = 0; i < 4 && s->n_jobs > 0; i++) {
		uint64_t id = 1 + rng_below(&s->rng, s->n_jobs);

		if (s->ended[id])
			continue;
		s->ended[id] = true;
		if (s->awaited[id])
			push(s, id);
	}
	if (chance(s, 300)) {
		s->here = false;
		s->pushed = rng_below(&s->rng, 2) ? 0 : s->pushed;
		memset(s->awaited, 0, sizeof s->awaited);
		cut(s);
		csession_lost(s->c, s->now_ms);
	}
	if (chance(s, 200)) /* a reset; half of the time libzmq mends it without a word */
		cut(s);
	else if (chance(s, 200)) {
		cut(s);
		csession_lost(s->c, s->now_ms);
	}
}

/* ---- the user ---- */

static void user_hears(struct storm *s, const struct csession_event *ev)
{
	if (ev->kind == CSESSION_ACCEPTED) {
		ck_assert_msg(s->id_of[ev->tag] == 0, "accepted twice");
		ck_assert_uint_eq(s->tag_of[ev->id], ev->tag);
		s->id_of[ev->tag] = ev->id;
		s->accepted++;
	} else if (ev->kind == CSESSION_RESULT) {
		ck_assert_msg(!s->got[ev->tag], "a result twice");
		ck_assert_uint_eq(s->id_of[ev->tag], ev->id);
		s->got[ev->tag] = true;
		s->results++;
	} else {
		ck_assert(ev->kind == CSESSION_WELCOMED || ev->kind == CSESSION_PONG);
	}
}

static void user_takes(struct storm *s, struct span frame)
{
	struct csession_event ev;
	const char *why;
	struct msg m;

	ck_assert_int_eq(msg_decode(frame, s->room, &m, &why), SHEAF_OK);
	for (int twice = chance(s, 50); twice >= 0; twice--) {
		csession_message(s->c, s->now_ms, &m);
		while (csession_event(s->c, &ev))
			user_hears(s, &ev);
	}
}

static void user_lives(struct storm *s)
{
	struct csession_policy p = { .queue = span_str("q"), .attempts = 1, .want = true };

	for (uint64_t i = rng_below(&s->rng, 8); i > 0 && s->posted < JOBS; i--) {
		uint64_t tag = s->posted;

		if (csession_room(s->c) == 0)
			break;
		ck_assert_int_eq(csession_post(s->c, &p, span_of(&tag, sizeof tag), tag), SHEAF_OK);
		s->posted++;
	}
	if (rng_below(&s->rng, 3) == 0)
		csession_flush(s->c);
}

/* ---- all of it ---- */

static void arrivals(struct storm *s, struct wire *w, void (*take)(struct storm *, struct span))
{
	while (w->first < w->next && w->at_ms[w->first % WIRE] <= s->now_ms) {
		uint32_t i = w->first++ % WIRE;

		take(s, buf_span(&w->v[i]));
	}
}

static void step(struct storm *s)
{
	struct span frame;
	enum csession_effect effect;

	s->now_ms += STEP_MS;
	arrivals(s, &s->up, broker_takes);
	broker_lives(s);
	arrivals(s, &s->down, user_takes);
	user_lives(s);
	csession_tick(s->c, s->now_ms);
	while ((effect = csession_effect(s->c, s->now_ms, &frame)) != CSESSION_IDLE) {
		if (effect == CSESSION_RECONNECT)
			cut(s);
		else
			put(s, &s->up, frame);
	}
}

static void run(uint64_t seed)
{
	struct csession_config config = { .session = RIG_SESSION, .seed = seed, .name = span_str("x"), .records = 8 };
	struct storm *s = calloc(1, sizeof *s);

	rng_seed(&s->rng, seed);
	s->c = csession_new(&config);
	s->room = msg_room_new();
	s->now_ms = 1000;
	for (uint32_t i = 0; i < WIRE; i++) {
		buf_init(&s->up.v[i]);
		buf_init(&s->down.v[i]);
	}
	while (s->now_ms < 10000 || (s->results < JOBS && s->now_ms < FAIR_MS)) {
		s->fair = s->now_ms >= 10000;
		step(s);
	}
	ck_assert_msg(s->results == JOBS && s->accepted == JOBS && s->n_jobs == JOBS,
	              "seed %llu: %u posted, %u accepted, %u ended", (unsigned long long)seed, s->posted, s->accepted,
	              s->results);
	ck_assert_uint_eq(csession_outstanding(s->c), 0);
	for (uint32_t i = 0; i < WIRE; i++) {
		buf_fini(&s->up.v[i]);
		buf_fini(&s->down.v[i]);
	}
	csession_free(s->c);
	msg_room_free(s->room);
	free(s);
}

START_TEST(every_job_ends_once)
{
	run((uint64_t)_i + 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csession storm");
	TCase *t = tcase_create("storm");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, every_job_ends_once, 0, SEEDS);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
