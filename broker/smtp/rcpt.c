/* See rcpt.h. */
#include "broker/smtp/rcpt.h"

#include <strings.h>

#include "base/text.h"
#include "base/units.h"
#include "proto/codec.h"

enum { VALUE_MOST = 32 }; /* bytes of a number or a duration */

static_assert(LIMIT_PRIORITY == 9 && LIMIT_KEY == 256 && LIMIT_DELAY_MS / (24 * 3600 * 1000) == 3653,
              "the sentences here say these bounds");

static bool is(struct span a, const char *word)
{
	return a.n == strlen(word) && strncasecmp((const char *)a.p, word, a.n) == 0;
}

/* The value as text, which base/units reads. */
static bool as_text(struct span value, char to[VALUE_MOST])
{
	if (value.n == 0 || value.n >= VALUE_MOST || memchr(value.p, 0, value.n) != NULL)
		return false;
	memcpy(to, value.p, value.n);
	to[value.n] = '\0';
	return true;
}

static const char *priority(struct rcpt_options *o, struct span value)
{
	char text[VALUE_MOST];
	uint64_t v;

	if (o->has_priority)
		return "priority is given twice";
	if (!as_text(value, text) || !units_number(text, 0, LIMIT_PRIORITY, &v))
		return "priority is a number from 0 to 9";
	o->has_priority = true;
	o->priority = (uint32_t)v;
	return NULL;
}

static bool duration(struct span value, uint64_t *ms)
{
	char text[VALUE_MOST];

	return as_text(value, text) && units_duration(text, ms) && *ms <= LIMIT_DELAY_MS;
}

static const char *delay(struct rcpt_options *o, struct span value)
{
	if (o->has_delay)
		return "delay is given twice";
	if (!duration(value, &o->delay_ms))
		return "delay is a time such as 500ms, 30s, 5m, 2h or 7d, at most ten years";
	o->has_delay = true;
	return NULL;
}

static const char *expires(struct rcpt_options *o, struct span value)
{
	uint64_t ms;

	if (o->has_expires)
		return "expires is given twice";
	if (!duration(value, &ms) || ms == 0) /* 0 would mean never */
		return "expires is a time from now such as 30s, 5m, 2h or 7d, more than 0 and at most ten years";
	o->has_expires = true;
	o->expires_ms = ms;
	return NULL;
}

static const char *key(struct rcpt_options *o, struct span value)
{
	bool good = value.n > 0 && value.n <= LIMIT_KEY;

	if (o->key_n > 0)
		return "key is given twice";
	for (size_t i = 0; good && i < value.n; i++)
		good = value.p[i] >= ' ' && value.p[i] < 0x7f;
	if (!good)
		return "key is 1 to 256 printable ASCII characters";
	memcpy(o->key, value.p, value.n);
	o->key[value.n] = '\0';
	o->key_n = (uint32_t)value.n;
	return NULL;
}

const char *rcpt_option(struct rcpt_options *o, struct span name, struct span value)
{
	if (is(name, "priority"))
		return priority(o, value);
	if (is(name, "delay"))
		return delay(o, value);
	if (is(name, "expires"))
		return expires(o, value);
	if (is(name, "key"))
		return key(o, value);
	return "the options are priority, delay, expires and key";
}

static bool say(char why[RCPT_WHY], const char *text)
{
	text_format(why, RCPT_WHY, "%s", text != NULL ? text : "");
	return text == NULL;
}

static bool queue(struct span text, struct rcpt *r, char why[RCPT_WHY])
{
	if (text.n == 0 || text.n > LIMIT_QUEUE_NAME)
		return say(why, "a queue's name has 1 to 56 characters");
	for (size_t i = 0; i < text.n; i++) {
		char c = (char)text.p[i];

		r->queue[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
	}
	r->queue[text.n] = '\0';
	if (!name_queue_ok(span_of(r->queue, text.n)))
		return say(why, "a queue's name is letters, digits, '.', '_' and '-', a letter or digit first");
	return true;
}

/* "name=value" */
static bool option(struct span text, struct rcpt *r, char why[RCPT_WHY])
{
	const uint8_t *equals = text.n > 0 ? memchr(text.p, '=', text.n) : NULL;
	size_t n = equals != NULL ? (size_t)(equals - text.p) : 0;

	if (equals == NULL)
		return say(why, "behind a queue's name stand options as in +priority=7");
	return say(why, rcpt_option(&r->options, span_of(text.p, n), span_of(equals + 1, text.n - n - 1)));
}

enum rcpt_fault rcpt_read(struct span local, struct rcpt *r, char why[RCPT_WHY])
{
	size_t at = 0;
	bool first = true;

	*r = (struct rcpt){ .queue = "" };
	why[0] = '\0';
	do {
		const uint8_t *plus = at < local.n ? memchr(local.p + at, '+', local.n - at) : NULL;
		size_t n = plus != NULL ? (size_t)(plus - local.p) - at : local.n - at;
		struct span part = at < local.n ? span_of(local.p + at, n) : span_of(NULL, 0);

		if (first && !queue(part, r, why))
			return RCPT_NO_QUEUE;
		if (!first && !option(part, r, why))
			return RCPT_BAD_OPTION;
		first = false;
		at += n + 1;
	} while (at <= local.n);
	return RCPT_FINE;
}

void rcpt_merge(struct rcpt_options *over, const struct rcpt_options *under)
{
	if (!over->has_priority && under->has_priority) {
		over->has_priority = true;
		over->priority = under->priority;
	}
	if (!over->has_delay && under->has_delay) {
		over->has_delay = true;
		over->delay_ms = under->delay_ms;
	}
	if (!over->has_expires && under->has_expires) {
		over->has_expires = true;
		over->expires_ms = under->expires_ms;
	}
	if (over->key_n == 0 && under->key_n > 0) {
		memcpy(over->key, under->key, sizeof over->key);
		over->key_n = under->key_n;
	}
}
