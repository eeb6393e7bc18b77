/* What sheafd takes and refuses: every flag, good and bad; a refusal names what was typed. */
#include "broker/config.h"

#include <stdio.h>
#include <unistd.h>

#include "broker/journal/journal.h"
#include "tests/unit/base/suite.h"

enum { WORDS = 16 };

static struct config c;
static char err[OPTIONS_ERR];

/* Reads `line`, words between single blanks. */
static int read_line(const char *line)
{
	static char text[1024];
	char *argv[WORDS] = { "sheafd" }, *next;
	int argc = 1;

	config_fini(&c);
	err[0] = '\0';
	ck_assert_uint_lt(strlen(line), sizeof text);
	memcpy(text, line, strlen(line) + 1);
	for (char *word = strtok_r(text, " ", &next); word != NULL; word = strtok_r(NULL, " ", &next))
		argv[argc++] = word;
	ck_assert_int_lt(argc, WORDS);
	return config_read(&c, argc, argv, err);
}

static void good(const char *line)
{
	char whole[512];

	snprintf(whole, sizeof whole, "--data /d %s", line);
	ck_assert_msg(read_line(whole) == 0, "%s: %s", line, err);
}

/* `line` is refused with a sentence that has `said` in it. */
static void bad(const char *line, const char *said)
{
	char whole[512];

	snprintf(whole, sizeof whole, "--data /d %s", line);
	ck_assert_msg(read_line(whole) != 0, "taken: %s", line);
	ck_assert_msg(strstr(err, said) != NULL, "%s: '%s' is not in: %s", line, said, err);
}

START_TEST(test_defaults)
{
	good("");
	ck_assert_str_eq(c.data, "/d");
	ck_assert_str_eq(c.listen, "tcp://127.0.0.1:7400");
	ck_assert_str_eq(c.results, "tcp://127.0.0.1:7401");
	ck_assert_str_eq(c.workers, "tcp://127.0.0.1:7402");
	ck_assert_str_eq(c.jobs_host, "127.0.0.1");
	ck_assert_uint_eq(c.jobs_first, 7410);
	ck_assert_uint_eq(c.jobs_last, 7999);
	ck_assert_uint_eq(c.fsync_ms, FSYNC_ALWAYS);
	ck_assert_uint_eq(c.memory, DEFAULT_MEMORY);
	ck_assert_uint_eq(c.disk, 0);
	ck_assert_uint_eq(c.segment, DEFAULT_SEGMENT);
	ck_assert_uint_eq(c.keep_ms, DEFAULT_KEEP_MS);
	ck_assert_uint_eq(c.keep_bytes, DEFAULT_KEEP_BYTES);
	ck_assert_uint_eq(c.liveness_ms, DEFAULT_LIVENESS_MS);
	ck_assert_uint_eq(c.grace_ms, 5000);
	ck_assert_uint_eq(c.deliveries, DEFAULT_DELIVERIES);
	ck_assert_uint_eq(c.max_message, DEFAULT_MESSAGE_MAX);
	ck_assert(!c.quiet && !c.check && !c.json && !c.help && !c.version);
}
END_TEST

START_TEST(test_words)
{
	ck_assert_int_ne(read_line(""), 0);
	ck_assert_ptr_nonnull(strstr(err, "--data"));
	ck_assert_int_ne(read_line("--data="), 0);
	ck_assert_ptr_nonnull(strstr(err, "--data"));
	ck_assert_int_eq(read_line("--help"), 0);
	ck_assert(c.help);
	ck_assert_int_eq(read_line("--version --nonsense=1"), -1);
	ck_assert_int_eq(read_line("--version"), 0);
	ck_assert(c.version);
	good("--quiet --check --json");
	ck_assert(c.quiet && c.check && c.json);
	bad("now", "'now'");
	bad("-- x", "--");
	bad("--memori 1G", "--memory");
	bad("--zzzzzzzzzz 1G", "--zzzzzzzzzz");
	bad("-q", "-q");
	bad("--quiet=maybe", "--quiet");
	bad("--memory", "--memory");
}
END_TEST

START_TEST(test_endpoints)
{
	static const char *const names[] = { "listen", "results", "workers" };
	static const char *const wrong[] = { "127.0.0.1:7400",     "tcp://",
		                             "tcp://:7400",        "tcp://127.0.0.1",
		                             "tcp://127.0.0.1:",   "tcp://127.0.0.1:65536",
		                             "tcp://127.0.0.1:7x", "udp://127.0.0.1:7",
		                             "tcp://127.0.0.1:-1" };
	char line[400];

	for (int i = 0; i < 3; i++) {
		snprintf(line, sizeof line, "--%s tcp://127.0.0.1:9", names[i]);
		good(line);
		snprintf(line, sizeof line, "--%s=tcp://127.0.0.1:*", names[i]);
		good(line);
		for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
			snprintf(line, sizeof line, "--%s %s", names[i], wrong[k]);
			bad(line, wrong[k]);
			bad(line, names[i]);
		}
	}
	good("--listen tcp://[::1]:7400 --results tcp://localhost:1");
	ck_assert_str_eq(c.listen, "tcp://[::1]:7400");
	snprintf(line, sizeof line, "--listen tcp://%0200d%050d:1", 0, 0);
	bad(line, "--listen");
}
END_TEST

START_TEST(test_jobs)
{
	good("--jobs tcp://127.0.0.1:9000-9010");
	ck_assert_uint_eq(c.jobs_first, 9000);
	ck_assert_uint_eq(c.jobs_last, 9010);
	good("--jobs tcp://127.0.0.1:9000");
	ck_assert_uint_eq(c.jobs_first, 9000);
	ck_assert_uint_eq(c.jobs_last, 9000);
	good("--jobs tcp://[::1]:1-65535");
	ck_assert_str_eq(c.jobs_host, "[::1]");
	bad("--jobs tcp://127.0.0.1:9010-9000", "9010-9000");
	bad("--jobs tcp://127.0.0.1:0-9000", "0-9000");
	bad("--jobs tcp://127.0.0.1:9000-65536", "65536");
	bad("--jobs tcp://127.0.0.1:9000-", "9000-");
	bad("--jobs tcp://127.0.0.1:-9000", ":-9000");
	bad("--jobs tcp://127.0.0.1:*", ":*");
	bad("--jobs tcp://127.0.0.1:1-2-3", "1-2-3");
	bad("--jobs 9000-9010", "9000-9010");
}
END_TEST

START_TEST(test_fsync)
{
	good("--fsync always");
	ck_assert_uint_eq(c.fsync_ms, FSYNC_ALWAYS);
	good("--fsync never");
	ck_assert_uint_eq(c.fsync_ms, FSYNC_NEVER);
	good("--fsync 50");
	ck_assert_uint_eq(c.fsync_ms, 50);
	good("--fsync 50ms");
	ck_assert_uint_eq(c.fsync_ms, 50);
	good("--fsync 2s");
	ck_assert_uint_eq(c.fsync_ms, 2000);
	good("--fsync 60000");
	bad("--fsync 60001", "'60001'");
	bad("--fsync 61s", "'61s'");
	bad("--fsync 0", "'0'");
	bad("--fsync sometimes", "'sometimes'");
	bad("--fsync -5", "'-5'");
}
END_TEST

START_TEST(test_sizes)
{
	good("--memory 1M --segment 128M --disk 1G --keep-bytes 0");
	ck_assert_uint_eq(c.memory, MIB);
	ck_assert_uint_eq(c.segment, 128 * MIB);
	ck_assert_uint_eq(c.disk, GIB);
	ck_assert_uint_eq(c.keep_bytes, 0);
	good("--segment 1G --disk 8G");
	good("--max-message 15M");
	ck_assert_uint_eq(c.max_message, 15 * MIB);
	bad("--max-message 16M", "'16M'");
	bad("--max-message 0", "'0'");
	bad("--memory 1023K", "'1023K'");
	bad("--memory much", "'much'");
	bad("--memory -1", "'-1'");
	bad("--segment 32M", "'32M'");
	bad("--segment 100M", "'100M'");
	bad("--segment 2G", "'2G'");
	bad("--disk 511M --segment 64M", "'511M'");
	bad("--disk 100M", "'100M'");
	bad("--keep-bytes x", "'x'");
	bad("--memory 99999999999999999999G", "--memory");
}
END_TEST

START_TEST(test_times_and_counts)
{
	good("--keep 0 --liveness 100ms --grace 0 --max-deliveries 1");
	ck_assert_uint_eq(c.keep_ms, 0);
	ck_assert_uint_eq(c.liveness_ms, 100);
	ck_assert_uint_eq(c.grace_ms, 0);
	ck_assert_uint_eq(c.deliveries, 1);
	good("--keep 2h --max-deliveries 100");
	bad("--keep 5", "'5'");
	bad("--keep soon", "'soon'");
	bad("--liveness 99ms", "'99ms'");
	bad("--grace -1s", "'-1s'");
	bad("--max-deliveries 0", "'0'");
	bad("--max-deliveries 101", "'101'");
	bad("--max-deliveries many", "'many'");
}
END_TEST

START_TEST(test_open_to_all)
{
	static const char *const lines[] = { "--listen tcp://0.0.0.0:7400", "--results tcp://*:7401",
		                             "--workers tcp://10.1.2.3:7402", "--jobs tcp://[::]:7410-7420",
		                             "--listen tcp://127.example.com:7400" };
	char line[128];

	for (int i = 0; i < 5; i++) {
		bad(lines[i], "--insecure");
		bad(lines[i], "not a loopback address");
		bad(lines[i], "--keys DIR");
		snprintf(line, sizeof line, "%s --keys /k", lines[i]); /* what is in there is read later */
		good(line);
		ck_assert_str_eq(c.keys, "/k");
		snprintf(line, sizeof line, "%s --insecure", lines[i]);
		good(line);
		snprintf(line, sizeof line, "%s --check", lines[i]); /* binds nothing */
		good(line);
	}
}
END_TEST

START_TEST(test_not_built)
{
	bad("--http 127.0.0.1:80", "--http is not built yet");
	bad("--finalize", "--finalize is not built yet");
}
END_TEST

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(test_file)
{
	char dir[] = "/tmp/sheaf-config-XXXXXX", path[64], line[128], said[128];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/ini", dir);
	snprintf(line, sizeof line, "--config %s", path);
	write_file(path, "; a remark\nmemory = 2M\nfsync = 20\nquiet = true\n");
	good(line);
	ck_assert_uint_eq(c.memory, 2 * MIB);
	ck_assert_uint_eq(c.fsync_ms, 20);
	ck_assert(c.quiet);
	snprintf(line, sizeof line, "--memory 3M --config %s", path);
	ck_assert_int_eq(setenv("SHEAF_FSYNC", "30", 1), 0); /* flags over environment over file */
	ck_assert_int_eq(setenv("SHEAF_MEMORY", "4M", 1), 0);
	good(line);
	ck_assert_uint_eq(c.memory, 3 * MIB);
	ck_assert_uint_eq(c.fsync_ms, 30);
	ck_assert_int_eq(setenv("SHEAF_FSYNC", "rarely", 1), 0);
	bad(line, "'rarely'");
	unsetenv("SHEAF_FSYNC");
	unsetenv("SHEAF_MEMORY");

	write_file(path, "memory = 2M\nmemroy = 3M\n");
	snprintf(said, sizeof said, "%s:2: unknown key 'memroy': did you mean 'memory'?", path);
	bad(line, said);
	write_file(path, "memory = 2M\n\n[queues]\nx = 1\n");
	snprintf(said, sizeof said, "%s:3: unknown section [queues]", path);
	bad(line, said);
	write_file(path, "http = 127.0.0.1:80\n");
	bad(line, ":1: --http is not built yet");
	write_file(path, "nonsense\n");
	bad(line, ":1: not NAME = VALUE");
	write_file(path, "keep = soon\n");
	snprintf(said, sizeof said, "%s:1: --keep: 'soon'", path);
	bad(line, said);
	ck_assert_int_eq(unlink(path), 0);
	bad(line, path);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

SUITE_MAIN("config", test_defaults, test_words, test_endpoints, test_jobs, test_fsync, test_sizes,
           test_times_and_counts, test_open_to_all, test_not_built, test_file)
