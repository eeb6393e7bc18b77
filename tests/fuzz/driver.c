/* Drives a fuzzer without libFuzzer. */
#include "tests/fuzz/driver.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"

enum { FILE_MOST = 1 << 25 };

/* Of the sanitizers' runtime, if there is one: called when they have found something. */
void __sanitizer_set_death_callback(void (*call)(void)) __attribute__((weak));

static uint64_t current_seed;
static struct span current; /* the input, if it is bytes */
static char found_path[256];

/* ---- what is said about a finding ---- */

static bool put_file(const char *path, struct span s)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool good = fd >= 0 && write(fd, s.p, s.n) == (ssize_t)s.n;

	if (fd >= 0)
		close(fd);
	return good;
}

static void name_seed(void)
{
	char line[512];
	int n;

	if (current.p != NULL && put_file(found_path, current))
		n = snprintf(line, sizeof line, "%s: found with --seconds 0 --seed %llu, the input is in %s\n",
		             fuzzer.name, (unsigned long long)current_seed, found_path);
	else
		n = snprintf(line, sizeof line, "%s: found with --seconds 0 --seed %llu\n", fuzzer.name,
		             (unsigned long long)current_seed);
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		_exit(4);
}

static void on_signal(int number)
{
	signal(number, SIG_DFL);
	name_seed();
	raise(number);
}

/* A sanitizer tells of a SIGSEGV by itself, and then calls back. */
static void watch(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(found_path, sizeof found_path, "%.200s/%s.%ld", tmp != NULL ? tmp : "/tmp", fuzzer.name,
	         (long)getpid());
	signal(SIGABRT, on_signal);
	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(name_seed);
	else
		signal(SIGSEGV, on_signal);
}

/* ---- inputs ---- */

static void feed(struct span in)
{
	uint8_t *tight = malloc(in.n ? in.n : 1); /* of just that size: a sanitizer sees what is read behind it */

	must(tight != NULL);
	if (in.n > 0)
		memcpy(tight, in.p, in.n);
	current = span_of(tight, in.n);
	fuzzer.input(tight, in.n);
	current = span_of(NULL, 0);
	free(tight);
}

static const char *one(struct rng *r, struct buf *b)
{
	uint64_t changes;

	if (fuzzer.one != NULL)
		return fuzzer.one(r);
	changes = rng_below(r, fuzzer.changes + 1);
	buf_clear(b);
	if (fuzzer.make != NULL)
		fuzzer.make(r, b);
	else
		buf_put_span(b, fuzzer.seeds[rng_below(r, fuzzer.n_seeds)]);
	while (changes-- > 0 && b->n > 0)
		fuzz_change(r, b);
	feed(buf_span(b));
	return NULL;
}

/* The seeds make a chain, not a row of numbers: runs that begin on different days do not meet. */
static uint64_t next_seed(uint64_t seed)
{
	struct rng r;

	rng_seed(&r, seed);
	return rng_next(&r);
}

static int run(uint64_t seconds, uint64_t seed)
{
	uint64_t end = clock_mono_ms() + 1000 * seconds, runs = 0;
	const char *why = NULL;
	struct buf b = { 0 };
	struct rng r;

	watch();
	fuzz_words_begin();
	if (fuzzer.begin != NULL)
		fuzzer.begin();
	current_seed = seed;
	for (;;) {
		rng_seed(&r, current_seed);
		why = one(&r, &b);
		runs++;
		if (why != NULL)
			name_seed();
		if (why != NULL || clock_mono_ms() >= end)
			break;
		current_seed = next_seed(current_seed);
	}
	buf_fini(&b);
	if (fuzzer.end != NULL && why == NULL)
		why = fuzzer.end();
	fuzz_words_end();
	printf("%s: %llu inputs, seed %llu, %s\n", fuzzer.name, (unsigned long long)runs, (unsigned long long)seed,
	       why != NULL ? why : "nothing found");
	return why != NULL;
}

static int file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct buf b = { 0 };

	if (f == NULL) {
		fprintf(stderr, "%s: cannot read %s\n", fuzzer.name, path);
		return 2;
	}
	b.n = fread(buf_room(&b, FILE_MOST), 1, FILE_MOST, f);
	fclose(f);
	feed(buf_span(&b));
	buf_fini(&b);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: %s [--seconds N] [--seed S]%s\n", fuzzer.name,
	        fuzzer.input != NULL ? ", or the files of inputs" : "");
	return 2;
}

int main(int argc, char **argv)
{
	uint64_t seconds = 10, seed = 1;
	int i = 1, status = 0;

	for (; i < argc && argv[i][0] == '-'; i += 2)
		if (i + 1 == argc ||
		    !((strcmp(argv[i], "--seconds") == 0 && units_number(argv[i + 1], 0, 1000000, &seconds)) ||
		      (strcmp(argv[i], "--seed") == 0 && units_number(argv[i + 1], 0, UINT64_MAX, &seed))))
			return usage();
	if (i == argc)
		return run(seconds, seed);
	if (fuzzer.input == NULL)
		return usage();
	for (; i < argc && status == 0; i++)
		status = file(argv[i]);
	return status;
}
