/* See settings.h. */
#include "client/cli/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "base/units.h"

static const struct known {
	struct setting_text text;
	enum setting_kind kind;
	uint64_t most;
} known[] = {
#define KNOWN(field, name, kind, most, standard, meaning) { { name, standard, meaning }, SETTING_##kind, most },
	QUEUE_SETTINGS(KNOWN)
#undef KNOWN
};

/* A unit, the largest first. */
struct unit {
	const char *name;
	uint64_t size;
};

static const struct unit rates[] = {
	{ "/s", RATE_PER_SECOND }, { "/m", RATE_PER_MINUTE }, { "/h", RATE_PER_HOUR }, { "/d", RATE_PER_DAY }
};
static const struct unit durations[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }
};
static const struct unit sizes[] = { { "T", 1024 * GIB }, { "G", GIB }, { "M", MIB }, { "K", KIB }, { "", 1 } };

#define SHOW(out, units, v) show(out, units, sizeof(units) / sizeof((units)[0]), v)

/* In the largest unit that makes it whole. */
static const char *show(char out[SETTINGS_SHOWN], const struct unit *units, size_t n, uint64_t v)
{
	size_t i = 0;

	while (i + 1 < n && v % units[i].size != 0)
		i++;
	snprintf(out, SETTINGS_SHOWN, "%" PRIu64 "%s", v / units[i].size, units[i].name);
	return out;
}

static const char *show_kind(enum setting_kind kind, uint64_t v, char out[SETTINGS_SHOWN])
{
	switch (kind) {
	case SETTING_RATE:
		return SHOW(out, rates, v);
	case SETTING_DURATION:
		return SHOW(out, durations, v);
	case SETTING_SIZE:
		return SHOW(out, sizes, v);
	default:
		snprintf(out, SETTINGS_SHOWN, "%" PRIu64, v);
		return out;
	}
}

bool settings_rate(const char *text, uint64_t *v)
{
	const char *slash = strchr(text, '/');
	char number[24];

	if (!slash || (size_t)(slash - text) >= sizeof number)
		return false;
	memcpy(number, text, (size_t)(slash - text));
	number[slash - text] = 0;
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		if (strcmp(rates[i].name, slash) != 0)
			continue;
		if (!units_number(number, 0, LIMIT_RATE / rates[i].size, v))
			return false;
		*v *= rates[i].size;
		return true;
	}
	return false;
}

static const struct known *find(struct span name)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (span_eq(name, span_str(known[i].text.name)))
			return &known[i];
	return NULL;
}

/* What a value must look like. */
static const char *form(enum setting_kind kind)
{
	switch (kind) {
	case SETTING_RATE:
		return "rate such as 100/s, 6/m, 500/h or 50/d, at most 1000000/s";
	case SETTING_DURATION:
		return "duration such as 500ms, 30s, 5m, 2h or 7d";
	case SETTING_SIZE:
		return "size such as 512K, 64M or 2G";
	default:
		return "whole number";
	}
}

static bool read_value(const struct known *k, const char *text, uint64_t *v, char why[SETTINGS_WHY])
{
	char most[SETTINGS_SHOWN];
	bool good;

	switch (k->kind) {
	case SETTING_RATE:
		good = settings_rate(text, v);
		break;
	case SETTING_DURATION:
		good = units_duration(text, v);
		break;
	case SETTING_SIZE:
		good = units_size(text, v);
		break;
	default:
		good = units_number(text, 0, UINT64_MAX, v);
	}
	if (good && *v > 0 && *v <= k->most)
		return true;
	if (good && *v == 0)
		snprintf(why, SETTINGS_WHY, "%s: 0 is no value; '%s=default' takes the setting back (%s)", k->text.name,
		         k->text.name, k->text.standard);
	else if (good)
		snprintf(why, SETTINGS_WHY, "%s: at most %s", k->text.name, show_kind(k->kind, k->most, most));
	else
		snprintf(why, SETTINGS_WHY, "%s: '%.64s' is no %s", k->text.name, text, form(k->kind));
	return false;
}

bool settings_parse(const char *word, struct msg_setting_rec *out, char why[SETTINGS_WHY])
{
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : strlen(word);
	const struct known *k = find(span_of(word, n));
	char typed[64];
	struct suggest s;

	if (k && equals) {
		*out = (struct msg_setting_rec){ .name = span_str(k->text.name) };
		return strcmp(equals + 1, "default") == 0 || read_value(k, equals + 1, &out->value, why);
	}
	if (k) {
		snprintf(why, SETTINGS_WHY, "what is %s to be? %s=VALUE, or %s=default", word, word, word);
		return false;
	}
	snprintf(typed, sizeof typed, "%.*s", (int)(n < 60 ? n : 60), word);
	suggest_init(&s, typed);
	for (size_t i = 0; i < SETTINGS; i++)
		suggest_offer(&s, known[i].text.name);
	if (suggest_best(&s))
		snprintf(why, SETTINGS_WHY, "a queue has no setting '%s': did you mean '%s'?", typed, suggest_best(&s));
	else
		snprintf(why, SETTINGS_WHY, "a queue has no setting '%s': 'sheaf help queue' lists them", typed);
	return false;
}

const char *settings_show(const struct msg_setting_rec *s, char out[SETTINGS_SHOWN])
{
	const struct known *k = find(s->name);

	return show_kind(k ? k->kind : SETTING_COUNT, s->value, out);
}

bool settings_is_count(struct span name)
{
	const struct known *k = find(name);

	return !k || k->kind == SETTING_COUNT;
}

struct setting_text settings_text(unsigned i)
{
	must(i < SETTINGS);
	return known[i].text;
}
