/* See fake_session.h. */
#include "tests/unit/nsq/fake_session.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/text.h"
#include "base/units.h"

enum { LINE = 4096, MOST = 4 << 20 };

struct session {
	const struct session_world *world;
	void *owner;
	struct buf *out;
	struct list all;
	enum session_upgrade upgrade;
	bool later, closing, ended, draining;
	char what[LINE];
	size_t body; /* bytes of it that are still to come */
	size_t needs;
	uint64_t beat_ms, next_ms, said;
	char version[16], name[64];
};

atomic_int fake_sessions, fake_waiting, fake_sent_too_much;
atomic_ullong fake_sent;
static struct list all = { &all, &all };

static void say(struct session *s, const void *p, size_t n)
{
	uint8_t head[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	buf_put(s->out, head, 4);
	buf_put(s->out, p, n);
	s->said += 4 + n;
}

static void say_text(struct session *s, const char *text)
{
	say(s, text, strlen(text));
}

struct session *session_new(const struct session_world *w, void *owner, const char *remote, struct buf *out,
                            uint64_t now_ms)
{
	struct session *s = calloc(1, sizeof *s);

	(void)now_ms;
	must(s != NULL && strchr(remote, ':') != NULL);
	s->world = w;
	s->owner = owner;
	s->out = out;
	s->needs = 1;
	s->next_ms = UINT64_MAX;
	list_push_back(&all, &s->all);
	fake_sessions++;
	return s;
}

void session_free(struct session *s)
{
	if (s == NULL)
		return;
	if (s->later)
		fake_waiting--;
	list_remove(&s->all);
	fake_sessions--;
	free(s);
}

static void much(struct session *s, size_t n)
{
	uint8_t *x = malloc(n + 1);

	must(x != NULL);
	memset(x, 'x', n);
	say(s, x, n);
	free(x);
}

static void command(struct session *s, char *line, uint64_t now_ms)
{
	char *arg = strchr(line, ' ');
	uint64_t n = 0;

	if (arg != NULL)
		*arg++ = '\0';
	else
		arg = line + strlen(line);
	if (units_number(arg, 0, MOST, &n)) {
		if (strcmp(line, "much") == 0)
			much(s, n);
		else if (strcmp(line, "body") == 0)
			s->needs = s->body = n;
		else if (strcmp(line, "beat") == 0)
			s->beat_ms = n, s->next_ms = now_ms + n;
		return;
	}
	if (strcmp(line, "say") == 0) {
		say_text(s, arg);
	} else if (strcmp(line, "later") == 0) {
		text_format(s->what, sizeof s->what, "%s", arg);
		s->later = true;
		fake_waiting++;
	} else if (strcmp(line, "bye") == 0) {
		say_text(s, "bye");
		s->closing = true;
	} else {
		s->upgrade = strcmp(line, "tls") == 0      ? UPGRADE_TLS
		             : strcmp(line, "snappy") == 0 ? UPGRADE_SNAPPY
		                                           : UPGRADE_DEFLATE;
		say_text(s, "-");
	}
}

size_t session_take(struct session *s, struct span in, uint64_t now_ms)
{
	size_t taken = 0;
	char line[LINE];

	while (session_wants(s) > 0) {
		const uint8_t *from = in.p + taken, *end;

		if (s->body > 0 && in.n - taken >= s->body) {
			text_format(line, sizeof line, "%zu", s->body);
			say_text(s, line);
			taken += s->body;
			s->body = 0;
			s->needs = 1;
			continue;
		}
		end = s->body == 0 && in.n > taken ? memchr(from, '\n', in.n - taken) : NULL;
		if (end == NULL) {
			if (s->body == 0)
				s->needs = in.n - taken + 1;
			break;
		}
		text_format(line, sizeof line, "%.*s", (int)(end - from), (const char *)from);
		taken += (size_t)(end - from) + 1;
		s->needs = 1;
		command(s, line, now_ms);
	}
	return taken;
}

size_t session_wants(const struct session *s)
{
	return s->later || s->closing || s->ended || s->upgrade != UPGRADE_NONE ? 0 : s->needs;
}

enum session_upgrade session_upgrade(const struct session *s, int *level)
{
	*level = 6;
	return s->upgrade;
}

void session_upgraded(struct session *s, const struct session_layers *l, uint64_t now_ms)
{
	char text[128];

	(void)now_ms;
	s->upgrade = UPGRADE_NONE;
	text_format(text, sizeof text, "+%s%s", l != NULL && l->tls_version != NULL ? l->tls_version : "",
	            l != NULL && l->common_name != NULL ? l->common_name : "");
	say_text(s, text);
}

void session_sent(struct session *s, uint64_t total)
{
	fake_sent = total;
	if (total > s->said)
		fake_sent_too_much = 1;
}

bool session_closing(const struct session *s)
{
	return s->closing || ((s->ended || s->draining) && !s->later);
}

uint64_t session_deadline(const struct session *s)
{
	return s->next_ms;
}

void session_tick(struct session *s, uint64_t now_ms)
{
	say_text(s, ".");
	s->next_ms = now_ms + s->beat_ms;
}

uint64_t session_heartbeat_ms(const struct session *s)
{
	return s->beat_ms;
}

void session_end(struct session *s)
{
	s->ended = true;
}

void session_drain(struct session *s)
{
	s->draining = true;
}

void session_failed(struct session *s)
{
	say_text(s, "failed");
	s->closing = true;
}

void session_stat(const struct session *s, struct nsq_client_stat *st)
{
	st->messages = s->said;
}

void fake_answer(void)
{
	for (struct list *l = all.next; l != &all; l = l->next) {
		struct session *s = list_item(l, struct session, all);

		if (!s->later)
			continue;
		s->later = false;
		fake_waiting--;
		say_text(s, s->what);
		s->world->woke(s->owner);
	}
}
