/* Any bytes at all as what a client of SMTP or LMTP sends. Twice: in one piece and in small ones, which has to come to
 * the same replies and the same mails; then with answers, delays, drains and clients that go at random. What it says is
 * well formed, bounded, and never nothing for ever. Built by clang with libFuzzer, or with our driver by any compiler.
 */
#include "base/rand.h"
#include "broker/smtp/reply.h"
#include "tests/unit/smtp/smtp_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { HEAD = 3 }; /* bytes before the dialogue: what kind of session, and the seed of what happens to it */

static bool digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool begins(struct span line, const char *with)
{
	size_t n = strlen(with);

	return line.n >= n && memcmp(line.p, with, n) == 0;
}

/* Code, enhanced code of the same class, text, CR LF; only some have no enhanced code. */
static void look_at(struct span line)
{
	bool none = begins(line, "220 host.test ") || begins(line, "250") || begins(line, "334") || begins(line, "354");

	must(line.n >= 6 && line.n <= REPLY_LINE);
	must(line.p[0] >= '2' && line.p[0] <= '5' && digit(line.p[1]) && digit(line.p[2]));
	must(line.p[3] == ' ' || line.p[3] == '-');
	must(line.p[line.n - 2] == '\r');
	for (size_t i = 0; i < line.n - 2; i++)
		must(line.p[i] >= ' ' && line.p[i] < 127);
	if (line.p[4] == line.p[0] && line.p[5] == '.')
		must(line.p[3] == ' ' && digit(line.p[6]) && line.p[7] == '.' && digit(line.p[8]));
	else
		must(none);
}

/* The replies so far; how many of them say that a mail is queued. */
static uint32_t look(const struct rig *r)
{
	const uint8_t *p = r->told.p, *end = p + r->told.n;
	uint32_t queued = 0;

	while (p < end) {
		const uint8_t *lf = memchr(p, '\n', (size_t)(end - p));

		must(lf != NULL);
		look_at(span_of(p, (size_t)(lf - p) + 1));
		queued += begins(span_of(p, (size_t)(lf - p)), "250 2.0.0 queued");
		p = lf + 1;
	}
	return queued;
}

/* ---- in one piece and in many ---- */

static void whole(struct rig *r, unsigned flags, struct span in, size_t piece, struct buf *told, struct buf *mails)
{
	rig_begin(r, flags);
	rig_feed(r, in.p, in.n, piece);
	look(r);
	buf_put_span(told, buf_span(&r->told));
	buf_put_span(told, span_str(smtp_session_closing(r->s) ? "x" : ""));
	buf_put_span(mails, buf_span(&r->mails));
	rig_end(r);
}

static void in_pieces(struct rig *r, unsigned flags, struct span in, size_t piece)
{
	struct buf one = { 0 }, many = { 0 }, mails = { 0 }, more = { 0 };
	uint64_t now = r->now, id = r->next_id;

	whole(r, flags, in, SIZE_MAX, &one, &mails);
	r->now = now;
	r->next_id = id;
	whole(r, flags, in, piece, &many, &more);
	must(span_eq(buf_span(&one), buf_span(&many)));
	must(span_eq(buf_span(&mails), buf_span(&more)));
	buf_fini(&one);
	buf_fini(&many);
	buf_fini(&mails);
	buf_fini(&more);
}

/* ---- at random ---- */

/* Lines end in CR LF and there is no NUL, unless it is binary. */
static void look_at_letter(const struct letter *l)
{
	struct span s;

	must(spool_whole(l->spool, &s) && s.n == l->size && l->n > 0);
	if (l->body == LETTER_BINARYMIME)
		return;
	for (size_t i = 0; i < s.n; i++) {
		must(s.p[i] != 0);
		must(s.p[i] != '\n' || (i > 0 && s.p[i - 1] == '\r'));
		must(s.p[i] != '\r' || (i + 1 < s.n && s.p[i + 1] == '\n'));
	}
}

/* Something happens to what it asks for; the queued replies that are due for it. */
static uint32_t happen(struct rig *r, struct rng *g)
{
	uint32_t due = 0;

	switch (smtp_session_asks(r->s)) {
	case SMTP_ASK_QUEUE:
		must(smtp_session_asked_queue(r->s).n > 0);
		smtp_session_queue(r->s, rng_below(g, 3) != 0 ? STORE_THERE : (enum store_queue)rng_below(g, 5),
		                   r->now);
		break;
	case SMTP_ASK_TLS:
		buf_clear(&r->in);
		if (rng_below(g, 8) != 0)
			smtp_session_secured(r->s, "TLS1.3", "TLS_X", r->now);
		break;
	case SMTP_ASK_AUTH:
		rig_authorise(r, rng_below(g, 2) != 0);
		break;
	case SMTP_ASK_MAIL:
		if (r->letter == NULL)
			r->letter = smtp_session_letter(r->s);
		look_at_letter(r->letter);
		if (rng_below(g, 4) == 0)
			break; /* later */
		r->verdict = rng_below(g, 3) != 0 ? STORE_OK : (enum store_verdict)rng_below(g, STORE_REFUSED_BAD + 1);
		r->verdict_text = rng_below(g, 2) != 0 ? "because\r\n" : NULL;
		due = r->verdict != STORE_OK ? 0 : (r->flags & RIG_LMTP) != 0 ? r->letter->n : 1;
		rig_store(r);
		break;
	default:
		break;
	}
	return due;
}

static void intervene(struct rig *r, struct rng *g)
{
	switch (rng_below(g, 60)) {
	case 0:
		smtp_session_drain(r->s, rng_below(g, 2) != 0);
		break;
	case 1:
		smtp_session_end(r->s);
		break;
	case 2:
		smtp_session_press(r->s, rng_below(g, 2) != 0);
		break;
	case 3:
		r->now += rng_below(g, 400000);
		smtp_session_tick(r->s, r->now);
		break;
	default:
		if (rng_below(g, 8) != 0)
			rig_read(r);
	}
}

static void check(struct rig *r)
{
	uint64_t at = smtp_session_deadline(r->s);
	enum smtp_ask ask = smtp_session_asks(r->s);
	bool closing = smtp_session_closing(r->s);

	must(r->out.n <= SESSION_OUT + SESSION_ANSWER);
	must(!closing || (ask == SMTP_ASK_NOTHING && at == UINT64_MAX && !smtp_session_busy(r->s)));
	must(ask == SMTP_ASK_NOTHING || !smtp_session_takes(r->s));
	must(closing || (ask != SMTP_ASK_NOTHING && ask != SMTP_ASK_TLS) ||
	     at <= r->now + r->config.idle_ms + SESSION_SLOW_MS); /* it never waits for nobody */
	if (!smtp_session_takes(r->s))
		must(smtp_session_take(r->s, buf_span(&r->in), r->now, r->wall) == 0);
}

static void step(struct rig *r, struct rng *g, struct span *in, uint32_t *due)
{
	size_t m = 1 + rng_below(g, rng_below(g, 4) == 0 ? 3000 : 60), n;

	m = m < in->n ? m : in->n;
	buf_put(&r->in, in->p, m);
	in->p += m;
	in->n -= m;
	do {
		n = smtp_session_take(r->s, buf_span(&r->in), r->now, r->wall);
		must(n <= r->in.n);
		memmove(r->in.p, r->in.p + n, r->in.n - n);
		r->in.n -= n;
		if (smtp_session_takes(r->s) && n == 0)
			must(r->in.n < SESSION_AUTH_LINE); /* more it never needs */
		*due += happen(r, g);
		intervene(r, g);
		check(r);
	} while (n > 0);
}

static void at_random(struct rig *r, unsigned flags, struct span in, uint64_t seed)
{
	uint32_t due = 0;
	struct rng g;

	rng_seed(&g, seed);
	rig_begin(r, flags);
	for (int waits = 0; waits < 400 && !smtp_session_closing(r->s); waits++) {
		uint64_t at = smtp_session_deadline(r->s);

		step(r, &g, &in, &due);
		if (in.n == 0 && at != UINT64_MAX && !smtp_session_takes(r->s))
			smtp_session_tick(r->s, r->now = at > r->now ? at : r->now);
		if (in.n == 0 && r->in.n == 0)
			break;
	}
	rig_read(r);
	must(look(r) == due);
	rig_end(r);
	must(atomic_load(&r->spools.used) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const unsigned all = RIG_LMTP | RIG_CERT | RIG_TLS | RIG_USERS | RIG_REQUIRED | RIG_FAR | RIG_SMALL | RIG_UNIX;
	unsigned flags;
	struct span in;
	struct rig r;

	if (n <= HEAD)
		return 0;
	in = span_of(data + HEAD, n - HEAD);
	flags = data[0] & all;
	rig_init(&r);
	in_pieces(&r, (flags & RIG_TLS) != 0 ? flags : flags & ~(unsigned)RIG_CERT, in, 1 + data[2] % 23u);
	at_random(&r, flags, in, (uint64_t)data[1] << 8 | data[2]);
	rig_fini(&r);
	return 0;
}
