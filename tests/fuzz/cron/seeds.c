/* What fuzz_cron begins with: time zones of this machine, and schedules that are good. */
#include <stdio.h>

#include "tests/fuzz/driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

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

static struct buf seeds[ZONES + SPECS];
static size_t n_seeds;

static void begin(void)
{
	for (size_t i = 0; i < SPECS; i++)
		buf_put_span(&seeds[n_seeds++], span_str(specs[i]));
	for (size_t i = 0; i < ZONES; i++) /* it works without them, too */
		n_seeds += load(zones[i], &seeds[n_seeds]);
}

static const char *end(void)
{
	for (size_t i = 0; i < ZONES + SPECS; i++)
		buf_fini(&seeds[i]);
	return NULL;
}

static void make(struct rng *r, struct buf *b)
{
	buf_put_span(b, buf_span(&seeds[rng_below(r, n_seeds)]));
}

/* The end of a zone has its rule. */
static void change(struct rng *r, struct buf *b)
{
	b->p[b->n - 1 - rng_below(r, b->n < 40 ? b->n : 40)] = (uint8_t)telling[rng_below(r, sizeof telling - 1)];
}

const struct fuzzer fuzzer = {
	.name = "fuzz_cron",
	.begin = begin,
	.end = end,
	.input = LLVMFuzzerTestOneInput,
	.make = make,
	.changes = 5,
	.telling = FUZZ_BYTES(telling),
	.change = change,
};
