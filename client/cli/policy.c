/* What the options of submit, run and map say of a job. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "client/cli/common.h"
#include "client/cli/topic.h"
#include "client/cli/when.h"
#include "proto/codec.h"

static bool good_header(const char *text)
{
	return headers_ok(span_of(text, strlen(text) + 1));
}

static bool headers(const struct flags *f, struct sheaf_policy *p)
{
	size_t bytes = 0;

	p->headers = f->headers;
	p->n_headers = f->n_headers;
	for (size_t i = 0; i < p->n_headers; i++) {
		bytes += strlen(p->headers[i]) + 1;
		if (bytes <= LIMIT_HEADER_BYTES && !good_header(p->headers[i])) {
			cli_say("--header: '%s' is not NAME=VALUE with a name of letters, digits, _ and -",
			        p->headers[i]);
			return false;
		}
	}
	if (p->n_headers <= LIMIT_HEADERS && bytes <= LIMIT_HEADER_BYTES)
		return true;
	cli_say("--header: %zu headers of %zu bytes; a job has at most %d, of %d bytes in all", p->n_headers, bytes,
	        LIMIT_HEADERS, (int)LIMIT_HEADER_BYTES);
	return false;
}

/* --expires takes a duration or a moment. */
static bool expiry(const char *text, struct msg_terms *t)
{
	if (text == NULL)
		return true;
	if (units_duration(text, &t->within_ms) && t->within_ms > 0 && t->within_ms <= LIMIT_DELAY_MS)
		return true;
	t->within_ms = 0;
	if (when_parse(text, &t->expires_ms))
		return true;
	cli_say("--expires: '%s' is neither a duration such as 30s nor a time such as 2026-11-24T12:00:00Z", text);
	return false;
}

static bool times(const struct flags *f, struct msg_terms *t)
{
	t->delay_ms = f->delay_ms;
	t->backoff_ms = f->backoff_ms;
	t->backoff_max_ms = f->backoff_max_ms;
	if (f->at != NULL && f->delay_ms > 0) {
		cli_say("--delay and --at exclude each other");
		return false;
	}
	if (f->at != NULL && !when_parse(f->at, &t->at_ms)) {
		cli_say("--at: '%s' is no time such as 2026-11-24T12:00:00Z or 2026-11-24T13:00:00+01:00", f->at);
		return false;
	}
	if (f->backoff_max_ms > 0 && f->backoff_max_ms < f->backoff_ms) {
		cli_say("--backoff-max is less than --backoff");
		return false;
	}
	return expiry(f->expires, t);
}

static bool topic(const char *text, struct span *out)
{
	if (text == NULL)
		return true;
	*out = span_str(text);
	return topic_name_good(text, "topic");
}

static bool name(const char *option, const char *text, struct span *out)
{
	if (text == NULL)
		return true;
	*out = span_str(text);
	if (name_worker_ok(*out))
		return true;
	cli_say("--%s: '%.80s' is no name: 1 to %d printable bytes without space or comma", option, text, LIMIT_NAME);
	return false;
}

static bool key(const char *text, struct msg_terms *t)
{
	if (text == NULL)
		return true;
	t->key = span_str(text);
	if (t->key.n > 0 && t->key.n <= LIMIT_KEY)
		return true;
	cli_say("--key: a key has 1 to %d bytes, this one has %zu", LIMIT_KEY, t->key.n);
	return false;
}

/* "17,18" and "b4", each a job or a batch that comes first. */
static bool after(const struct flags *f, struct msg_terms *t)
{
	static uint64_t ids[LIMIT_AFTER]; /* of the one policy that a command has */

	for (size_t i = 0; i < f->n_after; i++) {
		const char *p = f->after[i];

		while (*p != '\0') {
			size_t n = strcspn(p, ",");
			char word[24];
			bool batch;

			if (t->n_after == LIMIT_AFTER) {
				cli_say("--after: at most %d jobs and batches", LIMIT_AFTER);
				return false;
			}
			snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word), p);
			if (!cli_id(word, &ids[t->n_after++], &batch))
				return false;
			p += n + (p[n] == ',');
		}
	}
	t->after = ids;
	if (!f->after_any || t->n_after > 0)
		return true;
	cli_say("--after-any goes with --after");
	return false;
}

bool cli_policy(const struct cli *c, struct sheaf_policy *p)
{
	const struct flags *f = &c->flags;
	bool batch;

	sheaf_policy_default(p);
	p->priority = (uint32_t)f->priority;
	p->attempts = (uint32_t)f->attempts;
	p->lease_ms = f->lease_ms;
	p->after_any = f->after_any;
	if (f->into && !cli_id(f->into, &p->batch, &batch))
		return false;
	return headers(f, p) && times(f, &p->terms) && key(f->key, &p->terms) && after(f, &p->terms) &&
	       name("tenant", f->tenant, &p->terms.tenant) && name("group", f->group, &p->terms.group) &&
	       topic(f->topic, &p->terms.topic);
}
