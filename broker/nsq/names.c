/* Sets of names; see names.h. */
#include "broker/nsq/names.h"

#include <stdlib.h>

void names_free(struct names *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct names){ 0 };
}

static char *make(struct span topic, struct span channel)
{
	char *name = malloc(topic.n + channel.n + 2);
	size_t n = topic.n;

	must(name != NULL);
	memcpy(name, topic.p, topic.n);
	if (channel.n > 0) {
		name[n++] = ' ';
		memcpy(name + n, channel.p, channel.n);
		n += channel.n;
	}
	name[n] = 0;
	return name;
}

static void put(struct names *s, uint32_t at, char *name)
{
	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 64;
		s->v = realloc(s->v, s->cap * sizeof *s->v);
		must(s->v != NULL);
	}
	memmove(s->v + at + 1, s->v + at, (s->n - at) * sizeof *s->v);
	s->v[at] = name;
	s->n++;
}

void names_add(struct names *s, struct span topic, struct span channel)
{
	put(s, s->n, make(topic, channel));
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void names_sort(struct names *s)
{
	if (s->n > 0)
		qsort(s->v, s->n, sizeof *s->v, compare);
}

/* Where it is, or belongs. */
static uint32_t place(const struct names *s, struct span topic, bool *found)
{
	uint32_t from = 0, to = s->n;

	while (from < to) {
		uint32_t mid = from + (to - from) / 2;
		int c = strncmp(s->v[mid], (const char *)topic.p, topic.n);

		if (c < 0)
			from = mid + 1;
		else
			to = mid; /* equal, or longer and behind it */
	}
	*found = from < s->n && strncmp(s->v[from], (const char *)topic.p, topic.n) == 0 && s->v[from][topic.n] == 0;
	return from;
}

bool names_has(const struct names *s, struct span topic)
{
	bool found;

	place(s, topic, &found);
	return found;
}

bool names_insert(struct names *s, struct span topic)
{
	bool found;
	uint32_t at = place(s, topic, &found);

	if (!found)
		put(s, at, make(topic, span_str("")));
	return !found;
}

void names_remove(struct names *s, struct span topic)
{
	bool found;
	uint32_t at = place(s, topic, &found);

	if (!found)
		return;
	free(s->v[at]);
	s->n--;
	memmove(s->v + at, s->v + at + 1, (s->n - at) * sizeof *s->v);
}

void names_compare(const struct names *before, const struct names *after, void (*gone)(void *arg, struct span name),
                   void (*came)(void *arg, struct span name), void *arg)
{
	uint32_t b = before->n, a = after->n;

	while (b > 0) {
		int c = a == 0 ? 1 : strcmp(before->v[b - 1], after->v[a - 1]);

		if (c > 0)
			gone(arg, span_str(before->v[b - 1]));
		b -= c >= 0;
		a -= c <= 0;
	}
	for (b = 0, a = 0; a < after->n;) {
		int c = b == before->n ? 1 : strcmp(before->v[b], after->v[a]);

		if (c > 0)
			came(arg, span_str(after->v[a]));
		b += c <= 0;
		a += c >= 0;
	}
}
