/* Commands: which one may come when, and those that have little to do. */
#include "broker/smtp/path.h"
#include "broker/smtp/session_state.h"

#define PUT(s, text) buf_put((s)->out, text, sizeof text - 1)

/* What a command is answered with in a state; 0 is REPLY_NONE: it is obeyed. */
static const uint8_t rules[VERBS][STATES] = {
	[VERB_MAIL] = { [STATE_START] = REPLY_NO_HELLO,
	                [STATE_MAIL] = REPLY_NESTED,
	                [STATE_TRIED] = REPLY_NESTED,
	                [STATE_RCPT] = REPLY_NESTED,
	                [STATE_CHUNKS] = REPLY_IN_CHUNKS },
	[VERB_RCPT] = { [STATE_START] = REPLY_NO_MAIL,
	                [STATE_READY] = REPLY_NO_MAIL,
	                [STATE_CHUNKS] = REPLY_IN_CHUNKS },
	[VERB_DATA] = { [STATE_START] = REPLY_NO_MAIL,
	                [STATE_READY] = REPLY_NO_MAIL,
	                [STATE_MAIL] = REPLY_NO_RCPT,
	                [STATE_TRIED] = REPLY_NO_RCPT_LEFT,
	                [STATE_CHUNKS] = REPLY_IN_CHUNKS },
	[VERB_BDAT] = { [STATE_START] = REPLY_NO_MAIL,
	                [STATE_READY] = REPLY_NO_MAIL,
	                [STATE_MAIL] = REPLY_NO_RCPT,
	                [STATE_TRIED] = REPLY_NO_RCPT_LEFT },
	[VERB_AUTH] = { [STATE_START] = REPLY_NO_HELLO,
	                [STATE_MAIL] = REPLY_IN_MAIL,
	                [STATE_TRIED] = REPLY_IN_MAIL,
	                [STATE_RCPT] = REPLY_IN_MAIL,
	                [STATE_CHUNKS] = REPLY_IN_MAIL },
	[VERB_STARTTLS] = { [STATE_MAIL] = REPLY_IN_MAIL,
	                    [STATE_TRIED] = REPLY_IN_MAIL,
	                    [STATE_RCPT] = REPLY_IN_MAIL,
	                    [STATE_CHUNKS] = REPLY_IN_MAIL },
};

/* ---- EHLO ---- */

static void put_number(struct buf *out, uint64_t v)
{
	char text[20], *p = text + sizeof text;

	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	buf_put(out, p, (size_t)(text + sizeof text - p));
}

static void say_extensions(struct smtp_session *s)
{
	PUT(s, "250-");
	buf_put_span(s->out, span_str(s->config->hostname));
	PUT(s, "\r\n250-PIPELINING\r\n250-SIZE ");
	put_number(s->out, s->config->size);
	PUT(s, "\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-BINARYMIME\r\n");
	if (s->config->with_tls && !s->tls_on)
		PUT(s, "250-STARTTLS\r\n");
	if (s->config->users != NULL && s->tls_on)
		PUT(s, "250-AUTH PLAIN LOGIN\r\n");
	PUT(s, "250 ENHANCEDSTATUSCODES\r\n");
}

static void hello(struct smtp_session *s, enum smtp_verb verb, struct span name)
{
	if ((verb == VERB_LHLO) != s->peer.lmtp) {
		smtp_say(s, REPLY_UNKNOWN);
	} else if (name.n > LIMIT_MAIL_DOMAIN || !path_domain_ok(name)) {
		smtp_say(s, REPLY_HELLO_SYNTAX);
	} else {
		s->state = STATE_READY;
		smtp_forget_mail(s);
		s->esmtp = verb != VERB_HELO;
		memcpy(s->helo, name.p, name.n);
		s->helo[name.n] = '\0';
		if (s->esmtp) {
			say_extensions(s);
			return;
		}
		PUT(s, "250 ");
		buf_put_span(s->out, span_str(s->config->hostname));
		PUT(s, "\r\n");
	}
}

/* ---- the small ones ---- */

static void start_tls(struct smtp_session *s, struct span argument)
{
	if (argument.n > 0) {
		smtp_say(s, REPLY_NO_ARGUMENT);
	} else if (s->tls_on) {
		smtp_say(s, REPLY_TLS_TWICE);
	} else if (!s->config->with_tls) {
		smtp_say(s, REPLY_NO_TLS);
	} else {
		smtp_say(s, REPLY_TLS_READY);
		s->ask = SMTP_ASK_TLS;
	}
}

static void reset(struct smtp_session *s, struct span argument)
{
	if (argument.n > 0) {
		smtp_say(s, REPLY_NO_ARGUMENT);
		return;
	}
	smtp_forget_mail(s);
	smtp_say(s, REPLY_OK);
}

static void quit(struct smtp_session *s, struct span argument)
{
	if (argument.n > 0)
		smtp_say(s, REPLY_NO_ARGUMENT);
	else
		smtp_say_last(s, REPLY_BYE, "quit");
}

static void run(struct smtp_session *s, enum smtp_verb verb, struct span argument)
{
	switch (verb) {
	case VERB_HELO:
	case VERB_EHLO:
	case VERB_LHLO:
		hello(s, verb, argument);
		break;
	case VERB_MAIL:
		smtp_mail(s, argument);
		break;
	case VERB_RCPT:
		smtp_rcpt(s, argument);
		break;
	case VERB_DATA:
		smtp_data(s, argument);
		break;
	case VERB_RSET:
		reset(s, argument);
		break;
	case VERB_NOOP:
		smtp_say(s, REPLY_OK);
		break;
	case VERB_VRFY:
		smtp_say(s, argument.n > 0 ? REPLY_VRFY : REPLY_SYNTAX);
		break;
	case VERB_EXPN:
		smtp_say(s, REPLY_NO_EXPN);
		break;
	case VERB_HELP:
		smtp_say(s, REPLY_HELP);
		break;
	case VERB_QUIT:
		quit(s, argument);
		break;
	case VERB_AUTH:
		smtp_auth(s, argument);
		break;
	case VERB_STARTTLS:
		start_tls(s, argument);
		break;
	case VERB_HTTP:
		smtp_say_last(s, REPLY_HTTP, "http");
		break;
	case VERB_PROXY:
		smtp_say_last(s, REPLY_NO_PROXY, "proxy");
		break;
	default:
		smtp_say(s, REPLY_UNKNOWN);
	}
}

/* RFC 3207, 4: what may be said before TLS where it is required. A Unix socket has nobody who listens. */
static bool before_tls(const struct smtp_session *s, enum smtp_verb verb)
{
	return s->tls_on || !s->config->tls_required || s->peer.address.family == 0 || verb == VERB_NOOP ||
	       verb == VERB_EHLO || verb == VERB_LHLO || verb == VERB_STARTTLS || verb == VERB_QUIT ||
	       verb == VERB_HTTP || verb == VERB_PROXY || verb == VERB_UNKNOWN;
}

void smtp_command(struct smtp_session *s, struct span line)
{
	struct span argument;
	enum smtp_verb verb = smtp_verb(line, &argument);
	enum smtp_reply refused = before_tls(s, verb) ? (enum smtp_reply)rules[verb][s->state] : REPLY_TLS_FIRST;

	if (refused == REPLY_NO_RCPT_LEFT && s->peer.lmtp)
		refused = REPLY_NO_RCPT_LMTP;
	if (s->draining && !(verb == VERB_BDAT && s->state == STATE_CHUNKS))
		smtp_say_drain(s);
	else if (verb == VERB_BDAT)
		smtp_bdat(s, argument, refused);
	else if (refused != REPLY_NONE)
		smtp_say(s, refused);
	else
		run(s, verb, argument);
}
