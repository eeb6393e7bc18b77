/* The bytes of a mail, in memory and in a file: what was put comes back, with its hash, within the limit. */
#include "broker/smtp/spool.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rand.h"
#include "broker/smtp/letter.h"
#include "tests/unit/base/suite.h"

static char dir[64];
static struct spool_room room;

static void setup(void)
{
	memcpy(dir, "/tmp/sheaf-spool-XXXXXX", 24);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	room = (struct spool_room){ .dir = dir, .limit = UINT64_C(1) << 30 };
}

static void teardown(void)
{
	ck_assert_uint_eq(room.used, 0);
	ck_assert_int_eq(rmdir(dir), 0); /* nothing has a name there */
}

static void expect(struct spool *s, struct span all)
{
	uint8_t hash[SPOOL_SHA256], again[SPOOL_SHA256], right[EVP_MAX_MD_SIZE];
	struct span whole;

	ck_assert_uint_eq(spool_size(s), all.n);
	spool_sha256(s, hash);
	ck_assert(spool_whole(s, &whole));
	ck_assert(span_eq(whole, all));
	spool_sha256(s, again);
	ck_assert_mem_eq(hash, again, sizeof hash);
	ck_assert(spool_whole(s, &whole));
	ck_assert(span_eq(whole, all));
	ck_assert_int_eq(EVP_Digest(all.p, all.n, right, NULL, EVP_sha256(), NULL), 1);
	ck_assert_mem_eq(hash, right, sizeof hash);
	ck_assert_uint_eq(spool_size(s), all.n);
}

static void round_trip(size_t n, size_t piece, bool hash_last)
{
	uint8_t *bytes = malloc(n + 1);
	struct spool *s = spool_new(&room);
	struct span whole;
	struct rng r;

	ck_assert_ptr_nonnull(bytes);
	rng_seed(&r, n + piece);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)rng_next(&r);
	for (size_t at = 0; at < n; at += piece)
		ck_assert_int_eq(spool_put(s, span_of(bytes + at, n - at < piece ? n - at : piece)), SPOOL_OK);
	ck_assert(spool_large(s) == (n > SPOOL_MEMORY));
	ck_assert_uint_eq(room.used, n > SPOOL_MEMORY ? n : 0);
	if (hash_last)
		ck_assert(spool_whole(s, &whole));
	expect(s, span_of(bytes, n));
	spool_free(s);
	free(bytes);
}

START_TEST(what_is_put_comes_back)
{
	static const size_t sizes[] = { 0,      1,       1000,    SPOOL_MEMORY - 1, SPOOL_MEMORY, SPOOL_MEMORY + 1,
		                        100000, 1 << 20, 3000001, 2 * SPOOL_MEMORY };
	static const size_t pieces[] = { 7, 1000, 4096, SPOOL_MEMORY - 1, SPOOL_MEMORY, SPOOL_MEMORY + 1, 1 << 20 };

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++)
			round_trip(sizes[i], pieces[k], (i + k) % 2 == 1);
}
END_TEST

START_TEST(memory_is_not_counted)
{
	struct spool *s;
	uint8_t byte = 'x';

	room.limit = 0;
	round_trip(SPOOL_MEMORY, 1000, false);
	s = spool_new(&room);
	for (int i = 0; i < SPOOL_MEMORY; i++)
		ck_assert_int_eq(spool_put(s, span_of(&byte, 1)), SPOOL_OK);
	ck_assert_int_eq(spool_put(s, span_of(&byte, 1)), SPOOL_FULL);
	spool_free(s);
}
END_TEST

START_TEST(the_limit_is_of_all)
{
	struct spool *a = spool_new(&room), *b = spool_new(&room);
	uint8_t *bytes = calloc(1, 1 << 20), *zeros;
	struct span whole;

	ck_assert_ptr_nonnull(bytes);
	room.limit = 3 << 20;
	ck_assert_int_eq(spool_put(a, span_of(bytes, 1 << 20)), SPOOL_OK);
	ck_assert_int_eq(spool_put(b, span_of(bytes, 1 << 20)), SPOOL_OK);
	ck_assert_int_eq(spool_put(a, span_of(bytes, 1 << 20)), SPOOL_OK);
	ck_assert_int_eq(spool_put(b, span_of(bytes, 1)), SPOOL_FULL);
	ck_assert_uint_eq(room.used, 3 << 20);
	zeros = calloc(1, 2 << 20);
	ck_assert_ptr_nonnull(zeros);
	expect(a, span_of(zeros, 2 << 20));
	free(zeros);
	spool_free(a);
	ck_assert_uint_eq(room.used, 1 << 20);
	ck_assert_int_eq(spool_put(b, span_of(bytes, 1)), SPOOL_FULL); /* a part of it is missing: it stays so */
	ck_assert(!spool_whole(b, &whole));
	spool_free(b);
	b = spool_new(&room);
	ck_assert_int_eq(spool_put(b, span_of(bytes, 1 << 20)), SPOOL_OK);
	spool_free(b);
	free(bytes);
}
END_TEST

START_TEST(no_directory)
{
	struct spool *s = spool_new(&room);
	uint8_t *bytes = calloc(1, 1 << 20);

	ck_assert_ptr_nonnull(bytes);
	room.dir = "/nowhere/spool";
	ck_assert_int_eq(spool_put(s, span_of(bytes, 1000)), SPOOL_OK);
	ck_assert_int_eq(spool_put(s, span_of(bytes, 1 << 20)), SPOOL_BROKEN);
	ck_assert_int_eq(spool_put(s, span_of(bytes, 1)), SPOOL_BROKEN);
	spool_free(s);
	free(bytes);
}
END_TEST

START_TEST(letters)
{
	struct letter *l = letter_new();
	char address[32];

	for (uint32_t i = 0; i < LIMIT_MAIL_RCPTS; i++) {
		int n = snprintf(address, sizeof address, "queue%u@h", i);

		ck_assert(!letter_add(l, span_of(address, (size_t)n))->create);
	}
	ck_assert_uint_eq(l->n, LIMIT_MAIL_RCPTS);
	ck_assert_str_eq(l->rcpts[0].address, "queue0@h");
	ck_assert_str_eq(l->rcpts[99].address, "queue99@h");
	l->spool = spool_new(&room);
	ck_assert_int_eq(spool_put(l->spool, span_str("x")), SPOOL_OK);
	letter_free(l);
	letter_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("spool");
	TCase *tc = tcase_create("spool");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, what_is_put_comes_back);
	tcase_add_test(tc, memory_is_not_counted);
	tcase_add_test(tc, the_limit_is_of_all);
	tcase_add_test(tc, no_directory);
	tcase_add_test(tc, letters);
	suite_add_tcase(s, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
