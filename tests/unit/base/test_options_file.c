/* The file of the daemons' options: sections, what inih would swallow in silence, all mistakes with their lines. */
#include <stdio.h>
#include <unistd.h>

#include "base/options.h"
#include "tests/unit/base/suite.h"

static const struct option_spec specs[] = {
	{ "data", 0, "DIR", "where" },           { "mail", 0, "ADDRESS", "mail comes in" },
	{ "mail-domain", 0, "NAME...", "ours" }, { "mail-size", 0, "SIZE", "of one" },
	{ "mail-strict", 0, NULL, "say no" },    { "config", 0, "FILE", "read more from there" },
};
static const char *const keys[] = { "payload", "users", NULL };
static const struct option_section sections[] = {
	{ .name = "mail", .prefix = "mail-", .listen = "mail", .last = "mail-strict", .env = "post-" },
	{ .name = "mail.queue.", .keys = keys },
};
static const struct option_table table = { specs, 6, sections, 2 };

static char path[] = "/tmp/sheaf-options-XXXXXX";
static struct options o;
static struct mistakes found;
static char err[OPTIONS_ERR];

static int read_text(const char *text, struct mistakes *m, char **more, int n)
{
	char *argv[8] = { "prog", "--config", path };
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	for (int i = 0; i < n; i++)
		argv[3 + i] = more[i];
	options_fini(&o);
	mistakes_fini(&found);
	err[0] = '\0';
	return options_parse_table(&o, &table, 3 + n, argv, m, err);
}

static void good(const char *text)
{
	ck_assert_msg(read_text(text, NULL, NULL, 0) == 0, "%s", err);
}

/* These are all mistakes, with their lines. */
static void bad(const char *text, const char *const *lines, uint32_t n)
{
	char want[OPTIONS_ERR];

	ck_assert_int_eq(read_text(text, &found, NULL, 0), -1);
	ck_assert(o.usable);
	for (uint32_t i = 0; i < n && i < found.n; i++) {
		snprintf(want, sizeof want, "%s:%s", path, lines[i]);
		ck_assert_str_eq(found.v[i], want);
	}
	ck_assert_uint_eq(found.n, n);
	ck_assert_str_eq(err, found.v[0]);
}
#define BAD(text, ...)                                                                                                 \
	bad(text, (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void has_list(const char *name, const char *const *want, int n)
{
	char **values;

	ck_assert_int_eq(options_list(&o, name, &values), n);
	for (int i = 0; i < n; i++)
		ck_assert_str_eq(values[i], want[i]);
}
#define HAS_LIST(name, ...)                                                                                            \
	has_list(name, (const char *const[]){ __VA_ARGS__ },                                                           \
	         sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void entry_is(int i, const char *section, const char *key, const char *value, int line)
{
	ck_assert_int_lt(i, o.n_entries);
	ck_assert_str_eq(o.entries[i].section, section);
	ck_assert_str_eq(o.entries[i].key, key);
	ck_assert_str_eq(o.entries[i].value, value);
	ck_assert_int_eq(o.entries[i].line, line);
}

START_TEST(test_sections)
{
	good("data = /d\n[mail]\nlisten = a:1\ndomain = x.y\ndomain = z\nsize = 3\nstrict = yes\n"
	     "[mail.queue.a.b]\npayload = raw\nusers =\n[mail]\ndomain=w\n[mail.queue.c]\nusers = u, v\n");
	ck_assert_str_eq(options_get(&o, "data"), "/d");
	ck_assert_str_eq(options_get(&o, "mail"), "a:1");
	ck_assert_str_eq(options_get(&o, "mail-size"), "3");
	ck_assert(options_flag(&o, "mail-strict"));
	HAS_LIST("mail-domain", "x.y", "z", "w");
	ck_assert_int_eq(o.n_entries, 3);
	entry_is(0, "a.b", "payload", "raw", 9);
	entry_is(1, "a.b", "users", "", 10);
	entry_is(2, "c", "users", "u, v", 14);
	/* the whole name does, too, where there is no section; the command line is stronger in both */
	ck_assert_int_eq(read_text("mail-size = 4\n[mail]\nlisten = b:2\ndomain = f\n", NULL,
	                           (char *[]){ "--mail=c:3", "--mail-domain", "g" }, 3),
	                 0);
	ck_assert_str_eq(options_get(&o, "mail"), "c:3");
	ck_assert_str_eq(options_get(&o, "mail-size"), "4");
	HAS_LIST("mail-domain", "g");
}
END_TEST

/* inih takes an indented line for more of the value above it, and cuts names of sections at 50 bytes. */
START_TEST(test_shapes_of_lines)
{
	good("\xEF\xBB\xBF[mail]\r\n  listen = a:1 ; a remark\r\n\tsize = 3\r\n   # no = entry\r\n\r\n  [mail.queue.q] "
	     " \r\n"
	     "    payload = json");
	ck_assert_str_eq(options_get(&o, "mail"), "a:1");
	ck_assert_str_eq(options_get(&o, "mail-size"), "3");
	entry_is(0, "q", "payload", "json", 7);
	good("[mail.queue.abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-12]\nusers=x\n");
	entry_is(0, "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-12", "users", "x", 2);
}
END_TEST

START_TEST(test_long_lines)
{
	char text[1024];

	snprintf(text, sizeof text, "[mail]\ndomain = %0190d\nsize = 2\n", 7); /* what there is room for */
	ck_assert_msg(read_text(text, NULL, NULL, 0) != 0, "a line of 199 bytes fits");
	snprintf(text, sizeof text, "[mail]\ndomain = %0189d\nsize = 2\n", 7);
	good(text);
	ck_assert_str_eq(options_get(&o, "mail-size"), "2");
	snprintf(text, sizeof text, "# %0300d\n[mail]\nsize = %0400d\ndomian = x\n; %0199d\n", 1, 2, 3);
	BAD(text, "3: more than 198 bytes: a list may be given in several lines",
	    "4: unknown key 'domian' in [mail]: did you mean 'domain'?");
	/* the last line, and without an end */
	snprintf(text, sizeof text, "[mail]\ndomain = %0189d", 7);
	good(text);
}
END_TEST

START_TEST(test_all_mistakes)
{
	BAD("dta = 1\nnonsense\n[mail]\nlisten = a:1\nsiez = 3\nmail-size = 3\ndata = x\n[mial]\nx = "
	    "1\n[mail.queue.q]\n"
	    "payloda = raw\nsize = 3\n[mail.queue.]\n[mail.queue.x\nusers = 1\n[]\n",
	    "1: unknown key 'dta': did you mean 'data'?", "2: not NAME = VALUE",
	    "5: unknown key 'siez' in [mail]: did you mean 'size'?", "6: unknown key 'mail-size' in [mail]",
	    "7: unknown key 'data' in [mail]", "8: unknown section [mial]: did you mean [mail]?",
	    "11: unknown key 'payloda' in [mail.queue.q]: did you mean 'payload'?",
	    "12: unknown key 'size' in [mail.queue.q]", "13: unknown section [mail.queue.]",
	    "14: a section's name ends with ]", "16: unknown section []");
	ck_assert_str_eq(options_get(&o, "mail"), "a:1"); /* what is right counts */
}
END_TEST

/* A sentence about an option begins with the place of the value that it quotes. */
START_TEST(test_places)
{
	char want[OPTIONS_ERR], text[OPTIONS_ERR] = "--mail-domain: 'b..c' is none";

	ck_assert_int_eq(
	    read_text("[mail]\ndomain = a, b..c\ndomain = d\nsize = 9\n", NULL, (char *[]){ "--data", "/d" }, 2), 0);
	options_locate(&o, text);
	snprintf(want, sizeof want, "%s:2: --mail-domain: 'b..c' is none", path);
	ck_assert_str_eq(text, want);
	snprintf(text, sizeof text, "--mail-size means nothing");
	options_locate(&o, text);
	snprintf(want, sizeof want, "%s:4: --mail-size means nothing", path);
	ck_assert_str_eq(text, want);
	snprintf(text, sizeof text, "--data: 'x' is none"); /* of the command line */
	options_locate(&o, text);
	ck_assert_str_eq(text, "--data: 'x' is none");
	snprintf(text, sizeof text, "the disk is full");
	options_locate(&o, text);
	ck_assert_str_eq(text, "the disk is full");
}
END_TEST

/* Options of a section are called the same in the environment of all programs that have it. */
START_TEST(test_environment)
{
	ck_assert_int_eq(setenv("SHEAF_POST", "e:1", 1), 0);
	ck_assert_int_eq(setenv("SHEAF_POST_SIZE", "7", 1), 0);
	ck_assert_int_eq(setenv("SHEAF_MAIL_DOMAIN", "wrong", 1), 0);
	ck_assert_int_eq(setenv("SHEAF_DATA", "/e", 1), 0);
	good("[mail]\nlisten = f:2\nsize = 8\n");
	ck_assert_str_eq(options_get(&o, "mail"), "e:1");
	ck_assert_str_eq(options_get(&o, "mail-size"), "7");
	ck_assert_str_eq(options_get(&o, "data"), "/e");
	ck_assert_ptr_null(options_get(&o, "mail-domain"));
}
END_TEST

START_TEST(test_many_mistakes)
{
	static char text[4096];
	size_t n = 0;

	for (int i = 0; i < MISTAKES_MAX + 7; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "zzzzzz%d = 1\n", i);
	ck_assert_int_eq(read_text(text, &found, NULL, 0), -1);
	ck_assert_uint_eq(found.n, MISTAKES_MAX);
	ck_assert_uint_eq(found.more, 7);
}
END_TEST

static void clean_up(void)
{
	options_fini(&o);
	mistakes_fini(&found);
	unlink(path);
}

START_TEST(test_no_file)
{
	char *argv[] = { "prog", "--config", "/nowhere/x" };

	options_fini(&o);
	mistakes_fini(&found);
	ck_assert_int_eq(options_parse_table(&o, &table, 3, argv, &found, err), -1);
	ck_assert_uint_eq(found.n, 1);
	ck_assert_str_eq(found.v[0], "cannot read the configuration file /nowhere/x: No such file or directory");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_sections, test_shapes_of_lines, test_long_lines, test_all_mistakes,
		                       test_places,   test_environment,     test_no_file,    test_many_mistakes };
	int fd = mkstemp(path), status;

	if (fd < 0)
		return EXIT_FAILURE;
	close(fd);
	status = suite_run("options_file", tests, sizeof tests / sizeof tests[0]);
	clean_up();
	return status;
}
