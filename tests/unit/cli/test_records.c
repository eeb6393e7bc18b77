/* Cutting an input into records: terminators, ends without one, records across reads, limits, inputs that make
 * one wait. */
#include "client/cli/records.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/base/suite.h"

enum { MOST = 4096, BIG = 1 << 24 };

/* A pipe that holds this text. Its other end is closed, or handed out. */
static int pipe_with(const char *text, size_t n, int *other)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], text, n), (ssize_t)n);
	if (other)
		*other = ends[1];
	else
		close(ends[1]);
	return ends[0];
}

static void expect(struct records *r, const char *text)
{
	struct span s;

	ck_assert_int_eq(records_next(r, true, &s), RECORDS_ONE);
	ck_assert_msg(span_eq(s, span_str(text)), "got '%.*s', not '%s'", (int)s.n, (const char *)s.p, text);
}

static void expect_end(struct records *r)
{
	struct span s;

	ck_assert_int_eq(records_next(r, true, &s), RECORDS_END);
	ck_assert_int_eq(records_next(r, true, &s), RECORDS_END);
	records_fini(r);
	close(r->fd);
}

START_TEST(test_lines)
{
	static const char text[] = "one\n\ntwo\r\nlast";
	struct records r;

	records_init(&r, pipe_with(text, sizeof text - 1, NULL), '\n', MOST);
	ck_assert(!r.regular);
	expect(&r, "one");
	expect(&r, "");
	expect(&r, "two\r");
	expect(&r, "last");
	ck_assert_uint_eq(r.taken, sizeof text - 1);
	expect_end(&r);
	records_init(&r, pipe_with("", 0, NULL), '\n', MOST);
	expect_end(&r);
	records_init(&r, pipe_with("\n", 1, NULL), '\n', MOST);
	expect(&r, "");
	expect_end(&r);
}
END_TEST

START_TEST(test_nulls)
{
	static const char text[] = "a\nb\0\0c";
	struct records r;

	records_init(&r, pipe_with(text, sizeof text - 1, NULL), 0, MOST);
	expect(&r, "a\nb");
	expect(&r, "");
	expect(&r, "c");
	expect_end(&r);
}
END_TEST

START_TEST(test_waits)
{
	struct records r;
	struct span s;
	int other;

	records_init(&r, pipe_with("on", 2, &other), '\n', MOST);
	ck_assert_int_eq(records_next(&r, false, &s), RECORDS_WAIT);
	ck_assert_int_eq(records_next(&r, false, &s), RECORDS_WAIT);
	ck_assert_int_eq(write(other, "e\ntw", 4), 4);
	ck_assert_int_eq(records_next(&r, false, &s), RECORDS_ONE);
	ck_assert(span_eq(s, span_str("one")));
	ck_assert_int_eq(records_next(&r, false, &s), RECORDS_WAIT);
	close(other);
	expect(&r, "tw");
	expect_end(&r);
}
END_TEST

START_TEST(test_too_long)
{
	static const char text[] = "1234\n12345\n1\n";
	struct records r;
	struct span s;

	records_init(&r, pipe_with(text, sizeof text - 1, NULL), '\n', 4);
	expect(&r, "1234");
	ck_assert_int_eq(records_next(&r, true, &s), RECORDS_TOO_LONG);
	ck_assert_int_eq(records_next(&r, true, &s), RECORDS_TOO_LONG);
	records_fini(&r);
	close(r.fd);
	records_init(&r, pipe_with(text + 5, 5, NULL), '\n', 4); /* and without a terminator */
	ck_assert_int_eq(records_next(&r, true, &s), RECORDS_TOO_LONG);
	records_fini(&r);
	close(r.fd);
}
END_TEST

START_TEST(test_bad_descriptor)
{
	struct records r;
	struct span s;

	records_init(&r, open("/", O_RDONLY), '\n', MOST);
	ck_assert_int_eq(records_next(&r, true, &s), RECORDS_FAILED);
	ck_assert_int_ne(r.error, 0);
	records_fini(&r);
	close(r.fd);
}
END_TEST

/* A file with records of all lengths, some of them longer than one read. */
START_TEST(test_file)
{
	FILE *f = tmpfile();
	struct records r;
	struct span s;
	uint64_t bytes = 0;
	size_t n = 0;

	ck_assert_ptr_nonnull(f);
	for (size_t length = 0; length < BIG; length = length * 3 + 1, n++) {
		for (size_t i = 0; i < length; i++)
			fputc('a' + (int)(length % 26), f);
		fputc('\n', f);
		bytes += length + 1;
	}
	rewind(f);
	fflush(f);
	lseek(fileno(f), 0, SEEK_SET);
	records_init(&r, fileno(f), '\n', BIG);
	ck_assert(r.regular);
	ck_assert_uint_eq(r.size, bytes);
	for (size_t length = 0; n > 0; length = length * 3 + 1, n--) {
		ck_assert_int_eq(records_next(&r, false, &s), RECORDS_ONE);
		ck_assert_uint_eq(s.n, length);
		for (size_t i = 0; i < length; i++)
			if (s.p[i] != 'a' + length % 26)
				ck_abort_msg("byte %zu of record of %zu", i, length);
	}
	ck_assert_uint_eq(r.taken, bytes);
	ck_assert_int_eq(records_next(&r, false, &s), RECORDS_END);
	records_fini(&r);
	fclose(f);
}
END_TEST

SUITE_MAIN("records", test_lines, test_nulls, test_waits, test_too_long, test_bad_descriptor, test_file)
