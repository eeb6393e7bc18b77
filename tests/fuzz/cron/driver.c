/* Feeds the fuzzer without libFuzzer: time zones of this machine and schedules that are good, then changed at random.
 * The same seed gives the same inputs. `fuzz_cron [--seconds N] [--seed S]`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { CHANGES_MOST = 5, TURN = 64 };

static const char *const zones[] = { "Europe/Berlin",     "Australia/Lord_Howe", "Africa/Casablanca",
	                             "America/Sao_Paulo", "Asia/Kathmandu",      "UTC" };
static const char *const specs[] = { "*/5 * * * *",  "30 2 * * MON-FRI", "0 0 1,15 JAN-JUN/2 *",
	                             "@every 1h30m", "@daily",           "10-50/20,7 1-5 */3 12 SUN" };
enum { ZONES = sizeof zones / sizeof zones[0], SPECS = sizeof specs / sizeof specs[0] };

/* Bytes around which things change: in words of schedules, and in counts and rules of zones. */
static const char telling[] = "0159*/,-@ \tMFS<>.:JMX\n";

static bool load(const char *name, struct buf *b)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
	f = fopen(path, "rb");
	if (f == NULL)
		return false;
	b->n = fread(buf_room(b, 1 << 16), 1, 1 << 16, f);
	fclose(f);
	return b->n > 0;
}

static void change(struct rng *r, struct buf *b)
{
	size_t at = rng_below(r, b->n), n = 1 + rng_below(r, 12);

	n = n < b->n - at ? n : b->n - at;
	switch (rng_below(r, 6)) {
	case 0:
		b->p[at] ^= (uint8_t)(1u << rng_below(r, 8));
		break;
	case 1:
		b->p[at] = (uint8_t)telling[rng_below(r, sizeof telling - 1)];
		break;
	case 2:
		b->n = at;
		break;
	case 3:
		memmove(b->p + at, b->p + at + n, b->n - at - n);
		b->n -= n;
		break;
	case 4: /* the end of a zone has its rule */
		b->p[b->n - 1 - rng_below(r, b->n < 40 ? b->n : 40)] =
		    (uint8_t)telling[rng_below(r, sizeof telling - 1)];
		break;
	default:
		buf_room(b, n);
		memmove(b->p + at + n, b->p + at, b->n - at);
		for (size_t i = 0; i < n; i++)
			b->p[at + i] = (uint8_t)telling[rng_below(r, sizeof telling - 1)];
		b->n += n;
	}
}

static void one(struct rng *r, const struct buf *seeds, uint64_t n_seeds, struct buf *b)
{
	const struct buf *seed = &seeds[rng_below(r, n_seeds)];
	uint64_t changes = rng_below(r, CHANGES_MOST + 1);
	uint8_t *tight;

	buf_clear(b);
	buf_put_span(b, buf_span(seed));
	while (changes-- > 0 && b->n > 0)
		change(r, b);
	tight = malloc(b->n ? b->n : 1); /* of just that size, so that a sanitizer sees what is read behind it */
	must(tight != NULL);
	if (b->n > 0)
		memcpy(tight, b->p, b->n);
	LLVMFuzzerTestOneInput(tight, b->n);
	free(tight);
}

int main(int argc, char **argv)
{
	uint64_t seconds = 10, seed = 1, runs = 0, end, n = 0;
	struct buf seeds[ZONES + SPECS], b;
	struct rng r;

	for (int i = 1; i + 1 < argc; i += 2) {
		if ((strcmp(argv[i], "--seconds") != 0 || !units_number(argv[i + 1], 0, 1000000, &seconds)) &&
		    (strcmp(argv[i], "--seed") != 0 || !units_number(argv[i + 1], 0, UINT64_MAX, &seed))) {
			fprintf(stderr, "fuzz_cron [--seconds N] [--seed S]\n");
			return 2;
		}
	}
	rng_seed(&r, seed);
	buf_init(&b);
	for (int i = 0; i < SPECS + ZONES; i++) {
		buf_init(&seeds[n]);
		if (i < SPECS)
			buf_put_span(&seeds[n], span_str(specs[i]));
		else if (!load(zones[i - SPECS], &seeds[n]))
			continue; /* it works without them, too */
		n++;
	}
	end = clock_mono_ms() + 1000 * seconds;
	do {
		for (int i = 0; i < TURN; i++, runs++)
			one(&r, seeds, n, &b);
	} while (clock_mono_ms() < end);
	printf("fuzz_cron: %llu inputs, seed %llu, nothing found\n", (unsigned long long)runs,
	       (unsigned long long)seed);
	for (uint64_t i = 0; i < n; i++)
		buf_fini(&seeds[i]);
	buf_fini(&b);
	return 0;
}
