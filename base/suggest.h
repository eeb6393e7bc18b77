/* Words that are close to what somebody typed: "did you mean 'submit'?". Pure. */
#ifndef SHEAF_BASE_SUGGEST_H
#define SHEAF_BASE_SUGGEST_H

#include <stddef.h>

/* How many letters have to be added, taken away, changed or swapped with their neighbour to make b of a;
 * words over 63 bytes are compared by their beginnings. */
unsigned int suggest_distance(const char *a, const char *b);

/* The closest of words seen so far. */
struct suggest {
	const char *typed;  /* borrowed */
	char best[64];      /* the closest word; "" = none is close */
	unsigned int least; /* its distance */
};

void suggest_init(struct suggest *s, const char *typed);
void suggest_offer(struct suggest *s, const char *word);
/* The closest word, or NULL if none is close enough to be meant. */
const char *suggest_best(const struct suggest *s);

#endif
