/* A set of names, "TOPIC" or "TOPIC CHANNEL", in order. */
#ifndef SHEAF_NSQ_NAMES_H
#define SHEAF_NSQ_NAMES_H

#include "base/must.h"
#include "base/span.h"

/* Zeroed, it is empty. */
struct names {
	char **v; /* sorted once names_sort was called */
	uint32_t n, cap;
};

void names_free(struct names *s);

/* Adds a topic, or a channel of it; not in order. */
void names_add(struct names *s, struct span topic, struct span channel);
void names_sort(struct names *s);

/* Of a sorted set. */
bool names_has(const struct names *s, struct span topic);

/* Adds to a sorted set where it belongs; false: it is there already. */
bool names_insert(struct names *s, struct span topic);

/* Takes it out of a sorted set, if it is there. */
void names_remove(struct names *s, struct span topic);

/* What is in one sorted set and not in the other. `gone` is called from the last to the first, so that channels go
 * before their topic, then `came` from the first to the last. */
void names_compare(const struct names *before, const struct names *after, void (*gone)(void *arg, struct span name),
                   void (*came)(void *arg, struct span name), void *arg);

#endif
