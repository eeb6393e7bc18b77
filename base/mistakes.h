/* All that is wrong with what a program was told, so that it can be said at once. */
#ifndef SHEAF_BASE_MISTAKES_H
#define SHEAF_BASE_MISTAKES_H

#include <stdint.h>

enum { MISTAKES_MAX = 100, MISTAKE_ROOM = 1024 }; /* that are kept; bytes of one */

struct mistakes {
	char *v[MISTAKES_MAX]; /* owned: sentences, in the order in which they were found */
	uint32_t n;
	uint32_t more; /* that were not kept */
};

/* Copies the sentence. */
__attribute__((format(printf, 2, 3))) void mistakes_add(struct mistakes *m, const char *format, ...);
void mistakes_fini(struct mistakes *m);

/* Prints each on a line of stderr, behind `program: `. */
void mistakes_print(const struct mistakes *m, const char *program);

#endif
