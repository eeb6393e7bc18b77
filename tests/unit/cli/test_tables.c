/* The tables of commands and options: whole, without contradiction, and read as they say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/commands.h"
#include "tests/unit/base/suite.h"

static size_t longest_line(const char *text)
{
	size_t most = 0;

	while (*text) {
		size_t n = strcspn(text, "\n");

		most = n > most ? n : most;
		text += n + (text[n] == '\n');
	}
	return most;
}

START_TEST(every_command_is_described)
{
	for (const struct command *const *at = commands_all(); *at; at++) {
		const struct command *k = *at;

		ck_assert_msg(k->name && k->args && k->line && k->text && k->example && k->run, "%s", k->name);
		ck_assert_msg(k->group < GROUPS && (k->most < 0 || k->most >= k->least), "%s", k->name);
		ck_assert_msg(longest_line(k->text) <= 96, "%s has a line of %zu columns", k->name,
		              longest_line(k->text));
		ck_assert_msg(strstr(k->example, "sheaf ") != NULL, "%s", k->name);
		ck_assert_ptr_eq(commands_find(k->name), k);
		for (const struct command *const *other = commands_all(); *other != k; other++)
			ck_assert_str_ne((*other)->name, k->name);
	}
}
END_TEST

static bool is_command(const char *name, size_t n)
{
	for (const struct command *const *k = commands_all(); *k; k++)
		if (strlen((*k)->name) == n && memcmp((*k)->name, name, n) == 0)
			return true;
	return false;
}

START_TEST(options_belong_to_commands)
{
	for (const struct option *o = flags_table; o->name; o++) {
		const char *p = o->commands;

		ck_assert_msg(o->help && (o->kind == OPTION_FLAG) == (o->value == NULL), "--%s", o->name);
		ck_assert_msg(o->kind != OPTION_FLAG || !o->standard, "--%s", o->name);
		while (o->commands != EVERY_COMMAND && *p) {
			size_t n = strcspn(p, " ");

			ck_assert_msg(is_command(p, n), "--%s is for '%.*s', which is no command", o->name, (int)n, p);
			p += n + (p[n] == ' ');
		}
	}
}
END_TEST

/* Two options that one command has, or that have a name in common. */
static void agree(const struct option *a, const struct option *b)
{
	bool same = strcmp(a->name, b->name) == 0;

	ck_assert_msg(!same || (a->kind == OPTION_FLAG) == (b->kind == OPTION_FLAG), "--%s", a->name);
	/* a letter is looked up before the command is known */
	ck_assert_msg(same || !a->letter || a->letter != b->letter, "-%c is --%s and --%s", a->letter, a->name,
	              b->name);
	for (const struct command *const *k = commands_all(); *k && same; k++)
		ck_assert_msg(!flags_names(a->commands, (*k)->name) || !flags_names(b->commands, (*k)->name),
		              "%s has --%s twice", (*k)->name, a->name);
}

START_TEST(options_do_not_contradict_each_other)
{
	for (const struct option *a = flags_table; a->name; a++)
		for (const struct option *b = a + 1; b->name; b++)
			agree(a, b);
}
END_TEST

/* Parses and settles words that are separated by blanks. */
static bool given(struct flags *f, const char *command, const char *line)
{
	static char words[256];
	char *argv[32], *rest = NULL;
	int n = 0;

	snprintf(words, sizeof words, "%s", line);
	for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
		argv[n++] = w;
	return flags_parse(f, n, argv) && flags_settle(f, command);
}

START_TEST(defaults_are_good_values)
{
	struct flags f;

	for (const struct command *const *k = commands_all(); *k; k++) {
		ck_assert_msg(given(&f, (*k)->name, ""), "%s", (*k)->name);
		flags_fini(&f);
	}
	ck_assert(given(&f, "submit", "q"));
	ck_assert_uint_eq(f.priority, DEFAULT_PRIORITY);
	ck_assert_uint_eq(f.attempts, 0); /* as the queue has it */
	ck_assert_str_eq(f.broker, SHEAF_DEFAULT_BROKER);
	ck_assert_uint_eq(f.timeout_ms, SHEAF_FOREVER);
	flags_fini(&f);
}
END_TEST

START_TEST(options_stand_anywhere)
{
	struct flags f;

	ck_assert(given(&f, "submit", "--priority 7 q --header=A=1 - --lines --timeout=2s --header B=2 -- --null"));
	ck_assert_uint_eq(f.priority, 7);
	ck_assert_uint_eq(f.timeout_ms, 2000);
	ck_assert(f.lines && !f.null);
	ck_assert_uint_eq(f.n_headers, 2);
	ck_assert_str_eq(f.headers[1], "B=2");
	ck_assert_int_eq(f.n_args, 3);
	ck_assert_str_eq(f.args[1], "-");
	ck_assert_str_eq(f.args[2], "--null");
	flags_fini(&f);
	ck_assert(given(&f, "queue", "q peek -n3"));
	ck_assert_uint_eq(f.count, 3);
	flags_fini(&f);
}
END_TEST

START_TEST(what_is_wrong_is_refused)
{
	static const char *const bad[][2] = {
		{ "submit", "--priority 10" }, { "submit", "--priority" }, { "submit", "--priorty 1" },
		{ "submit", "--any" },         { "submit", "-n 3" },       { "bench", "--mode fast" },
		{ "bench", "--mode on" },      { "submit", "-x" },         { "ping", "--timeout soon" },
		{ "submit", "--lines=maybe" },
	};
	struct flags f;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ck_assert_msg(!given(&f, bad[i][0], bad[i][1]), "%s %s", bad[i][0], bad[i][1]);
		flags_fini(&f);
	}
}
END_TEST

START_TEST(the_environment_comes_second)
{
	struct flags f;

	setenv("SHEAF_PRIORITY", "8", 1);
	setenv("SHEAF_IN_FLIGHT", "12", 1);
	ck_assert(given(&f, "map", ""));
	ck_assert_uint_eq(f.priority, 8);
	ck_assert_uint_eq(f.in_flight, 12);
	flags_fini(&f);
	ck_assert(given(&f, "map", "--priority 2"));
	ck_assert_uint_eq(f.priority, 2);
	flags_fini(&f);
	ck_assert(given(&f, "ping", ""));
	flags_fini(&f);
	setenv("SHEAF_PRIORITY", "high", 1);
	ck_assert(!given(&f, "map", ""));
	flags_fini(&f);
	unsetenv("SHEAF_PRIORITY");
	unsetenv("SHEAF_IN_FLIGHT");
}
END_TEST

SUITE_MAIN("tables", every_command_is_described, options_belong_to_commands, options_do_not_contradict_each_other,
           defaults_are_good_values, options_stand_anywhere, what_is_wrong_is_refused, the_environment_comes_second)
