/* Any bytes at all as what an NSQ client sends. Twice: in one piece and in small ones, which has to come to the same
 * frames and the same wishes; then with messages that are handed to it, taken back and finished, which has to add up.
 * Built by clang with libFuzzer, or with our driver by any compiler. */
#include "base/rand.h"
#include "tests/unit/nsq/session_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { RUN_BITS = 4, MESSAGES = (1 << RUN_BITS) - 1 };

static void put_on_layers(struct rig *r)
{
	struct session_layers none = { 0 };
	int level;

	while (session_upgrade(r->s, &level) != UPGRADE_NONE)
		session_upgraded(r->s, &none, r->now);
	if (r->auth.answer != NULL)
		fake_auth_answer(&r->auth, 1, 60, true);
	rig_turn(r);
}

static void feed(struct rig *r, const uint8_t *data, size_t n, size_t piece)
{
	for (size_t at = 0; at < n; at += piece) {
		rig_feed(r, data + at, piece < n - at ? piece : n - at);
		put_on_layers(r);
		must(session_wants(r->s) <= SESSION_LINE + 4 + r->config.max_body);
		must(session_closing(r->s) == (session_wants(r->s) == 0)); /* it never waits for nobody */
	}
}

/* Frames and wishes as text. */
static void whole(struct rig *r, const uint8_t *data, size_t n, size_t piece, struct buf *out)
{
	rig_begin(r);
	feed(r, data, n, piece);
	buf_put_span(out, span_str(rig_told(r)));
	buf_put_span(out, span_str(rig_asked(r)));
	rig_end(r);
}

static void in_pieces(struct rig *r, const uint8_t *data, size_t n)
{
	struct buf one = { 0 }, many = { 0 };

	whole(r, data, n, n, &one);
	whole(r, data, n, 1 + data[n / 2] % 11u, &many);
	must(span_eq(buf_span(&one), buf_span(&many)));
	buf_fini(&one);
	buf_fini(&many);
}

/* Runs of a few messages, so that ids at random hit. */
static void with_messages(struct rig *r, const uint8_t *data, size_t n)
{
	uint64_t run = 0, delivered = 0, gone = 0;
	struct nsq_client_stat st = { 0 };
	struct rng random;

	rng_seed(&random, n ^ data[0]);
	rig_begin(r);
	r->hub.settled = 0;
	for (size_t at = 0; at < n; at += 40) {
		feed(r, data + at, n - at < 40 ? n - at : 40, 40);
		session_tick(r->s, r->now += rng_below(&random, 400));
		if (session_closing(r->s) || r->hub.last == NULL || r->hub.last->ready == 0)
			continue;
		run++;
		rig_deliver(r, run, run + 7, MESSAGES);
		delivered += RUN_BITS;
		session_stat(r->s, &st);
		if (rng_below(&random, 4) == 0) {
			uint64_t before = st.in_flight;

			r->hub.last->calls->gone(r->hub.last->arg, 1 + rng_below(&random, run), run + 7, 3,
			                         GONE_TIMEOUT);
			session_stat(r->s, &st);
			gone += before - st.in_flight;
		}
	}
	rig_told(r);
	session_stat(r->s, &st);
	must(st.messages == delivered);
	must(st.in_flight + st.finished + st.requeued + gone == delivered);
	must(st.finished == r->hub.settled);
	rig_end(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rig r;

	if (n == 0)
		return 0;
	rig_init(&r);
	r.config.max_body = 65536; /* so that a size at random is one that may be */
	r.config.max_msg_size = 8192;
	r.config.with_tls = true;
	r.world.auth = (data[0] & 1) != 0 ? &r.auth : NULL;
	r.hub.no_bytes = true;
	in_pieces(&r, data, n);
	with_messages(&r, data, n);
	rig_fini(&r);
	return 0;
}
