/* Unpredictable bits from the kernel; see rand.h. */
#include "base/rand.h"

#include <sys/random.h>

#include "base/must.h"

uint64_t rand_os(void)
{
	uint64_t v = 0;

	while (v == 0) {
		ssize_t n = getrandom(&v, sizeof v, 0);

		must(n == (ssize_t)sizeof v || n < 0);
	}
	return v;
}
