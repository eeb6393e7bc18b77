/* See smtp_rig.h. */
#include "tests/unit/smtp/smtp_rig.h"

#include <stdlib.h>

enum { SIZE_USUAL = 1 << 20, SIZE_SMALL = 20 };

/* ---- policies, in place of the real ones ---- */

static struct smtp_policy policies[3]; /* open, closed, the rest */

const struct smtp_policy *smtp_policy_of(const struct smtp_config *c, struct span queue)
{
	(void)c;
	if (span_eq(queue, span_str("open")))
		return &policies[0];
	return span_eq(queue, span_str("closed")) ? &policies[1] : &policies[2];
}

enum smtp_may smtp_policy_may(const struct smtp_policy *p, const struct smtp_sender *s)
{
	if (cidr_loopback(&s->peer) || p == &policies[0])
		return SMTP_MAY;
	if (p == &policies[1])
		return SMTP_MAY_NOT;
	return s->user != NULL || (s->tls && span_eq(s->from, span_str("boss@example.org"))) ? SMTP_MAY
	                                                                                     : SMTP_MAY_IF_AUTH;
}

/* ---- its life ---- */

void rig_init(struct rig *r)
{
	static char *domains[] = { "Mail.Example.org", "jobs.example.net" };

	memset(r, 0, sizeof *r);
	memcpy(r->config.hostname, "host.test", sizeof "host.test");
	memcpy(r->config.postmaster, "admin", sizeof "admin");
	r->config.domains = domains;
	r->config.n_domains = 2;
	r->config.idle_ms = 300000;
	r->config.data_ms = 600000;
	r->config.data_rate = 100;
	r->spools.dir = "/tmp";
	r->spools.limit = 64 << 20;
	r->world = (struct smtp_world){ .config = &r->config, .counts = &r->counts, .spools = &r->spools };
	r->now = 1000;
	r->wall = 1790000000000;
	r->next_id = 100;
}

void rig_fini(struct rig *r)
{
	rig_end(r);
	buf_fini(&r->out);
	buf_fini(&r->in);
	buf_fini(&r->told);
	buf_fini(&r->mails);
}

void rig_begin(struct rig *r, unsigned flags)
{
	struct smtp_peer peer = { .port = 4711, .lmtp = (flags & RIG_LMTP) != 0, .tls = (flags & RIG_TLS) != 0 };

	rig_end(r);
	r->flags = flags;
	r->config.with_tls = (flags & (RIG_CERT | RIG_TLS)) != 0;
	r->config.tls_required = (flags & RIG_REQUIRED) != 0;
	r->config.users = (flags & RIG_USERS) != 0 ? (struct smtp_users *)(void *)r : NULL;
	r->config.size = (flags & RIG_SMALL) != 0 ? SIZE_SMALL : SIZE_USUAL;
	if ((flags & RIG_UNIX) == 0) {
		peer.address = (struct cidr_address){ 4, { 127, 0, 0, 1 } };
		if ((flags & RIG_FAR) != 0)
			peer.address = (struct cidr_address){ 4, { 192, 0, 2, 1 } };
		peer.local = (struct cidr_address){ 4, { 127, 0, 0, 2 } };
	}
	r->s = smtp_session_new(&r->world, &peer, &r->out, r->now);
	if (peer.tls)
		smtp_session_secured(r->s, "TLS1.3", "TLS_AES_256_GCM_SHA384", r->now);
	smtp_session_begin(r->s, false, r->now, r->wall);
	if ((flags & RIG_DEAF) == 0)
		rig_read(r);
}

void rig_end(struct rig *r)
{
	smtp_session_free(r->s);
	r->s = NULL;
	letter_free(r->letter);
	r->letter = NULL;
	buf_clear(&r->out);
	buf_clear(&r->in);
	buf_clear(&r->told);
	buf_clear(&r->mails);
}

/* ---- what it asks for ---- */

static enum store_queue queue_of(struct span name)
{
	if (span_eq(name, span_str("missing")))
		return STORE_MISSING;
	if (span_eq(name, span_str("paused")))
		return STORE_PAUSED;
	if (span_eq(name, span_str("closed")))
		return STORE_CLOSED;
	return span_eq(name, span_str("away")) ? STORE_AWAY : STORE_THERE;
}

static void note_mail(struct rig *r, struct letter *l)
{
	struct span bytes;

	must(spool_whole(l->spool, &bytes) && bytes.n == l->size);
	buf_put_span(&r->mails, span_str(l->from));
	for (uint32_t i = 0; i < l->n; i++) {
		buf_put(&r->mails, i == 0 ? ">" : ",", 1);
		buf_put_span(&r->mails, span_str(l->rcpts[i].rcpt.queue));
		if (l->rcpts[i].create)
			buf_put(&r->mails, "!", 1);
	}
	buf_put(&r->mails, ":", 1);
	buf_put_span(&r->mails, bytes);
	buf_put(&r->mails, "|", 1);
}

void rig_store(struct rig *r)
{
	uint64_t ids[LIMIT_MAIL_RCPTS];
	struct letter *l = r->letter;
	struct store_outcome o = { .verdict = r->verdict, .text = r->verdict_text, .ids = ids, .n = l->n };

	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t k = 0;

		while (strcmp(l->rcpts[k].rcpt.queue, l->rcpts[i].rcpt.queue) != 0)
			k++;
		ids[i] = k < i ? ids[k] : r->next_id++;
	}
	if (o.verdict == STORE_OK)
		note_mail(r, l);
	letter_free(l);
	r->letter = NULL;
	smtp_session_stored(r->s, &o, r->now);
}

void rig_authorise(struct rig *r, bool right)
{
	const char *user, *password;

	smtp_session_credentials(r->s, &user, &password);
	smtp_session_authorised(r->s, right && strcmp(password, "secret") == 0, r->now);
}

/* False: what it asks for is held back. */
static bool answer(struct rig *r)
{
	switch (smtp_session_asks(r->s)) {
	case SMTP_ASK_QUEUE:
		smtp_session_queue(r->s, queue_of(smtp_session_asked_queue(r->s)), r->now);
		return true;
	case SMTP_ASK_TLS:
		buf_clear(&r->in);
		smtp_session_secured(r->s, "TLS1.2", "TLS_X", r->now);
		return true;
	case SMTP_ASK_AUTH:
		if ((r->flags & RIG_HOLD) == 0)
			rig_authorise(r, true);
		return (r->flags & RIG_HOLD) == 0;
	case SMTP_ASK_MAIL:
		if (r->letter == NULL)
			r->letter = smtp_session_letter(r->s);
		if ((r->flags & RIG_HOLD) == 0)
			rig_store(r);
		return (r->flags & RIG_HOLD) == 0;
	default:
		return false;
	}
}

void rig_read(struct rig *r)
{
	buf_put_span(&r->told, buf_span(&r->out));
	buf_clear(&r->out);
}

static bool delayed(const struct rig *r)
{
	return smtp_session_asks(r->s) == SMTP_ASK_NOTHING && !smtp_session_closing(r->s) && r->out.n < SESSION_OUT &&
	       !smtp_session_takes(r->s);
}

void rig_go_on(struct rig *r)
{
	bool again = true;

	while (again && !smtp_session_closing(r->s)) {
		size_t n = smtp_session_take(r->s, buf_span(&r->in), r->now, r->wall);

		must(n <= r->in.n);
		memmove(r->in.p, r->in.p + n, r->in.n - n);
		r->in.n -= n;
		again = n > 0;
		if ((r->flags & RIG_DEAF) == 0)
			rig_read(r);
		again |= answer(r);
		if (delayed(r))
			again |= rig_wait(r);
	}
	if ((r->flags & RIG_DEAF) == 0)
		rig_read(r);
	if (smtp_session_closing(r->s))
		must(smtp_session_take(r->s, buf_span(&r->in), r->now, r->wall) == 0);
}

void rig_feed(struct rig *r, const void *p, size_t n, size_t piece)
{
	const uint8_t *bytes = p;

	while (n > 0) {
		size_t m = n < piece ? n : piece;

		buf_put(&r->in, bytes, m);
		bytes += m;
		n -= m;
		rig_go_on(r);
	}
}

bool rig_wait(struct rig *r)
{
	uint64_t at = smtp_session_deadline(r->s);

	if (at == UINT64_MAX)
		return false;
	must(at >= r->now);
	if (at > r->now) { /* not a moment sooner */
		size_t before = r->out.n;

		smtp_session_tick(r->s, at - 1);
		must(r->out.n == before && smtp_session_deadline(r->s) == at);
	}
	r->now = at;
	smtp_session_tick(r->s, at);
	if ((r->flags & RIG_DEAF) == 0)
		rig_read(r);
	return true;
}

/* ---- what has come of it ---- */

const char *rig_told(struct rig *r)
{
	static struct buf text;

	buf_clear(&text);
	for (size_t i = 0; i < r->told.n; i++)
		if (r->told.p[i] != '\r')
			buf_put_u8(&text, r->told.p[i]);
	if (smtp_session_closing(r->s))
		buf_put(&text, "x", 1);
	buf_put_u8(&text, 0);
	buf_clear(&r->told);
	return (const char *)text.p;
}

const char *rig_codes(struct rig *r)
{
	static struct buf text;
	const uint8_t *p = r->told.p, *end = p + r->told.n;

	buf_clear(&text);
	while (p < end) {
		const uint8_t *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = 3;

		must(lf != NULL && lf - p >= 5 && lf - p < 512 && lf[-1] == '\r');
		if (p[3] == ' ') {
			if (p[5] == '.') /* an enhanced code follows */
				while (n < 4 || p[n] != ' ')
					n++;
			must(text.n == 0 || text.p[text.n - 1] == '|');
			buf_put(&text, p, n);
			buf_put(&text, "|", 1);
		}
		p = lf + 1;
	}
	if (smtp_session_closing(r->s))
		buf_put(&text, "x", 1);
	else if (text.n > 0)
		text.n--;
	buf_put_u8(&text, 0);
	buf_clear(&r->told);
	return (const char *)text.p;
}

const char *rig_mails(struct rig *r)
{
	static struct buf text;

	buf_clear(&text);
	buf_put_span(&text, buf_span(&r->mails));
	buf_put_u8(&text, 0);
	buf_clear(&r->mails);
	return (const char *)text.p;
}
