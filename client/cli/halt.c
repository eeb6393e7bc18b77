/* See halt.h. */
#include "client/cli/halt.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

enum { ENOUGH = 100 }; /* records of which a percentage says something */

/* The index of the word that `text` begins with, up to `end`; -1 if none is. *rest is what stands behind it. */
static int read_word(const char *text, char end, const char *const *words, int n, const char **rest)
{
	const char ends[] = { end, 0 };
	size_t len = strcspn(text, ends);

	*rest = text + len + (text[len] != 0);
	for (int i = 0; i < n; i++)
		if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0)
			return i;
	return -1;
}

static bool read_count(const char *text, struct halt *h)
{
	char number[24];
	size_t n = strlen(text);

	h->percent = n > 0 && text[n - 1] == '%';
	if (n == 0 || n >= sizeof number)
		return false;
	snprintf(number, sizeof number, "%.*s", (int)(n - h->percent), text);
	return units_number(number, 1, h->percent ? 100 : UINT64_MAX - 1, &h->count);
}

bool halt_parse(const char *text, struct halt *h)
{
	static const char *const whens[] = { "never", "soon", "now" }, *const whys[] = { "fail", "success", "done" };
	struct halt got = { .count = 1 };
	const char *rest;
	int word = read_word(text, ',', whens, 3, &rest);

	if (word < 0)
		return false;
	got.when = (enum halt_when)word;
	if (strchr(text, ',')) {
		word = read_word(rest, '=', whys, 3, &rest);
		if (word < 0 || !read_count(rest, &got))
			return false;
		got.why = (enum halt_why)word;
	}
	*h = got;
	return true;
}

bool halt_due(const struct halt *h, const struct halt_state *s)
{
	uint64_t n = h->why == HALT_FAIL ? s->failed : h->why == HALT_SUCCESS ? s->done : s->done + s->failed;

	if (h->when == HALT_NEVER)
		return false;
	if (!h->percent)
		return n >= h->count;
	return n > 0 && (s->read >= ENOUGH || s->all_read) && n * 100 >= h->count * s->read;
}
