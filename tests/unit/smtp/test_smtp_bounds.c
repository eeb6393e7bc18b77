/* What is long, large, many or slow: SMTP's session keeps its bounds. */
#include <stdio.h>

#include "broker/smtp/reply.h"
#include "tests/unit/base/suite.h"
#include "tests/unit/smtp/smtp_rig.h"

#define N   "\r\n"
#define P   "EHLO x" N "MAIL FROM:<a@b.c>" N "RCPT TO:<q@localhost>" N
#define PC  "220|250|250 2.1.0|250 2.1.5"
#define OK  "250 2.0.0"
#define YES RIG_TLS | RIG_USERS

/* A line of n bytes in all, which begins so. */
static void feed_line(struct rig *r, const char *begin, size_t n, size_t piece)
{
	size_t k = strlen(begin);
	char *line = malloc(n);

	ck_assert_ptr_nonnull(line);
	memset(line, 'x', n);
	memcpy(line, begin, k);
	memcpy(line + n - 2, N, 2);
	rig_feed(r, line, n, piece);
	free(line);
}

START_TEST(test_line)
{
	struct rig r;

	rig_init(&r);
	for (size_t piece = 1; piece < 5000; piece += 1000) {
		rig_begin(&r, 0);
		feed_line(&r, "NOOP ", SESSION_LINE, piece);
		ck_assert_str_eq(rig_codes(&r), "220|" OK);
		feed_line(&r, "NOOP ", SESSION_LINE + 1, piece);
		ck_assert_str_eq(rig_codes(&r), "500 5.5.2|x");
		ck_assert_uint_le(r.in.cap, 16384);
	}
	rig_fini(&r);
}
END_TEST

START_TEST(test_endless_line)
{
	static char block[65536];
	struct rig r;

	memset(block, 'x', sizeof block);
	rig_init(&r);
	rig_begin(&r, 0);
	for (int i = 0; i < 16384; i++) { /* 1 GB */
		if (smtp_session_closing(r.s))
			break;
		rig_feed(&r, block, sizeof block, SIZE_MAX);
		ck_assert_int_eq(i, 0);
	}
	ck_assert_str_eq(rig_codes(&r), "220|500 5.5.2|x");
	rig_fini(&r);
}
END_TEST

START_TEST(test_auth_line)
{
	struct rig r;

	rig_init(&r);
	for (size_t piece = 100; piece < 20000; piece += 5000) {
		rig_begin(&r, YES);
		FEED(&r, "EHLO x" N);
		feed_line(&r, "AUTH PLAIN ", 13000, piece);
		FEED(&r, "NOOP" N);
		ck_assert_str_eq(rig_codes(&r), "220|250|500 5.5.6|" OK);
		feed_line(&r, "AUTH PLAIN ", SESSION_AUTH_LINE, piece); /* no user has such a name */
		FEED(&r, "AUTH LOGIN" N);
		feed_line(&r, "", SESSION_AUTH_LINE, piece);
		FEED(&r, "AUTH LOGIN" N "YQ==" N);
		feed_line(&r, "", SESSION_AUTH_LINE + 1, piece);
		FEED(&r, "NOOP" N);
		ck_assert_str_eq(rig_codes(&r), "501 5.5.2|334|535 5.7.8|334|334|500 5.5.6|" OK);
		feed_line(&r, "AUTHX ", 13000, piece);
		ck_assert_str_eq(rig_codes(&r), "500 5.5.2|x");
	}
	rig_fini(&r);
}
END_TEST

/* A thousand wrong passwords: after the tenth each takes its second, and the twentieth is the last. */
START_TEST(test_passwords)
{
	uint64_t before;
	struct rig r;
	int n = 0;

	rig_init(&r);
	rig_begin(&r, YES);
	FEED(&r, "EHLO x" N);
	rig_told(&r);
	before = r.now;
	for (int i = 0; i < 1000 && !smtp_session_closing(r.s); i++) {
		FEED(&r, "AUTH PLAIN AGpvAHdyb25n" N);
		n++;
		ck_assert_uint_eq(r.now, before + (n <= 10 ? 0 : (uint64_t)(n - 10) * SESSION_SLOW_MS));
		ck_assert_str_eq(rig_codes(&r), n < 20 ? "535 5.7.8" : "535 5.7.8|421 4.7.0|x");
	}
	ck_assert_int_eq(n, 20);
	ck_assert_uint_eq(atomic_load(&r.counts.refused_auth), 20);
	rig_fini(&r);
}
END_TEST

/* A mail that was accepted makes up for errors. */
START_TEST(test_errors)
{
	struct rig r;

	rig_init(&r);
	rig_begin(&r, 0);
	FEED(&r, P);
	for (int i = 0; i < 19; i++)
		FEED(&r, "FOO" N);
	FEED(&r, "DATA" N "." N);
	rig_told(&r);
	for (int i = 0; i < 19; i++)
		FEED(&r, "FOO" N);
	ck_assert(!smtp_session_closing(r.s));
	FEED(&r, "FOO" N "NOOP" N);
	ck_assert_ptr_nonnull(strstr(rig_codes(&r), "500 5.5.1|421 4.7.0|x"));
	rig_fini(&r);
}
END_TEST

START_TEST(test_recipients)
{
	struct smtp_session_facts facts;
	struct buf in = { 0 };
	struct rig r;
	int ok = 0, many = 0;

	rig_init(&r);
	rig_begin(&r, 0);
	FEED(&r, "EHLO x" N "MAIL FROM:<a@b.c>" N);
	rig_told(&r);
	for (int i = 0; i < 10000; i++)
		buf_put(&in, "RCPT TO:<q@localhost>" N, 23);
	rig_feed(&r, in.p, in.n, 1000);
	for (const char *p = rig_codes(&r); p != NULL && *p != '\0'; p = strchr(p, '|'), p += p != NULL) {
		ok += strncmp(p, "250 2.1.5", 9) == 0;
		many += strncmp(p, "452 4.5.3", 9) == 0;
	}
	ck_assert_int_eq(ok, LIMIT_MAIL_RCPTS);
	ck_assert_int_eq(many, 10000 - LIMIT_MAIL_RCPTS);
	FEED(&r, "DATA" N "." N);
	ck_assert_str_eq(rig_codes(&r), "354|" OK);
	smtp_session_facts(r.s, &facts);
	ck_assert_uint_eq(facts.mails, 1);
	ck_assert_uint_eq(facts.errors, 0);
	buf_fini(&in);
	rig_fini(&r);
}
END_TEST

/* A line of 100 MB: as text that fits, and as text that does not. */
START_TEST(test_long_text)
{
	enum { BLOCK = 65536, BLOCKS = 1600 };
	static char block[BLOCK];
	struct rig r;

	memset(block, 'x', sizeof block);
	rig_init(&r);
	r.spools.limit = (uint64_t)2 * BLOCK * BLOCKS;
	for (int fits = 0; fits < 2; fits++) {
		rig_begin(&r, RIG_HOLD);
		r.config.size = fits ? (uint64_t)2 * BLOCK * BLOCKS : 1 << 20;
		FEED(&r, P "DATA" N);
		ck_assert_str_eq(rig_codes(&r), PC "|354");
		for (int i = 0; i < BLOCKS; i++)
			rig_feed(&r, block, BLOCK, SIZE_MAX);
		ck_assert_uint_le(r.in.cap, 4 * BLOCK);
		FEED(&r, N "." N);
		if (fits) {
			ck_assert_ptr_nonnull(r.letter);
			ck_assert_uint_eq(r.letter->size, (uint64_t)BLOCK * BLOCKS + 2);
			rig_store(&r);
			rig_go_on(&r);
		}
		ck_assert_str_eq(rig_codes(&r), fits ? OK : "552 5.3.4");
		ck_assert_uint_eq(atomic_load(&r.spools.used), 0);
	}
	rig_fini(&r);
}
END_TEST

static void headers(struct rig *r, const char *line, int n, const char *codes)
{
	rig_begin(r, 0);
	FEED(r, P "DATA" N);
	for (int i = 0; i < n; i++)
		rig_feed(r, line, strlen(line), SIZE_MAX);
	FEED(r, N "text" N "." N "NOOP" N);
	ck_assert_str_eq(rig_codes(r), codes);
}

START_TEST(test_headers)
{
	struct rig r;

	rig_init(&r);
	headers(&r, "Received: x" N, 50, PC "|354|" OK "|" OK);
	headers(&r, "Received: x" N, 51, PC "|354|554 5.4.6|" OK);
	headers(&r, "X: y" N, 50000, PC "|354|554 5.6.0|" OK);
	headers(&r, "X: y" N, 17000, PC "|354|" OK "|" OK);
	ck_assert_uint_eq(atomic_load(&r.counts.refused_content), 2);
	rig_fini(&r);
}
END_TEST

START_TEST(test_spool_full)
{
	static char block[70000];
	struct rig r;

	memset(block, 'x', sizeof block);
	rig_init(&r);
	r.spools.limit = 0;
	rig_begin(&r, 0);
	FEED(&r, P "DATA" N);
	rig_feed(&r, block, sizeof block, SIZE_MAX);
	FEED(&r, N "." N "NOOP" N);
	ck_assert_str_eq(rig_codes(&r), PC "|354|452 4.3.1|" OK);
	rig_fini(&r);
}
END_TEST

/* Who never reads is not read from, and is gone when its time is over. */
START_TEST(test_deaf)
{
	static const char noop[] = "NOOP" N;
	struct buf in = { 0 };
	struct rig r;

	for (int i = 0; i < 100000; i++)
		buf_put(&in, noop, sizeof noop - 1);
	rig_init(&r);
	rig_begin(&r, RIG_DEAF);
	rig_feed(&r, in.p, in.n, SIZE_MAX);
	ck_assert_uint_ge(r.out.n, SESSION_OUT);
	ck_assert_uint_le(r.out.n, SESSION_OUT + REPLY_LINE);
	ck_assert(!smtp_session_takes(r.s));
	ck_assert_uint_gt(r.in.n, 0);
	rig_read(&r); /* one that reads again goes on */
	rig_go_on(&r);
	ck_assert_uint_ge(r.out.n, SESSION_OUT);
	ck_assert(rig_wait(&r));
	ck_assert(smtp_session_closing(r.s));
	ck_assert_uint_le(r.out.n, SESSION_OUT + SESSION_ANSWER);
	buf_fini(&in);
	rig_fini(&r);
}
END_TEST

/* As many ids as a line has room for. */
START_TEST(test_ids)
{
	const char *told;
	char line[64];
	struct rig r;

	rig_init(&r);
	rig_begin(&r, 0);
	FEED(&r, "EHLO x" N "MAIL FROM:<a@b.c>" N);
	for (int i = 0; i < LIMIT_MAIL_RCPTS; i++)
		rig_feed(&r, line, (size_t)snprintf(line, sizeof line, "RCPT TO:<q%d@localhost>" N, i / 2), SIZE_MAX);
	rig_told(&r);
	r.next_id = UINT64_MAX - 100;
	FEED(&r, "DATA" N "." N);
	told = strchr(rig_told(&r), '\n') + 1;
	ck_assert_int_eq(strncmp(told, "250 2.0.0 queued as 18446744073709551515 18446744073709551516 ", 61), 0);
	ck_assert_ptr_nonnull(strstr(told, " and 28 more\n"));
	ck_assert_uint_le(strlen(told), REPLY_LINE - 1);
	ck_assert_uint_eq(atomic_load(&r.counts.jobs), 50);
	rig_fini(&r);
}
END_TEST

SUITE_MAIN("smtp_bounds", test_line, test_endless_line, test_auth_line, test_passwords, test_errors, test_recipients,
           test_long_text, test_headers, test_spool_full, test_deaf, test_ids)
