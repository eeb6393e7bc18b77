/* The daemons' options: the command line, the environment, the file; each over the next. */
#include "base/options.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/unit/base/suite.h"

static const struct option_spec specs[] = {
	{ "slots", 's', "N", "how many at a time" },
	{ "broker", 'b', "ADDRESS", "where it is" },
	{ "drain-grace", 0, "TIME", "how long" },
	{ "verbose", 'v', NULL, "say more" },
	{ "config", 'c', "FILE", "read more from there" },
	{ "help", 'h', NULL, "this text" },
	{ "word", 'w', "WORD...", "any number of them" },
	{ "replicas", 0, "N", NULL },
	{ "secret", 0, NULL, NULL },
};

enum { SPECS = sizeof specs / sizeof specs[0], WORDS = 16 };

static char err[OPTIONS_ERR];

/* Parses the words up to NULL as a command line; they must outlive o. */
static int parse(struct options *o, char **argv)
{
	int n = 0;

	while (argv[n] != NULL)
		n++;
	err[0] = '\0';
	return options_parse(o, specs, SPECS, n, argv, err);
}

#define LINE(...) ((char *[]){ "prog", __VA_ARGS__, NULL })

static void refused(char **argv, const char *why)
{
	struct options o;

	ck_assert_int_eq(parse(&o, argv), -1);
	ck_assert_str_eq(err, why);
	options_fini(&o);
}

START_TEST(test_shapes)
{
	char **line = LINE("q1", "--slots", "4", "-", "-b", "tcp://a", "q2", "-v", "--drain-grace=5s=6");
	struct options o;

	ck_assert_int_eq(parse(&o, line), 0);
	ck_assert_int_eq(o.n_args, 3); /* options stand anywhere; a lone dash is none */
	ck_assert_str_eq(o.args[0], "q1");
	ck_assert_str_eq(o.args[1], "-");
	ck_assert_str_eq(o.args[2], "q2");
	ck_assert_str_eq(options_get(&o, "slots"), "4");
	ck_assert_str_eq(options_get(&o, "broker"), "tcp://a");
	ck_assert_str_eq(options_get(&o, "drain-grace"), "5s=6");
	ck_assert(options_flag(&o, "verbose") && !options_flag(&o, "help"));
	ck_assert_ptr_null(options_get(&o, "config"));
	ck_assert_ptr_null(o.rest);
	options_fini(&o);
}
END_TEST

START_TEST(test_more_shapes)
{
	char **line = LINE("-s4", "--slots=8", "--broker=", "--", "sh", "--slots", "9");
	struct options o;

	ck_assert_int_eq(parse(&o, line), 0);
	ck_assert_str_eq(options_get(&o, "slots"), "8"); /* the last word counts */
	ck_assert_str_eq(options_get(&o, "broker"), "");
	ck_assert_int_eq(o.n_args, 0);
	ck_assert_int_eq(o.n_rest, 3);
	ck_assert_str_eq(o.rest[0], "sh");
	options_fini(&o);
	ck_assert_int_eq(parse(&o, LINE("--")), 0);
	ck_assert(o.rest != NULL && o.n_rest == 0);
	options_fini(&o);
	ck_assert_int_eq(parse(&o, LINE("-s=4", "--verbose=true")), 0);
	ck_assert_str_eq(options_get(&o, "slots"), "4");
	ck_assert(options_flag(&o, "verbose"));
	options_fini(&o);
}
END_TEST

START_TEST(test_lists)
{
	char **words;
	struct options o;

	ck_assert_int_eq(parse(&o, LINE("q", "--word", "a", "-w", "b=c", "--word=", "--slots", "4")), 0);
	ck_assert_int_eq(options_list(&o, "word", &words), 3);
	ck_assert_str_eq(words[0], "a");
	ck_assert_str_eq(words[1], "b=c");
	ck_assert_str_eq(words[2], "");
	options_fini(&o);
	ck_assert_int_eq(parse(&o, LINE("q")), 0);
	ck_assert_int_eq(options_list(&o, "word", &words), 0);
	options_fini(&o);
}
END_TEST

START_TEST(test_refusals)
{
	refused(LINE("--slot", "4"), "unknown option --slot: did you mean --slots?");
	refused(LINE("--brokre=x"), "unknown option --brokre: did you mean --broker?");
	refused(LINE("--zzzzzzz"), "unknown option --zzzzzzz: --help lists what there is");
	refused(LINE("-x"), "unknown option -x: --help lists what there is");
	refused(LINE("--slots"), "--slots needs a value: --slots N");
	refused(LINE("q", "-b"), "--broker needs a value: --broker ADDRESS");
	refused(LINE("--verbose=3"), "--verbose takes no value");
	refused(LINE("--replicas", "3"), "--replicas is not built yet");
	refused(LINE("--replicas"), "--replicas is not built yet");
	refused(LINE("--secret"), "--secret is not built yet");
	refused(LINE("--replica"),
	        "unknown option --replica: --help lists what there is"); /* no hint to what is not there */
}
END_TEST

/* Letters of flags stand alone: -vs4 is a mistake, not `verbose`. */
START_TEST(test_letters_together)
{
	refused(LINE("-vs4"), "--verbose takes no value");
	refused(LINE("-vv"), "--verbose takes no value");
}
END_TEST

START_TEST(test_environment)
{
	struct options o;

	setenv("SHEAF_SLOTS", "7", 1);
	setenv("SHEAF_DRAIN_GRACE", "9s", 1);
	setenv("SHEAF_BROKER", "", 1);
	setenv("SHEAF_VERBOSE", "0", 1);
	setenv("SHEAF_HELP", "1", 1);
	ck_assert_int_eq(parse(&o, LINE("--slots", "4")), 0);
	ck_assert_str_eq(options_get(&o, "slots"), "4"); /* the command line is stronger */
	ck_assert_str_eq(options_get(&o, "drain-grace"), "9s");
	ck_assert_ptr_null(options_get(&o, "broker"));
	ck_assert(!options_flag(&o, "verbose") && !options_flag(&o, "help"));
	options_fini(&o);
	setenv("SHEAF_VERBOSE", "yes", 1);
	ck_assert_int_eq(parse(&o, LINE("q")), 0);
	ck_assert(options_flag(&o, "verbose"));
	ck_assert_str_eq(options_get(&o, "slots"), "7");
	options_fini(&o);
	setenv("SHEAF_REPLICAS", "3", 1);
	refused(LINE("q"), "--replicas is not built yet");
}
END_TEST

/* ---- the file ---- */

static char path[] = "/tmp/sheaf-options-XXXXXX";

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	fclose(f);
}

static void make_file(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

START_TEST(test_file)
{
	struct options o;

	make_file();
	write_file("# a comment\nslots = 3\nbroker = tcp://f\nverbose = on\n\ndrain-grace = 1s\nhelp = no\n");
	setenv("SHEAF_DRAIN_GRACE", "9s", 1);
	ck_assert_int_eq(parse(&o, LINE("--slots", "4", "--config", path)), 0);
	ck_assert_str_eq(options_get(&o, "slots"), "4");
	ck_assert_str_eq(options_get(&o, "drain-grace"), "9s");
	ck_assert_str_eq(options_get(&o, "broker"), "tcp://f");
	ck_assert(options_flag(&o, "verbose") && !options_flag(&o, "help"));
	options_fini(&o);
	setenv("SHEAF_CONFIG", path, 1);
	ck_assert_int_eq(parse(&o, LINE("q")), 0);
	ck_assert_str_eq(options_get(&o, "slots"), "3");
	options_fini(&o);
	unlink(path);
}
END_TEST

static void refused_file(const char *text, int line, const char *why)
{
	char want[OPTIONS_ERR];

	write_file(text);
	ck_assert_int_lt(snprintf(want, sizeof want, "%s:%d: %s", path, line, why), OPTIONS_ERR);
	refused(LINE("--config", path), want);
}

START_TEST(test_file_refusals)
{
	make_file();
	refused_file("slots = 3\n# more\nslotz = 4\n", 3, "unknown key 'slotz': did you mean 'slots'?");
	refused_file("config = x\n", 1, "unknown key 'config'");
	refused_file("\nreplicas = 3\n", 2, "--replicas is not built yet");
	refused_file("slots = 3\nnonsense\n", 2, "not NAME = VALUE");
	refused_file("[worker]\nslots = 3\n", 1, "unknown section [worker]");
	/* the first mistake is the one that is told */
	refused_file("slotz = 4\nbroke = 5\n", 1, "unknown key 'slotz': did you mean 'slots'?");
	refused_file("nonsense\nslotz = 4\n", 1, "not NAME = VALUE");
	refused_file("slotz = 4\nnonsense\n", 1, "unknown key 'slotz': did you mean 'slots'?");
	unlink(path);
}
END_TEST

START_TEST(test_no_file)
{
	refused(LINE("--config", "/nowhere/x"),
	        "cannot read the configuration file /nowhere/x: No such file or directory");
	refused(LINE("--config", "/"), "cannot read the configuration file /: Is a directory");
}
END_TEST

SUITE_MAIN("options", test_shapes, test_more_shapes, test_lists, test_refusals, test_letters_together, test_environment,
           test_file, test_file_refusals, test_no_file)
