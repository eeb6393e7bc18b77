/* See suggest.h. */
#include "base/suggest.h"

#include <stdio.h>
#include <string.h>

enum { WORD = 63 };

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

unsigned int suggest_distance(const char *a, const char *b)
{
	size_t n = strnlen(a, WORD), m = strnlen(b, WORD);
	unsigned int rows[3][WORD + 1]; /* optimal string alignment: this row and the two above it */
	unsigned int *above2 = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned int *spare = above2;

		above2 = above;
		above = row;
		row = spare;
		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], above2[j - 2] + 1);
		}
	}
	return row[m];
}

void suggest_init(struct suggest *s, const char *typed)
{
	*s = (struct suggest){ .typed = typed, .least = WORD };
}

void suggest_offer(struct suggest *s, const char *word)
{
	unsigned int d = suggest_distance(s->typed, word);

	if (d >= s->least)
		return;
	s->least = d;
	snprintf(s->best, sizeof s->best, "%s", word);
}

const char *suggest_best(const struct suggest *s)
{
	size_t n = strnlen(s->typed, WORD);
	unsigned int most = n <= 2 ? 1 : n <= 5 ? 2 : 3;

	return s->best[0] && s->least <= most && s->least < n ? s->best : NULL;
}
