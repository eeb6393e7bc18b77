/* The life of SMTP's session: its greeting and what it offers, TLS, time, the drain, the broker's answers. */
#include "tests/unit/base/suite.h"
#include "tests/unit/smtp/smtp_rig.h"

#define N  "\r\n"
#define E  "EHLO x" N
#define P  E "MAIL FROM:<a@b.c>" N "RCPT TO:<q@localhost>" N
#define D  P "DATA" N
#define OK "250 2.0.0"

static void told(struct rig *r, const char *codes)
{
	ck_assert_str_eq(rig_codes(r), codes);
}

/* Begins, says what is to be said, and forgets what came back. */
static void talk(struct rig *r, unsigned flags, const char *in)
{
	rig_begin(r, flags);
	rig_feed(r, in, strlen(in), SIZE_MAX);
	rig_told(r);
}

static const char *why(struct rig *r)
{
	static struct smtp_session_facts facts;

	smtp_session_facts(r->s, &facts);
	return facts.why;
}

/* ---- beginnings ---- */

START_TEST(test_offers)
{
#define FIRST                                                                                                          \
	"250-host.test\n250-PIPELINING\n250-SIZE 1048576\n250-8BITMIME\n250-SMTPUTF8\n250-CHUNKING\n250-BINARYMIME\n"
#define LAST "250 ENHANCEDSTATUSCODES\n"
	struct rig r;

	rig_init(&r);
	rig_begin(&r, 0);
	ck_assert_str_eq(rig_told(&r), "220 host.test ESMTP Sheaf\n");
	FEED(&r, E);
	ck_assert_str_eq(rig_told(&r), FIRST LAST);
	FEED(&r, "HELO x" N);
	ck_assert_str_eq(rig_told(&r), "250 host.test\n");
	rig_begin(&r, RIG_LMTP);
	ck_assert_str_eq(rig_told(&r), "220 host.test LMTP Sheaf\n");
	talk(&r, RIG_CERT | RIG_USERS, "");
	FEED(&r, E);
	ck_assert_str_eq(rig_told(&r), FIRST "250-STARTTLS\n" LAST);
	FEED(&r, "STARTTLS" N);
	FEED(&r, E);
	ck_assert_str_eq(rig_told(&r), "220 2.0.0 ready for TLS\n" FIRST "250-AUTH PLAIN LOGIN\n" LAST);
	talk(&r, RIG_TLS, "");
	FEED(&r, E);
	ck_assert_str_eq(rig_told(&r), FIRST LAST);
	rig_fini(&r);
}
END_TEST

START_TEST(test_early)
{
	struct smtp_peer peer = { .address = { 6, { [15] = 1 } }, .port = 25 };
	struct smtp_session *s;
	struct rig r;

	rig_init(&r);
	s = smtp_session_new(&r.world, &peer, &r.out, r.now);
	ck_assert(!smtp_session_takes(s));
	ck_assert_uint_eq(smtp_session_take(s, span_str("EHLO x\r\n"), r.now, r.wall), 0);
	ck_assert_uint_eq(smtp_session_deadline(s), UINT64_MAX);
	smtp_session_begin(s, true, r.now, r.wall);
	ck_assert(smtp_session_closing(s));
	ck_assert_int_eq(strncmp((char *)r.out.p, "554 5.5.1 ", 10), 0);
	smtp_session_free(s);
	buf_clear(&r.out);
	s = smtp_session_new(&r.world, &peer, &r.out, r.now);
	smtp_session_drain(s, false);
	smtp_session_begin(s, false, r.now, r.wall);
	ck_assert(smtp_session_closing(s));
	ck_assert_int_eq(strncmp((char *)r.out.p, "421 4.3.2 host.test is going down", 33), 0);
	smtp_session_free(s);
	rig_fini(&r);
}
END_TEST

/* ---- TLS ---- */

START_TEST(test_starttls)
{
	struct smtp_session_facts facts;
	struct rig r;

	rig_init(&r);
	talk(&r, RIG_CERT, "");
	FEED(&r, "STARTTLS" N "EHLO x" N "MAIL FROM:<a@b.c>" N);
	told(&r, "220 2.0.0"); /* what came in the same packet is not obeyed */
	FEED(&r, "MAIL FROM:<a@b.c>" N);
	told(&r, "503 5.5.1");
	talk(&r, RIG_CERT, E);
	FEED(&r, "STARTTLS" N);
	smtp_session_facts(r.s, &facts);
	ck_assert_str_eq(facts.helo, "");
	ck_assert_str_eq(facts.tls, "TLS1.2 TLS_X");
	FEED(&r, "MAIL FROM:<a@b.c>" N "RSET" N "MAIL FROM:<a@b.c>" N "STARTTLS" N E "MAIL FROM:<a@b.c>" N);
	told(&r, "220 2.0.0|503 5.5.1|250 2.0.0|503 5.5.1|503 5.5.1|250|250 2.1.0");
	ck_assert_uint_eq(atomic_load(&r.counts.sessions_tls), 2);
	rig_fini(&r);
}
END_TEST

/* A handshake that is none ends without a word that nobody would understand. */
START_TEST(test_tls_time)
{
	struct rig r;

	rig_init(&r);
	talk(&r, RIG_CERT, "");
	ck_assert_uint_eq(smtp_session_take(r.s, span_str("STARTTLS\r\nEHLO x\r\n"), r.now, r.wall), 10);
	ck_assert_int_eq(smtp_session_asks(r.s), SMTP_ASK_TLS);
	rig_told(&r);
	buf_clear(&r.out);
	ck_assert(rig_wait(&r));
	ck_assert_str_eq(rig_told(&r), "x");
	ck_assert_str_eq(why(&r), "timeout");
	rig_fini(&r);
}
END_TEST

/* ---- time ---- */

START_TEST(test_idle)
{
	uint64_t since;
	struct rig r;

	rig_init(&r);
	talk(&r, 0, P);
	since = r.now;
	r.now += 299000;
	FEED(&r, "NOO"); /* part of a command does not make it more patient */
	ck_assert_uint_eq(smtp_session_deadline(r.s), since + 300000);
	FEED(&r, "P" N);
	told(&r, OK);
	ck_assert_uint_eq(smtp_session_deadline(r.s), since + 599000);
	ck_assert(rig_wait(&r));
	told(&r, "421 4.4.2|x");
	ck_assert_str_eq(why(&r), "timeout");
	ck_assert_uint_eq(smtp_session_deadline(r.s), UINT64_MAX);
	ck_assert_uint_eq(atomic_load(&r.counts.timeouts), 1);

	talk(&r, 0, E);
	smtp_session_press(r.s, true);
	ck_assert_uint_eq(smtp_session_deadline(r.s), r.now + SMTP_PRESSED_MS);
	smtp_session_press(r.s, false);
	ck_assert_uint_eq(smtp_session_deadline(r.s), r.now + 300000);
	rig_fini(&r);
}
END_TEST

/* A mail has its deadline, whatever comes; and it has to come at its rate once 30 s have gone. */
START_TEST(test_data_time)
{
	static char block[200000];
	uint64_t since;
	struct rig r;

	memset(block, 'x', sizeof block);
	rig_init(&r);
	talk(&r, 0, D);
	since = r.now;
	ck_assert_uint_eq(smtp_session_deadline(r.s), since + 30000);
	rig_feed(&r, block, 5000, SIZE_MAX); /* 50 s, at 100 bytes a second */
	ck_assert_uint_eq(smtp_session_deadline(r.s), since + 50000);
	r.now += 40000;
	rig_feed(&r, block, 5000, SIZE_MAX);
	ck_assert_uint_eq(smtp_session_deadline(r.s), since + 100000);
	rig_feed(&r, block, 100000, SIZE_MAX);
	ck_assert_uint_eq(smtp_session_deadline(r.s), since + 340000); /* idle */
	r.now += 200000;
	FEED(&r, "y");
	ck_assert_uint_eq(smtp_session_deadline(r.s), since + 540000);
	r.now += 200000;
	FEED(&r, "y");
	ck_assert_uint_eq(smtp_session_deadline(r.s), since + 600000);
	ck_assert(rig_wait(&r));
	told(&r, "421 4.4.2|x");
	ck_assert_str_eq(rig_mails(&r), "");
	talk(&r, 0, D "x" N "." N); /* over with the mail */
	ck_assert_uint_eq(smtp_session_deadline(r.s), r.now + 300000);
	rig_fini(&r);
}
END_TEST

START_TEST(test_chunk_time)
{
	struct rig r;

	rig_init(&r);
	talk(&r, 0, P "BDAT 10 LAST" N "abc");
	ck_assert(rig_wait(&r));
	told(&r, "421 4.4.2|x");
	ck_assert_str_eq(rig_mails(&r), "");
	talk(&r, 0, P "BDAT 3" N "abc"); /* also between chunks */
	ck_assert_uint_eq(smtp_session_deadline(r.s), r.now + 30000);
	talk(&r, 0, "BDAT 10" N "abc"); /* and if nobody wants it */
	ck_assert_uint_eq(smtp_session_deadline(r.s), r.now + 30000);
	FEED(&r, "4567890");
	told(&r, "503 5.5.1");
	ck_assert_uint_eq(smtp_session_deadline(r.s), r.now + 300000);
	rig_fini(&r);
}
END_TEST

/* Nothing is too slow but the client. */
START_TEST(test_asks_wait)
{
	struct rig r;

	rig_init(&r);
	talk(&r, RIG_HOLD, D "x" N "." N "QUIT" N);
	ck_assert(!smtp_session_takes(r.s));
	ck_assert(!rig_wait(&r));
	r.now += 1000000;
	rig_store(&r);
	ck_assert_uint_eq(smtp_session_deadline(r.s), r.now + 300000);
	rig_go_on(&r);
	told(&r, OK "|221 2.0.0|x");
	rig_fini(&r);
}
END_TEST

/* ---- the drain ---- */

START_TEST(test_drain)
{
	struct rig r;

	rig_init(&r);
	talk(&r, 0, E);
	smtp_session_drain(r.s, false);
	rig_read(&r);
	told(&r, "421 4.3.2|x");
	ck_assert_str_eq(why(&r), "drain");

	talk(&r, 0, P); /* between commands: at the next one */
	smtp_session_drain(r.s, false);
	rig_go_on(&r);
	told(&r, "");
	ck_assert(smtp_session_busy(r.s));
	FEED(&r, "DATA" N "x" N "." N);
	told(&r, "421 4.3.2|x");
	ck_assert(!smtp_session_busy(r.s));

	talk(&r, 0, D "x" N); /* a mail on its way is answered */
	smtp_session_drain(r.s, false);
	FEED(&r, "." N "NOOP" N);
	told(&r, OK "|421 4.3.2|x");
	ck_assert_str_eq(rig_mails(&r), "a@b.c>q:x\r\n|");

	talk(&r, 0, P "BDAT 1" N "x"); /* and so is one by chunks */
	smtp_session_drain(r.s, false);
	FEED(&r, "BDAT 1" N "y"
	         "BDAT 1 LAST" N "z"
	         "NOOP" N);
	told(&r, OK "|" OK "|421 4.3.2|x");
	ck_assert_str_eq(rig_mails(&r), "a@b.c>q:xyz|");

	talk(&r, 0, "BDAT 3" N "x");
	smtp_session_drain(r.s, false);
	FEED(&r, "yz");
	told(&r, "503 5.5.1|421 4.3.2|x");
	rig_fini(&r);
}
END_TEST

START_TEST(test_drain_asking)
{
	struct rig r;

	rig_init(&r);
	talk(&r, RIG_HOLD, D "x" N "." N); /* being stored */
	smtp_session_drain(r.s, false);
	ck_assert(smtp_session_busy(r.s));
	rig_store(&r);
	rig_read(&r);
	told(&r, OK "|421 4.3.2|x");

	talk(&r, RIG_HOLD | RIG_TLS | RIG_USERS, E "AUTH PLAIN AGpvAHNlY3JldA==" N);
	smtp_session_drain(r.s, false);
	told(&r, "");
	rig_authorise(&r, true);
	rig_read(&r);
	told(&r, "235 2.7.0|421 4.3.2|x");

	talk(&r, RIG_TLS | RIG_USERS, E "AUTH LOGIN" N);
	smtp_session_drain(r.s, false);
	FEED(&r, "am8=" N);
	told(&r, "421 4.3.2|x");
	rig_fini(&r);
}
END_TEST

/* At the drain's deadline nothing is accepted any more. */
START_TEST(test_drain_now)
{
	struct rig r;

	rig_init(&r);
	talk(&r, 0, D "x" N);
	smtp_session_drain(r.s, false);
	smtp_session_drain(r.s, true);
	FEED(&r, "." N);
	told(&r, "421 4.3.2|x");
	ck_assert_str_eq(rig_mails(&r), "");
	talk(&r, RIG_HOLD, D "x" N "." N);
	smtp_session_drain(r.s, true);
	rig_read(&r);
	told(&r, "421 4.3.2|x");
	ck_assert_int_eq(smtp_session_asks(r.s), SMTP_ASK_NOTHING);
	rig_store(&r); /* too late */
	smtp_session_queue(r.s, STORE_THERE, r.now);
	smtp_session_authorised(r.s, true, r.now);
	smtp_session_secured(r.s, "TLS1.3", "X", r.now);
	rig_read(&r);
	told(&r, "x");
	rig_fini(&r);
}
END_TEST

/* ---- the end ---- */

START_TEST(test_end)
{
	struct rig r;

	rig_init(&r);
	talk(&r, 0, D "half a bo");
	smtp_session_end(r.s);
	ck_assert(smtp_session_closing(r.s));
	ck_assert_str_eq(why(&r), "eof");
	ck_assert_str_eq(rig_mails(&r), "");
	ck_assert_uint_eq(atomic_load(&r.counts.aborted), 1);
	talk(&r, RIG_HOLD, D "x" N "." N);
	smtp_session_end(r.s);
	ck_assert(!smtp_session_closing(r.s));
	rig_store(&r);
	rig_read(&r);
	told(&r, OK "|x");
	talk(&r, 0, P); /* torn off */
	rig_end(&r);
	ck_assert_uint_eq(atomic_load(&r.counts.aborted), 2);
	rig_fini(&r);
}
END_TEST

/* ---- the broker's answers ---- */

START_TEST(test_verdicts)
{
	static const struct {
		enum store_verdict verdict;
		const char *text, *told;
	} rows[] = {
		{ STORE_REFUSED_FULL, NULL, "452 4.3.1 there is no room for it, try again\n" },
		{ STORE_REFUSED_AWAY, "", "451 4.3.0 the broker does not answer, try again\n" },
		{ STORE_REFUSED_LARGE, "too large", "552 5.3.4 too large\n" },
		{ STORE_REFUSED_GONE, "gone\r\nx\303\244", "451 4.3.0 gone??x??\n" },
		{ STORE_REFUSED_BAD, "bad", "550 5.6.0 bad\n" },
	};
	struct rig r;

	rig_init(&r);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		r.verdict = rows[i].verdict;
		r.verdict_text = rows[i].text;
		talk(&r, RIG_LMTP,
		     "LHLO x" N "MAIL FROM:<>" N "RCPT TO:<q@localhost>" N "RCPT TO:<p@localhost>" N "DATA" N);
		FEED(&r, "." N);
		ck_assert_int_eq(strncmp(rig_told(&r), rows[i].told, strlen(rows[i].told)), 0);
		FEED(&r, "NOOP" N);
		told(&r, OK);
		talk(&r, 0, D);
		FEED(&r, "." N);
		ck_assert_str_eq(rig_told(&r), rows[i].told);
	}
	ck_assert_uint_eq(atomic_load(&r.counts.mails), 0);
	ck_assert_uint_eq(atomic_load(&r.counts.refused_full), 2);
	rig_fini(&r);
}
END_TEST

/* Who made a mistake sees which. */
START_TEST(test_texts)
{
	struct rig r;

	rig_init(&r);
	talk(&r, 0, E "MAIL FROM:<>" N);
	FEED(&r, "RCPT TO:<missing@localhost>" N "RCPT TO:<paused@localhost>" N "RCPT TO:<closed@localhost>" N);
	ck_assert_str_eq(rig_told(&r), "550 5.1.1 there is no queue missing\n"
	                               "450 4.2.1 the queue paused is paused, try again\n"
	                               "450 4.2.1 the queue closed takes no more, try again\n");
	FEED(&r, "RCPT TO:<q+priority=1000@localhost>" N);
	ck_assert_ptr_nonnull(strstr(rig_told(&r), "priority"));
	rig_fini(&r);
}
END_TEST

START_TEST(test_letter)
{
	struct rig r;

	rig_init(&r);
	talk(&r, RIG_FAR | RIG_HOLD | RIG_TLS | RIG_USERS, "EHLO there.test" N "AUTH PLAIN AGpvAHNlY3JldA==" N);
	rig_authorise(&r, true);
	FEED(&r, "MAIL FROM:<Me@B.c> BODY=8BITMIME SMTPUTF8" N "RCPT TO:<Q+priority=9@localhost>" N "DATA" N
	         "Subject: x" N N "." N);
	ck_assert_ptr_nonnull(r.letter);
	ck_assert_str_eq(r.letter->peer, "192.0.2.1:4711");
	ck_assert_str_eq(r.letter->helo, "there.test");
	ck_assert_str_eq(r.letter->tls, "TLS1.3 TLS_AES_256_GCM_SHA384");
	ck_assert_str_eq(r.letter->user, "jo");
	ck_assert_str_eq(r.letter->from, "Me@B.c");
	ck_assert(r.letter->esmtp && !r.letter->lmtp && r.letter->utf8);
	ck_assert_int_eq(r.letter->body, LETTER_8BITMIME);
	ck_assert_uint_eq(r.letter->received_ms, r.wall);
	ck_assert_uint_eq(r.letter->size, 14);
	ck_assert_str_eq(r.letter->headers.subject, "x");
	ck_assert_str_eq(r.letter->rcpts[0].address, "Q+priority=9@localhost");
	ck_assert_str_eq(r.letter->rcpts[0].rcpt.queue, "q");
	ck_assert_uint_eq(r.letter->rcpts[0].rcpt.options.priority, 9);
	ck_assert(!r.letter->rcpts[0].create);
	rig_fini(&r);
}
END_TEST

SUITE_MAIN("smtp_life", test_offers, test_early, test_starttls, test_tls_time, test_idle, test_data_time,
           test_chunk_time, test_asks_wait, test_drain, test_drain_asking, test_drain_now, test_end, test_verdicts,
           test_texts, test_letter)
