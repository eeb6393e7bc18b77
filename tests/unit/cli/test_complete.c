/* Which completions belong at which place of a command line. */
#include "client/cli/complete.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/base/suite.h"

static char got[4096], options[256];

static void note(void *ctx, const struct option *o, const char *value)
{
	(void)ctx;
	snprintf(options + strlen(options), sizeof options - strlen(options), "%s=%s ", o->name, value);
}

static void add(void *ctx, const char *word, const char *line)
{
	(void)ctx;
	(void)line;
	snprintf(got + strlen(got), sizeof got - strlen(got), "%s ", word);
}

/* Looks at words with blanks between; a blank at the end is an empty last word. */
static struct completion look(const char *line)
{
	static char text[256];
	static const char *words[32];
	static struct completion k;
	int n = 1;

	snprintf(text, sizeof text, "%s", line);
	words[0] = text;
	for (char *p = text; *p; p++) {
		if (*p == ' ') {
			*p = 0;
			words[n++] = p + 1;
		}
	}
	got[0] = options[0] = 0;
	complete_look(&k, n, words, note, NULL);
	complete_known(&k, add, NULL);
	return k;
}

START_TEST(commands)
{
	ck_assert_int_eq(look("").kind, COMPLETE_COMMAND);
	ck_assert_ptr_nonnull(strstr(got, "submit "));
	look("qu");
	ck_assert_str_eq(got, "queues queue ");
	look("--broker x qu");
	ck_assert_str_eq(got, "queues queue ");
	ck_assert_str_eq(options, "broker=x ");
	ck_assert_int_eq(look("help qu").kind, COMPLETE_COMMAND);
	ck_assert_str_eq(got, "queues queue ");
	ck_assert_int_eq(look("nonsense ").kind, COMPLETE_NOTHING);
}
END_TEST

START_TEST(places)
{
	ck_assert_int_eq(look("map ").kind, COMPLETE_QUEUE);
	ck_assert_str_eq(look("map th").typed, "th");
	ck_assert_int_eq(look("map q ").kind, COMPLETE_NOTHING);
	ck_assert_int_eq(look("map --tag ").kind, COMPLETE_QUEUE);
	ck_assert_int_eq(look("map -- ").kind, COMPLETE_QUEUE);
	ck_assert_int_eq(look("submit q ").kind, COMPLETE_NOTHING); /* a payload */
	ck_assert_int_eq(look("wait 1 2 ").kind, COMPLETE_NOTHING);
	ck_assert_int_eq(look("workers drain ").kind, COMPLETE_WORKER);
	look("queue q p");
	ck_assert_str_eq(got, "pause purge peek ");
	look("workers ");
	ck_assert_str_eq(got, "drain resume ");
	look("completion z");
	ck_assert_str_eq(got, "zsh ");
}
END_TEST

START_TEST(options_and_values)
{
	struct completion k;

	ck_assert_int_eq(look("map --re").kind, COMPLETE_OPTION);
	ck_assert_str_eq(got, "--resume --resume-failed --retry-failed ");
	look("ping --re");
	ck_assert_str_eq(got, "");
	look("bench --mode pi");
	ck_assert_str_eq(got, "pipelined ");
	k = look("bench --mode=b");
	ck_assert_str_eq(got, "batched ");
	ck_assert_uint_eq(k.prefix_n, strlen("--mode="));
	look("map q --halt ");
	ck_assert_str_eq(got, "never soon now ");
	ck_assert_int_eq(look("map --joblog ").kind, COMPLETE_FILE);
	ck_assert_int_eq(look("map --joblog=").kind, COMPLETE_FILE);
	ck_assert_int_eq(look("help --man-pages ").kind, COMPLETE_DIR);
	ck_assert_int_eq(look("bench --queue ").kind, COMPLETE_QUEUE);
	ck_assert_int_eq(look("map --priority ").kind, COMPLETE_NOTHING);
	ck_assert_int_eq(look("map -j ").kind, COMPLETE_NOTHING);
	ck_assert_int_eq(look("map -j4 ").kind, COMPLETE_QUEUE);
	ck_assert_int_eq(look("map -- --re").kind, COMPLETE_QUEUE);
	look("map --timeout=2s --insecure q --broker tcp://h:1 ");
	ck_assert_str_eq(options, "timeout=2s insecure=true broker=tcp://h:1 ");
}
END_TEST

SUITE_MAIN("complete", commands, places, options_and_values)
