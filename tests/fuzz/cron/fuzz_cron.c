/* Any bytes at all as a file of a time zone, or (behind a first byte '@' or less than '@', as no such file begins) as
 * the words of a schedule. What is taken has to make sense: time goes forward, parts of a zone meet, and what is due
 * next is later than what was due before. Built by clang with libFuzzer, or with our driver by any compiler. */
#include "broker/core/civil.h"
#include "broker/core/cronspec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void walk(const struct cronspec *s, const struct zone *z, uint64_t at, int steps)
{
	uint64_t anchor = at / 2;

	for (int i = 0; i < steps; i++) {
		uint64_t next = cronspec_next(s, z, anchor, at);

		if (next == CRON_NEVER)
			return;
		must(next > at);
		must(cronspec_last(s, z, anchor, at, next) == next);
		must(cronspec_last(s, z, anchor, at, next - 1) == CRON_NEVER);
		at = next;
	}
}

static void spec(struct span text)
{
	struct cronspec s;
	char why[200];

	if (!cronspec_parse(text, &s, why, sizeof why)) {
		must(why[0] != '\0');
		return;
	}
	walk(&s, NULL, UINT64_C(1700000000000), 20);
	walk(&s, NULL, UINT64_C(7000000000123), 5);
}

static void zone(struct span bytes)
{
	static const char *const specs[] = { "30 2 * * *", "*/7 */3 * * *", "0 0 29 2 *" };
	const char *why = NULL;
	struct zone *z = zone_parse(bytes, &why);
	char text[8];

	if (z == NULL) {
		must(why != NULL && why[0] != '\0');
		return;
	}
	for (int64_t year = 1850; year < 2300; year += 13) {
		int64_t t = civil_days(year, (unsigned)(year % 12) + 1, 1) * DAY_S;
		struct zone_part p = zone_part(z, t);

		must(p.from <= t && t < p.to && p.offset > -100000 && p.offset < 100000);
		must(p.from == INT64_MIN || zone_part(z, p.from - 1).to == p.from);
		must(p.to == INT64_MAX || zone_part(z, p.to).from == p.to);
		must(zone_instant(z, t + p.offset) <= t);
	}
	for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
		struct cronspec s;

		must(cronspec_parse(span_str(specs[i]), &s, text, sizeof text));
		walk(&s, z, UINT64_C(1300000000000), 5);
		walk(&s, z, UINT64_C(2900000000000), 3);
	}
	zone_free(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n > 0 && data[0] <= '@')
		spec(span_of(data, n));
	else
		zone(span_of(data, n));
	return 0;
}
