/* Puts what comes out of order back into order, within a window: results of `map --ordered`. Pure.
 *
 * Numbers count from `first`. A number inside the window is put once, with its bytes or with none; what has
 * come without a gap is taken in order. */
#ifndef SHEAF_CLI_REORDER_H
#define SHEAF_CLI_REORDER_H

#include "base/span.h"

struct reorder_item;

struct reorder {
	struct reorder_item **v; /* owned; at number % window: what was put, or NULL */
	uint64_t next;           /* the number that comes out next */
	uint64_t window;         /* numbers below next + window may be put */
	uint64_t bytes;          /* held */
};

void reorder_init(struct reorder *r, uint64_t first, uint64_t window);
void reorder_fini(struct reorder *r);
/* Whether this number lies within the window. */
static inline bool reorder_has_room(const struct reorder *r, uint64_t number)
{
	return number < r->next + r->window;
}
/* Copies both spans. */
void reorder_put(struct reorder *r, uint64_t number, struct span first, struct span second);
/* The number that is next was dealt with by the caller, without being put. */
void reorder_pass(struct reorder *r);
/* What is next, if it is there; the spans are valid until the next call. */
bool reorder_take(struct reorder *r, struct span *first, struct span *second);

#endif
