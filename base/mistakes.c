/* See mistakes.h. */
#include "base/mistakes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/text.h"

void mistakes_add(struct mistakes *m, const char *format, ...)
{
	char text[MISTAKE_ROOM];
	va_list args;

	if (m->n == MISTAKES_MAX) {
		m->more++;
		return;
	}
	va_start(args, format);
	text_vformat(text, sizeof text, format, args);
	va_end(args);
	m->v[m->n] = strdup(text);
	must(m->v[m->n] != NULL);
	m->n++;
}

void mistakes_fini(struct mistakes *m)
{
	for (uint32_t i = 0; i < m->n; i++)
		free(m->v[i]);
	*m = (struct mistakes){ 0 };
}

void mistakes_print(const struct mistakes *m, const char *program)
{
	for (uint32_t i = 0; i < m->n; i++)
		fprintf(stderr, "%s: %s\n", program, m->v[i]);
	if (m->more > 0)
		fprintf(stderr, "%s: and %u mistakes more\n", program, m->more);
}
