/* AUTH (RFC 4954): PLAIN and LOGIN, under TLS only. */
#include <stdlib.h>

#include "base/base64.h"
#include "broker/smtp/session_state.h"

void smtp_forget_credentials(struct smtp_session *s)
{
	if (s->credentials != NULL)
		explicit_bzero(s->credentials, sizeof *s->credentials);
	free(s->credentials);
	s->credentials = NULL;
}

static void give_up(struct smtp_session *s, enum smtp_reply r)
{
	smtp_forget_credentials(s);
	s->phase = PHASE_COMMAND;
	smtp_say(s, r);
}

static void ask(struct smtp_session *s)
{
	s->phase = PHASE_COMMAND;
	s->ask = SMTP_ASK_AUTH;
}

static void await(struct smtp_session *s, enum smtp_auth what, enum smtp_reply r)
{
	s->auth = what;
	s->phase = PHASE_AUTH;
	smtp_say(s, r);
}

/* A name or a password; false: it has a NUL. What is longer than one may be is none that there is. */
static bool keep(char *to, size_t room, struct span text, bool *too_long)
{
	if (memchr(text.p, 0, text.n) != NULL)
		return false;
	*too_long = *too_long || text.n >= room;
	if (text.n >= room)
		return true;
	if (text.n > 0)
		memcpy(to, text.p, text.n);
	to[text.n] = '\0';
	return true;
}

/* [who to act as] NUL user NUL password */
static void plain(struct smtp_session *s, struct span text)
{
	const uint8_t *end = text.p + text.n, *user = memchr(text.p, 0, text.n);
	const uint8_t *password = user != NULL ? memchr(user + 1, 0, (size_t)(end - user - 1)) : NULL;
	struct smtp_credentials *c = s->credentials;
	struct span as, name, word;
	bool wrong = false;

	if (password == NULL) {
		give_up(s, REPLY_AUTH_BASE64);
		return;
	}
	as = span_of(text.p, (size_t)(user - text.p));
	name = span_of(user + 1, (size_t)(password - user - 1));
	word = span_of(password + 1, (size_t)(end - password - 1));
	if (!keep(c->user, sizeof c->user, name, &wrong) || !keep(c->password, sizeof c->password, word, &wrong))
		give_up(s, REPLY_AUTH_BASE64);
	else if (wrong || name.n == 0 || (as.n > 0 && !span_eq(as, name)))
		give_up(s, REPLY_AUTH_WRONG);
	else
		ask(s);
}

static void login_user(struct smtp_session *s, struct span text)
{
	bool wrong = false;

	if (!keep(s->credentials->user, sizeof s->credentials->user, text, &wrong))
		give_up(s, REPLY_AUTH_BASE64);
	else if (wrong || text.n == 0)
		give_up(s, REPLY_AUTH_WRONG);
	else
		await(s, AUTH_LOGIN_PASSWORD, REPLY_AUTH_PASSWORD);
}

static void login_password(struct smtp_session *s, struct span text)
{
	bool wrong = false;

	if (!keep(s->credentials->password, sizeof s->credentials->password, text, &wrong))
		give_up(s, REPLY_AUTH_BASE64);
	else if (wrong)
		give_up(s, REPLY_AUTH_WRONG);
	else
		ask(s);
}

static void decoded(struct smtp_session *s, struct span text)
{
	if (s->auth == AUTH_PLAIN)
		plain(s, text);
	else if (s->auth == AUTH_LOGIN_USER)
		login_user(s, text);
	else
		login_password(s, text);
}

/* What a line, or the argument behind the mechanism, says. */
static void respond(struct smtp_session *s, struct span base64)
{
	struct buf text = { 0 };

	buf_room(&text, base64.n + 1); /* so that it does not move, and there are bytes if only none */
	if (base64_decode(&text, base64))
		decoded(s, buf_span(&text));
	else
		give_up(s, REPLY_AUTH_BASE64);
	explicit_bzero(text.p, text.cap);
	buf_fini(&text);
}

static void begin(struct smtp_session *s, bool is_plain, struct span first)
{
	smtp_forget_credentials(s);
	s->credentials = calloc(1, sizeof *s->credentials);
	must(s->credentials != NULL);
	s->auth = is_plain ? AUTH_PLAIN : AUTH_LOGIN_USER;
	if (first.n == 0)
		await(s, s->auth, is_plain ? REPLY_AUTH_GO : REPLY_AUTH_USER);
	else
		respond(s, smtp_is(first, "=") ? span_of(NULL, 0) : first);
}

void smtp_auth(struct smtp_session *s, struct span argument)
{
	struct span mechanism = smtp_word(&argument);
	bool is_plain = smtp_is(mechanism, "PLAIN");

	if (s->config->users == NULL)
		smtp_say(s, REPLY_NO_AUTH);
	else if (!s->tls_on)
		smtp_say(s, REPLY_AUTH_NO_TLS);
	else if (!s->esmtp)
		smtp_say(s, REPLY_NO_HELLO);
	else if (s->user[0] != '\0')
		smtp_say(s, REPLY_AUTH_TWICE);
	else if (mechanism.n == 0)
		smtp_say(s, REPLY_SYNTAX);
	else if (!is_plain && !smtp_is(mechanism, "LOGIN"))
		smtp_say(s, REPLY_AUTH_MECHANISM);
	else
		begin(s, is_plain, argument);
}

void smtp_auth_line(struct smtp_session *s, struct span line)
{
	if (smtp_is(line, "*"))
		give_up(s, REPLY_AUTH_STOPPED);
	else
		respond(s, line);
}

void smtp_session_credentials(const struct smtp_session *s, const char **user, const char **password)
{
	must(s->ask == SMTP_ASK_AUTH);
	*user = s->credentials->user;
	*password = s->credentials->password;
}

void smtp_session_authorised(struct smtp_session *s, bool right, uint64_t now_ms)
{
	if (s->closing)
		return;
	must(s->ask == SMTP_ASK_AUTH);
	s->ask = SMTP_ASK_NOTHING;
	s->now_ms = s->last_ms = now_ms;
	if (right) {
		memcpy(s->user, s->credentials->user, sizeof s->user);
		SMTP_COUNT(s->world->counts, sessions_auth);
	}
	smtp_forget_credentials(s);
	smtp_say(s, right ? REPLY_AUTH_OK : REPLY_AUTH_WRONG);
	smtp_settle(s);
}
