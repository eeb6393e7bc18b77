/* must_fail(): the end of a program that found itself in a state it cannot be in. */
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

void must_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "sheaf: bug at %s:%d: %s\n", file, line, what);
	abort();
}
