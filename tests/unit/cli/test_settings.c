/* A queue's settings as people type and read them. */
#include "client/cli/settings.h"

#include <stdio.h>

#include "tests/unit/base/suite.h"

START_TEST(test_good)
{
	static const struct {
		const char *word, *name;
		uint64_t value;
		const char *shown;
	} cases[] = {
		{ "concurrency=4", "concurrency", 4, "4" },
		{ "rate=100/s", "rate", 8640000, "100/s" },
		{ "rate=6/m", "rate", 8640, "6/m" },
		{ "rate=60/m", "rate", 86400, "1/s" },
		{ "rate=500/h", "rate", 12000, "500/h" },
		{ "rate=1/d", "rate", 1, "1/d" },
		{ "rate=1000000/s", "rate", LIMIT_RATE, "1000000/s" },
		{ "burst=10", "burst", 10, "10" },
		{ "lease=1.5s", "lease", 1500, "1500ms" },
		{ "keep=90m", "keep", 5400000, "90m" },
		{ "keep=48h", "keep", 172800000, "2d" },
		{ "keep-bytes=64M", "keep-bytes", 64 * MIB, "64M" },
		{ "keep-bytes=1000", "keep-bytes", 1000, "1000" },
		{ "attempts=200", "attempts", 200, "200" },
		{ "keep=default", "keep", 0, "0d" },
	};
	struct msg_setting_rec s;
	char why[SETTINGS_WHY], out[SETTINGS_SHOWN];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ck_assert_msg(settings_parse(cases[i].word, &s, why), "%s", cases[i].word);
		ck_assert_msg(span_eq(s.name, span_str(cases[i].name)), "%s", cases[i].word);
		ck_assert_uint_eq(s.value, cases[i].value);
		ck_assert_str_eq(settings_show(&s, out), cases[i].shown);
	}
}
END_TEST

START_TEST(test_bad)
{
	static const struct {
		const char *word, *says;
	} cases[] = {
		{ "concurency=4", "did you mean 'concurrency'" },
		{ "colour=red", "'sheaf help queue'" },
		{ "rate", "rate=VALUE" },
		{ "=4", "no setting ''" },
		{ "", "no setting ''" },
		{ "concurrency=0", "concurrency=default" },
		{ "concurrency=1000001", "at most 1000000" },
		{ "concurrency=many", "'many' is no whole number" },
		{ "concurrency=", "'' is no whole number" },
		{ "rate=100", "100/s" },
		{ "rate=/s", "100/s" },
		{ "rate=1000001/s", "100/s" },
		{ "rate=5/week", "100/s" },
		{ "keep=2", "no duration" },
		{ "keep=3651d", "no duration" },
		{ "keep-bytes=2X", "no size" },
		{ "keep-bytes=2048T", "at most 1T" },
		{ "attempts=201", "at most 200" },
	};
	struct msg_setting_rec s;
	char why[SETTINGS_WHY];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		why[0] = 0;
		ck_assert_msg(!settings_parse(cases[i].word, &s, why), "%s", cases[i].word);
		ck_assert_msg(strstr(why, cases[i].says) != NULL, "%s: %s", cases[i].word, why);
	}
}
END_TEST

/* What is shown can be typed again. */
START_TEST(test_shown_is_read)
{
	static const uint64_t values[] = { 1, 7, 59, 60, 61, 100, 150, 200 };
	char why[SETTINGS_WHY], out[SETTINGS_SHOWN], word[64];
	struct msg_setting_rec s;

	for (unsigned i = 0; i < SETTINGS; i++) {
		for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
			struct msg_setting_rec r = { span_str(settings_text(i).name), values[k] };

			snprintf(word, sizeof word, "%s=%s", settings_text(i).name, settings_show(&r, out));
			ck_assert_msg(settings_parse(word, &s, why), "%s: %s", word, why);
			ck_assert_uint_eq(s.value, values[k]);
		}
	}
	/* of a newer broker */
	ck_assert_str_eq(settings_show(&(struct msg_setting_rec){ span_str("colour"), 5 }, out), "5");
}
END_TEST

SUITE_MAIN("settings", test_good, test_bad, test_shown_is_read)
