/* Reading a schedule's words; see cronspec.h. When it is due is in cronnext.c. */
#include "broker/core/cronspec.h"

#include <string.h>

#include "base/text.h"
#include "proto/limits.h"

enum { FIELDS = 5, YEAR_2000_S = 946684800 };

struct rule {
	const char *name;
	unsigned low, high;
	const char *words;  /* of three letters each, for low_word and on; or NULL */
	const char *allows; /* for people */
};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY };

static const struct rule rules[FIELDS] = {
	[MINUTE] = { "minute", 0, 59, NULL, "0 to 59" },
	[HOUR] = { "hour", 0, 23, NULL, "0 to 23" },
	[DAY] = { "day of month", 1, 31, NULL, "1 to 31" },
	[MONTH] = { "month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", "1 to 12 or JAN to DEC" },
	[WEEKDAY] = { "day of week", 0, 7, "SUNMONTUEWEDTHUFRISAT", "0 to 7 (0 and 7 are Sunday) or SUN to SAT" },
};

/* Where a sentence about what is wrong goes. */
struct why {
	char *text;
	size_t size;
};

static char upper(uint8_t b)
{
	return (char)(b >= 'a' && b <= 'z' ? b - 'a' + 'A' : b);
}

static bool digit(uint8_t b)
{
	return b >= '0' && b <= '9';
}

static bool blank(uint8_t b)
{
	return b == ' ' || b == '\t';
}

static bool word_is(struct span s, const char *word)
{
	size_t n = strlen(word);

	if (s.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (upper(s.p[i]) != upper((uint8_t)word[i]))
			return false;
	return true;
}

static struct span skip(struct span s, size_t n)
{
	return span_of(s.p + n, s.n - n);
}

/* What stands before the first `c`, or all of it; *rest is what stands behind that. */
static struct span cut(struct span s, char c, struct span *rest)
{
	const uint8_t *p = s.n > 0 ? memchr(s.p, c, s.n) : NULL;
	size_t n = p != NULL ? (size_t)(p - s.p) : s.n;

	*rest = p != NULL ? skip(s, n + 1) : span_of(NULL, 0);
	return span_of(s.p, n);
}

/* "field 'TEXT': what is allowed". */
static bool bad(struct why why, const struct rule *r, struct span item, const char *say, const char *more)
{
	text_format(why.text, why.size, "%s '%.*s': %s%s", r->name, (int)(item.n < 40 ? item.n : 40),
	            (const char *)item.p, say, more);
	return false;
}

static bool read_number(struct span s, unsigned *out)
{
	unsigned v = 0;

	if (s.n == 0 || s.n > 4)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!digit(s.p[i]))
			return false;
		v = 10 * v + (s.p[i] - (unsigned)'0');
	}
	*out = v;
	return true;
}

/* A number, or a word for one. */
static bool read_value(const struct rule *r, struct span s, unsigned *out)
{
	if (r->words != NULL && s.n == 3) {
		for (unsigned i = 0; r->words[3 * i] != '\0'; i++) {
			if (upper(s.p[0]) == r->words[3 * i] && upper(s.p[1]) == r->words[3 * i + 1] &&
			    upper(s.p[2]) == r->words[3 * i + 2]) {
				*out = r->low + i;
				return true;
			}
		}
	}
	return read_number(s, out) && *out >= r->low && *out <= r->high;
}

/* One part of a list: * or N or N-N, perhaps /STEP. */
static bool read_item(const struct rule *r, struct span item, uint64_t *mask, struct why why)
{
	struct span step_text, high_text, range = cut(item, '/', &step_text), low_text = cut(range, '-', &high_text);
	unsigned low = r->low, high = r->high, step = 1;
	bool star = word_is(range, "*"), has_range = high_text.p != NULL, has_step = step_text.p != NULL;

	if (star && r == &rules[WEEKDAY])
		high = 6; /* Sunday once */
	if (!star && !read_value(r, low_text, &low))
		return bad(why, r, item, "allowed is ", r->allows);
	if (!star && !has_range)
		high = low;
	if (has_range && !read_value(r, high_text, &high))
		return bad(why, r, item, "allowed is ", r->allows);
	if (has_range && r == &rules[WEEKDAY] && high == 0 && low > 0)
		high = 7; /* FRI-SUN */
	if (high < low)
		return bad(why, r, item, "a range goes from low to high; one that goes round the end is two: 22-23,0-5",
		           "");
	if (has_step && !star && !has_range)
		return bad(why, r, item, "a step stands behind * or a range, such as */5 or 10-50/5", "");
	if (has_step && (!read_number(step_text, &step) || step == 0 || step > r->high))
		return bad(why, r, item, "a step is a number from 1 to what the field goes up to",
		           r == &rules[MINUTE] ? "; for every 90 minutes say '@every 90m'" : "");
	for (unsigned v = low; v <= high; v += step)
		*mask |= UINT64_C(1) << v;
	return true;
}

static bool read_field(const struct rule *r, struct span text, uint64_t *mask, struct why why)
{
	struct span rest = text;

	*mask = 0;
	do {
		struct span item = cut(rest, ',', &rest);

		if (item.n == 0)
			return bad(why, r, text, "between commas stands a number; allowed is ", r->allows);
		if (!read_item(r, item, mask, why))
			return false;
	} while (rest.p != NULL);
	return true;
}

static bool has(struct span s, char c)
{
	return memchr(s.p, c, s.n) != NULL;
}

/* Cuts the text at its blanks; the number of fields, at most FIELDS + 1. */
static int split(struct span text, struct span f[FIELDS])
{
	int n = 0;

	for (;;) {
		size_t k = 0;

		while (text.n > 0 && blank(text.p[0]))
			text = skip(text, 1);
		if (text.n == 0)
			return n;
		while (k < text.n && !blank(text.p[k]))
			k++;
		if (n == FIELDS)
			return FIELDS + 1;
		f[n++] = span_of(text.p, k);
		text = skip(text, k);
	}
}

static bool read_fields(struct span text, struct cronspec *out, struct why why)
{
	struct span f[FIELDS];
	uint64_t mask[FIELDS];
	int n = split(text, f);

	if (n != FIELDS) {
		text_format(why.text, why.size,
		            "a schedule has five fields, minute hour day-of-month month day-of-week, such as "
		            "'30 6 * * MON-FRI'; here %s%s",
		            n > FIELDS ? "are more"
		            : n == 0   ? "is none"
		                       : "are fewer",
		            n > FIELDS ? " (for seconds say '@every 10s')" : "");
		return false;
	}
	for (int i = 0; i < FIELDS; i++)
		if (!read_field(&rules[i], f[i], &mask[i], why))
			return false;
	out->minutes = mask[MINUTE];
	out->hours = (uint32_t)mask[HOUR];
	out->days = (uint32_t)mask[DAY];
	out->months = (uint16_t)mask[MONTH];
	out->weekdays = (uint8_t)((mask[WEEKDAY] | mask[WEEKDAY] >> 7) & 0x7f);
	out->both_days = f[DAY].p[0] == '*' || f[WEEKDAY].p[0] == '*';
	out->by_wall = has(f[HOUR], '*') || has(f[HOUR], '/');
	if (cronspec_next(out, NULL, 0, (uint64_t)YEAR_2000_S * 1000) == CRON_NEVER) {
		text_format(why.text, why.size,
		            "day of month '%.*s' with month '%.*s' and day of week '%.*s': there is no such day",
		            (int)f[DAY].n, (const char *)f[DAY].p, (int)f[MONTH].n, (const char *)f[MONTH].p,
		            (int)f[WEEKDAY].n, (const char *)f[WEEKDAY].p);
		return false;
	}
	return true;
}

/* "90s", "1h30m", "1d". */
static bool read_duration(struct span s, uint64_t *ms)
{
	static const struct {
		char unit;
		uint64_t ms;
	} units[] = { { 'S', 1000 }, { 'M', 60000 }, { 'H', 3600000 }, { 'D', 86400000 } };
	uint64_t sum = 0;

	while (s.n > 0) {
		uint64_t v = 0, scale = 0;
		size_t n = 0;

		for (; n < s.n && n < 9 && digit(s.p[n]); n++)
			v = 10 * v + (s.p[n] - (unsigned)'0');
		if (n == 0 || n == s.n)
			return false;
		for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
			if (upper(s.p[n]) == units[i].unit)
				scale = units[i].ms;
		if (scale == 0 || v > LIMIT_DELAY_MS / scale)
			return false;
		sum += v * scale;
		s = skip(s, n + 1);
	}
	*ms = sum;
	return sum >= 1000 && sum <= LIMIT_DELAY_MS;
}

static bool read_every(struct span text, struct cronspec *out, struct why why)
{
	while (text.n > 0 && blank(text.p[0]))
		text = skip(text, 1);
	if (read_duration(text, &out->every_ms))
		return true;
	text_format(why.text, why.size,
	            "@every '%.*s': allowed is a duration from 1s to ten years, such as 90s, 5m, 1h30m or 1d",
	            (int)(text.n < 40 ? text.n : 40), (const char *)text.p);
	return false;
}

static bool read_word(struct span text, struct cronspec *out, struct why why)
{
	static const char *const words[][2] = { { "@hourly", "0 * * * *" },   { "@daily", "0 0 * * *" },
		                                { "@midnight", "0 0 * * *" }, { "@weekly", "0 0 * * 0" },
		                                { "@monthly", "0 0 1 * *" },  { "@yearly", "0 0 1 1 *" },
		                                { "@annually", "0 0 1 1 *" } };
	struct span rest, word = cut(text, ' ', &rest);

	if (word_is(word, "@every"))
		return read_every(rest, out, why);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (word_is(text, words[i][0]))
			return read_fields(span_str(words[i][1]), out, why);
	text_format(why.text, why.size,
	            "'%.*s' is none of @hourly, @daily, @weekly, @monthly, @yearly and '@every 90s'",
	            (int)(text.n < 40 ? text.n : 40), (const char *)text.p);
	return false;
}

bool cronspec_parse(struct span text, struct cronspec *out, char *why, size_t size)
{
	struct why w = { why, size };

	*out = (struct cronspec){ 0 };
	why[0] = '\0';
	if (text.n > LIMIT_CRON_SPEC) {
		text_format(why, size, "a schedule has at most %d bytes", LIMIT_CRON_SPEC);
		return false;
	}
	while (text.n > 0 && blank(text.p[0]))
		text = skip(text, 1);
	while (text.n > 0 && blank(text.p[text.n - 1]))
		text.n--;
	return text.n > 0 && text.p[0] == '@' ? read_word(text, out, w) : read_fields(text, out, w);
}
