/* See letter.h. */
#include "broker/smtp/letter.h"

#include <stdlib.h>

#include "base/must.h"

enum { RCPTS_FIRST = 4 };

struct letter *letter_new(void)
{
	struct letter *l = calloc(1, sizeof *l);

	must(l != NULL);
	return l;
}

void letter_free(struct letter *l)
{
	if (l == NULL)
		return;
	for (uint32_t i = 0; i < l->n; i++)
		free(l->rcpts[i].address);
	free(l->rcpts);
	spool_free(l->spool);
	free(l);
}

struct letter_rcpt *letter_add(struct letter *l, struct span address)
{
	struct letter_rcpt *r;

	must(l->n < LIMIT_MAIL_RCPTS);
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? RCPTS_FIRST : 2 * l->cap;
		l->rcpts = reallocarray(l->rcpts, l->cap, sizeof *l->rcpts);
		must(l->rcpts != NULL);
	}
	r = &l->rcpts[l->n++];
	memset(r, 0, sizeof *r);
	r->address = strndup(address.n > 0 ? (const char *)address.p : "", address.n);
	must(r->address != NULL);
	return r;
}
