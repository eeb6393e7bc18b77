/* MAIL and RCPT: the envelope of a mail. */
#include <ctype.h>

#include "base/text.h"
#include "broker/smtp/path.h"
#include "broker/smtp/session_state.h"

/* ---- MAIL ---- */

/* What MAIL's parameters say. */
struct envelope {
	enum letter_body body;
	bool utf8;
	uint64_t size; /* 0 = not said */
	bool has_size, has_body, has_auth;
};

static enum smtp_reply read_size(struct smtp_session *s, struct envelope *e, struct span value)
{
	if (e->has_size)
		return REPLY_PARAMETER_TWICE;
	e->has_size = true;
	if (!smtp_number(value, &e->size))
		return REPLY_PARAMETER_BAD;
	return e->size > s->config->size ? REPLY_LARGE : REPLY_NONE;
}

static enum smtp_reply read_body(struct envelope *e, struct span value)
{
	if (e->has_body)
		return REPLY_PARAMETER_TWICE;
	e->has_body = true;
	if (smtp_is(value, "7BIT"))
		e->body = LETTER_7BIT;
	else if (smtp_is(value, "8BITMIME"))
		e->body = LETTER_8BITMIME;
	else if (smtp_is(value, "BINARYMIME"))
		e->body = LETTER_BINARYMIME;
	else
		return REPLY_PARAMETER_BAD;
	return REPLY_NONE;
}

static enum smtp_reply read_utf8(struct envelope *e, struct span value)
{
	if (e->utf8)
		return REPLY_PARAMETER_TWICE;
	e->utf8 = true;
	return value.p != NULL ? REPLY_PARAMETER_BAD : REPLY_NONE;
}

/* RFC 4954, 5: who offers AUTH takes it; it tells us nothing. */
static enum smtp_reply read_auth(struct envelope *e, struct span value)
{
	if (e->has_auth)
		return REPLY_PARAMETER_TWICE;
	e->has_auth = true;
	return smtp_xtext(value) ? REPLY_NONE : REPLY_PARAMETER_BAD;
}

static enum smtp_reply read_one(struct smtp_session *s, struct envelope *e, const struct smtp_parameter *p)
{
	if (!s->esmtp)
		return REPLY_PARAMETER_NONE;
	if (smtp_is(p->name, "SIZE"))
		return read_size(s, e, p->value);
	if (smtp_is(p->name, "BODY"))
		return read_body(e, p->value);
	if (smtp_is(p->name, "SMTPUTF8"))
		return read_utf8(e, p->value);
	if (smtp_is(p->name, "AUTH") && s->tls_on && s->config->users != NULL)
		return read_auth(e, p->value);
	return REPLY_PARAMETER_NONE;
}

static enum smtp_reply read_parameters(struct smtp_session *s, struct span rest, struct envelope *e)
{
	enum smtp_parameter_kind kind;
	struct smtp_parameter p;

	while ((kind = smtp_parameter(&rest, &p)) == PARAMETER_THERE) {
		enum smtp_reply r = read_one(s, e, &p);

		if (r != REPLY_NONE)
			return r;
	}
	return kind == PARAMETER_END ? REPLY_NONE : REPLY_SYNTAX;
}

/* Names are short, and each buffer is as large as the one it is copied from. */
#define COPY(to, from)                                                                                                 \
	do {                                                                                                           \
		static_assert(sizeof(to) == sizeof(from), "the same");                                                 \
		memcpy(to, from, strlen(from) + 1);                                                                    \
	} while (0)

static void begin_letter(struct smtp_session *s, const struct path *p, const struct envelope *e)
{
	struct letter *l = s->letter = letter_new();

	COPY(l->peer, s->peer_text);
	COPY(l->helo, s->helo);
	COPY(l->tls, s->tls);
	COPY(l->user, s->user);
	COPY(l->from, p->text);
	l->peer_address = s->peer.address;
	l->esmtp = s->esmtp;
	l->lmtp = s->peer.lmtp;
	l->utf8 = e->utf8;
	l->body = e->body;
	s->size_most = e->size > 0 ? e->size : s->config->size;
	for (size_t i = 0;; i++) {
		s->from[i] = (char)tolower((unsigned char)p->text[i]);
		if (p->text[i] == '\0')
			break;
	}
	s->state = STATE_MAIL;
}

void smtp_mail(struct smtp_session *s, struct span argument)
{
	struct envelope e = { 0 };
	enum smtp_reply r;
	enum path_fault fault;
	const char *why;
	struct path p;

	if (!smtp_after(&argument, "FROM:")) {
		smtp_say(s, REPLY_MAIL_SYNTAX);
		return;
	}
	fault = path_read(&argument, &p, &why);
	if (fault != PATH_FINE) {
		smtp_say_text(s, REPLY_SENDER_BAD, why);
		return;
	}
	r = read_parameters(s, argument, &e);
	if (r == REPLY_NONE && p.utf8 && !e.utf8)
		r = REPLY_UTF8_FIRST;
	if (r == REPLY_NONE) {
		begin_letter(s, &p, &e);
		r = REPLY_SENDER_OK;
	}
	smtp_say(s, r);
}

/* ---- RCPT ---- */

static bool same_word(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]))
			return false;
	return true;
}

static bool same_name(const char *a, const char *b)
{
	size_t n = strlen(a);

	return n == strlen(b) && same_word(a, b, n);
}

/* "[127.0.0.1]" or "[IPv6:::1]" is where it came to. */
static bool our_literal(const struct smtp_session *s, const char *domain)
{
	struct cidr_address a;
	size_t n = strlen(domain);

	if (n < 2 || domain[0] != '[' || domain[n - 1] != ']' || s->peer.local.family == 0)
		return false;
	domain++;
	n -= 2;
	if (n > 5 && same_word(domain, "IPv6:", 5)) {
		domain += 5;
		n -= 5;
	}
	return cidr_read_address(span_of(domain, n), &a) && cidr_same(&a, &s->peer.local);
}

static bool ours(const struct smtp_session *s, const char *domain)
{
	if (same_name(domain, "localhost") || same_name(domain, s->config->hostname))
		return true;
	for (uint32_t i = 0; i < s->config->n_domains; i++)
		if (same_name(domain, s->config->domains[i]))
			return true;
	return our_literal(s, domain);
}

static enum smtp_reply allowed(const struct smtp_session *s, const char *queue)
{
	const struct smtp_policy *policy = smtp_policy_of(s->config, span_str(queue));
	struct smtp_sender sender = { .peer = s->peer.address,
		                      .tls = s->tls_on,
		                      .user = s->user[0] != '\0' ? s->user : NULL,
		                      .from = span_str(s->from) };

	switch (smtp_policy_may(policy, &sender)) {
	case SMTP_MAY:
		return REPLY_NONE;
	case SMTP_MAY_IF_AUTH:
		return REPLY_AUTH_FIRST;
	default:
		return REPLY_DENIED;
	}
}

/* What a path means; REPLY_NONE: its queue is to be asked for. */
static enum smtp_reply read_recipient(struct smtp_session *s, const struct path *p, char why[RCPT_WHY])
{
	bool mine = p->domain[0] == '\0' || ours(s, p->domain);

	memset(&s->pending, 0, sizeof s->pending);
	s->pending_create = mine && same_name(p->local, "postmaster");
	if (s->pending_create) {
		memcpy(s->pending.queue, s->config->postmaster, sizeof s->pending.queue);
		return REPLY_NONE;
	}
	if (!mine)
		return REPLY_RCPT_FOREIGN;
	switch (rcpt_read(span_of(p->local, p->local_n), &s->pending, why)) {
	case RCPT_FINE:
		return allowed(s, s->pending.queue);
	case RCPT_BAD_OPTION:
		return REPLY_RCPT_OPTION;
	default:
		return REPLY_RCPT_NO_QUEUE;
	}
}

static enum smtp_reply recipient(struct smtp_session *s, struct span rest, const char **why, char room[RCPT_WHY])
{
	struct smtp_parameter parameter;
	struct path p;

	if (!smtp_after(&rest, "TO:"))
		return REPLY_RCPT_SYNTAX;
	if (path_read(&rest, &p, why) != PATH_FINE)
		return REPLY_RCPT_BAD;
	*why = NULL;
	if (p.text[0] == '\0')
		return REPLY_RCPT_BAD;
	switch (smtp_parameter(&rest, &parameter)) {
	case PARAMETER_THERE:
		return REPLY_PARAMETER_NONE;
	case PARAMETER_BAD:
		return REPLY_SYNTAX;
	default:
		break;
	}
	if (s->letter->n == LIMIT_MAIL_RCPTS)
		return REPLY_RCPT_MANY;
	if (p.utf8 && !s->letter->utf8)
		return REPLY_UTF8_FIRST;
	room[0] = '\0';
	*why = room;
	COPY(s->pending_text, p.text);
	return read_recipient(s, &p, room);
}

void smtp_rcpt(struct smtp_session *s, struct span argument)
{
	char room[RCPT_WHY];
	const char *why = NULL;
	enum smtp_reply r = recipient(s, argument, &why, room);

	if (r == REPLY_NONE) {
		s->ask = SMTP_ASK_QUEUE;
		return;
	}
	if (s->state == STATE_MAIL)
		s->state = STATE_TRIED;
	s->facts.refused++;
	smtp_say_text(s, r, why);
}

struct span smtp_session_asked_queue(const struct smtp_session *s)
{
	must(s->ask == SMTP_ASK_QUEUE);
	return span_str(s->pending.queue);
}

static enum smtp_reply verdict(const struct smtp_session *s, enum store_queue q)
{
	switch (q) {
	case STORE_THERE:
		return REPLY_RCPT_OK;
	case STORE_MISSING:
		return s->pending_create ? REPLY_RCPT_OK : REPLY_RCPT_NO_QUEUE;
	case STORE_PAUSED:
		return s->pending_create ? REPLY_RCPT_OK : REPLY_RCPT_PAUSED;
	case STORE_CLOSED:
		return REPLY_RCPT_CLOSED;
	default:
		return REPLY_AWAY;
	}
}

/* The queue is named: who made a mistake sees it. */
static void say_verdict(struct smtp_session *s, enum smtp_reply r)
{
	char text[LIMIT_QUEUE_NAME + 64];

	if (r == REPLY_RCPT_NO_QUEUE)
		text_format(text, sizeof text, "there is no queue %s", s->pending.queue);
	else if (r == REPLY_RCPT_PAUSED)
		text_format(text, sizeof text, "the queue %s is paused, try again", s->pending.queue);
	else if (r == REPLY_RCPT_CLOSED)
		text_format(text, sizeof text, "the queue %s takes no more, try again", s->pending.queue);
	else
		text[0] = '\0';
	smtp_say_text(s, r, text);
}

void smtp_session_queue(struct smtp_session *s, enum store_queue q, uint64_t now_ms)
{
	enum smtp_reply r = verdict(s, q);

	if (s->closing)
		return;
	must(s->ask == SMTP_ASK_QUEUE);
	s->ask = SMTP_ASK_NOTHING;
	s->now_ms = s->last_ms = now_ms;
	if (r == REPLY_RCPT_OK) {
		struct letter_rcpt *rcpt = letter_add(s->letter, span_str(s->pending_text));

		rcpt->rcpt = s->pending;
		rcpt->create = s->pending_create;
		s->state = STATE_RCPT;
	} else {
		s->facts.refused++;
		s->state = s->state == STATE_MAIL ? STATE_TRIED : s->state;
	}
	say_verdict(s, r);
	smtp_settle(s);
}
