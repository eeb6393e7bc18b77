/* Which jobs a mail becomes: queues, options, keys, headers, raw payloads. */
#include <stdlib.h>

#include "broker/smtp/dedup.h"
#include "broker/smtp/trace.h"
#include "tests/unit/base/suite.h"
#include "tests/unit/smtp/jobs_rig.h"

static struct jobs_rig r;

static bool is(struct span s, const char *text)
{
	return span_eq(s, span_str(text));
}

static bool starts(struct span s, const char *text)
{
	return s.n >= strlen(text) && memcmp(s.p, text, strlen(text)) == 0;
}

#define TRACE()                                                                                                        \
	"Return-Path: <alice@example.org>\r\nReceived: from mail.example.org (192.0.2.1:4711) by mx.example.net "      \
	"(Sheaf) with ESMTP id "

START_TEST(test_raw)
{
	static const char mail[] = "Subject: x\r\n\r\nhi\r\n";
	struct span p;

	rig_begin(&r);
	rig_to(&r, "q");
	rig_make_text(&r, mail);
	ck_assert_uint_eq(r.jobs->all.n, 1);
	ck_assert(is(r.jobs->all.v[0].queue, "q"));
	ck_assert_uint_eq(r.jobs->all.v[0].priority, DEFAULT_PRIORITY);
	ck_assert_uint_eq(r.jobs->all.v[0].key.n + r.jobs->all.v[0].flags, 0);
	p = rig_payload(&r, 0);
	ck_assert(starts(p, TRACE()));
	ck_assert_ptr_nonnull(memmem(p.p, p.n, " for <q@example.net>; Mon, 24 Nov 2025 18:04:05 +0000\r\n", 55));
	ck_assert(is(span_of(p.p + p.n - strlen(mail), strlen(mail)), mail));
	ck_assert_ptr_null(rig_header(&r, 0, "mime"));
	rig_end(&r);
	rig_begin(&r);
	rig_to(&r, "plain");
	rig_make_text(&r, mail);
	ck_assert(is(rig_payload(&r, 0), mail));
	rig_make_text(&r, "");
	ck_assert_uint_eq(rig_payload(&r, 0).n, 0);
	rig_end(&r);
}
END_TEST

START_TEST(test_queues_share_what_is_the_same)
{
	struct span p;

	rig_begin(&r);
	rig_to(&r, "a");
	rig_to(&r, "plain");
	rig_to(&r, "b");
	rig_to(&r, "a");
	rig_make_text(&r, "x\r\n");
	ck_assert_uint_eq(r.jobs->all.n, 3);
	ck_assert(r.jobs->part_of[0] == 0 && r.jobs->part_of[1] == 1 && r.jobs->part_of[2] == 2 &&
	          r.jobs->part_of[3] == 0);
	ck_assert_uint_eq(r.jobs->all.v[0].same, 0);
	ck_assert_uint_eq(r.jobs->all.v[1].same, 0);
	ck_assert_uint_eq(r.jobs->all.v[2].same, 1);
	p = rig_payload(&r, 2);
	ck_assert_ptr_null(memmem(p.p, p.n, "example.net>", 12)); /* nobody hears of the other recipients */
	ck_assert_str_eq(rig_header(&r, 0, "rcpt"), "a@example.net a@example.net");
	ck_assert_str_eq(rig_header(&r, 2, "rcpt"), "b@example.net");
	rig_end(&r);
}
END_TEST

START_TEST(test_how_it_came)
{
	static const struct {
		bool esmtp, lmtp, utf8, tls, auth;
		const char *with;
	} rows[] = {
		{ false, false, false, false, false, "SMTP" },   { true, false, false, false, false, "ESMTP" },
		{ true, false, false, true, false, "ESMTPS" },   { true, false, false, true, true, "ESMTPSA" },
		{ true, false, false, false, true, "ESMTPA" },   { true, true, false, false, false, "LMTP" },
		{ true, true, false, true, true, "LMTPSA" },     { true, false, true, false, false, "UTF8SMTP" },
		{ true, false, true, true, true, "UTF8SMTPSA" }, { true, true, true, true, false, "UTF8LMTPS" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char want[64];
		struct span p;

		rig_begin(&r);
		rig_to(&r, "q");
		r.l.esmtp = rows[i].esmtp;
		r.l.lmtp = rows[i].lmtp;
		r.l.utf8 = rows[i].utf8;
		snprintf(r.l.tls, sizeof r.l.tls, "%s", rows[i].tls ? "TLS1.3 TLS_AES_256_GCM_SHA384" : "");
		snprintf(r.l.user, sizeof r.l.user, "%s", rows[i].auth ? "bob" : "");
		rig_make_text(&r, "x\r\n");
		snprintf(want, sizeof want, " with %s id ", rows[i].with);
		p = rig_payload(&r, 0);
		ck_assert_msg(memmem(p.p, p.n, want, strlen(want)) != NULL, "row %zu", i);
		rig_end(&r);
	}
}
END_TEST

START_TEST(test_headers)
{
	rig_begin(&r);
	rig_to(&r, "q");
	snprintf(r.l.tls, sizeof r.l.tls, "TLS1.3 X");
	snprintf(r.l.user, sizeof r.l.user,
	         "b\xc3\xb6"
	         "b");
	snprintf(r.l.headers.message_id, 64, "<1@x>");
	snprintf(r.l.headers.subject, 128, "=?utf-8?q?Gr=C3=BC=C3=9Fe?= =?iso-8859-1?q?_=E4=0A?= a\tb \xff");
	rig_make_text(&r, "abc");
	ck_assert_str_eq(rig_header(&r, 0, "mail_from"), "alice@example.org");
	ck_assert_str_eq(rig_header(&r, 0, "rcpt"), "q@example.net");
	ck_assert_str_eq(rig_header(&r, 0, "helo"), "mail.example.org");
	ck_assert_str_eq(rig_header(&r, 0, "peer"), "192.0.2.1:4711");
	ck_assert_str_eq(rig_header(&r, 0, "tls"), "TLS1.3 X");
	ck_assert_str_eq(rig_header(&r, 0, "auth_user"), "b\xc3\xb6"
	                                                 "b");
	ck_assert_str_eq(rig_header(&r, 0, "message_id"), "<1@x>");
	ck_assert(starts(span_str(rig_header(&r, 0, "subject")), "Gr\xc3\xbc\xc3\x9f"
	                                                         "e \xc3\xa4  a b "));
	ck_assert_str_eq(rig_header(&r, 0, "received_at"), "2025-11-24T18:04:05.678Z");
	ck_assert_str_eq(rig_header(&r, 0, "size"), "3");
	ck_assert_str_eq(rig_header(&r, 0, "sha256"),
	                 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	rig_end(&r);
	rig_begin(&r); /* what there is nothing of is there, too: a handler need not ask first */
	rig_to(&r, "q");
	r.l.from[0] = 0;
	rig_make_text(&r, "abc");
	ck_assert_str_eq(rig_header(&r, 0, "mail_from"), "");
	ck_assert_str_eq(rig_header(&r, 0, "tls"), "");
	ck_assert_str_eq(rig_header(&r, 0, "auth_user"), "");
	ck_assert_str_eq(rig_header(&r, 0, "message_id"), "");
	ck_assert_str_eq(rig_header(&r, 0, "subject"), "");
	rig_end(&r);
}
END_TEST

static void fill(char *to, size_t n, const char *with)
{
	for (size_t i = 0; i + 1 < n; i++)
		to[i] = with[i % strlen(with)];
	to[n - 1] = 0;
}

START_TEST(test_headers_have_a_bound)
{
	static const char *const withs[] = { "x", "\xff", "\xc3\xa4", "\xe2\x82\xac", "\n", "\xe2\x82" };

	for (size_t w = 0; w < sizeof withs / sizeof withs[0]; w++) {
		struct span address;

		rig_begin(&r);
		fill(r.l.from, sizeof r.l.from, withs[w]);
		fill(r.l.helo, sizeof r.l.helo, withs[w]);
		fill(r.l.peer, sizeof r.l.peer, withs[w]);
		fill(r.l.tls, sizeof r.l.tls, withs[w]);
		fill(r.l.user, sizeof r.l.user, withs[w]);
		fill(r.l.headers.message_id, sizeof r.l.headers.message_id, withs[w]);
		fill(r.l.headers.subject, sizeof r.l.headers.subject, withs[w]);
		for (int i = 0; i < LIMIT_MAIL_RCPTS; i++) {
			rig_to(&r, "json");
			free(r.rcpts[i].address);
			r.rcpts[i].address = malloc(LIMIT_MAIL_PATH + 1);
			ck_assert_ptr_nonnull(r.rcpts[i].address);
			fill(r.rcpts[i].address, LIMIT_MAIL_PATH + 1, withs[w]);
		}
		rig_make_text(&r, "Content-Type: multipart/mixed\r\n\r\nx");
		ck_assert_str_eq(rig_header(&r, 0, "mime"), "raw");
		address = span_str(rig_header(&r, 0, "rcpt"));
		ck_assert_uint_le(address.n, 2048);
		ck_assert_uint_ge(address.n, 7 * LIMIT_MAIL_PATH); /* whole addresses */
		rig_end(&r);
	}
}
END_TEST

START_TEST(test_options)
{
	struct rcpt_options *o;
	const struct msg_all_part *p;

	rig_begin(&r);
	o = rig_to(&r, "q");
	o->has_priority = true;
	o->priority = 0;
	o = rig_to(&r, "q"); /* the first that says an option says it */
	o->has_priority = o->has_delay = true;
	o->priority = 9;
	o->delay_ms = 1000;
	rig_to(&r, "other");
	r.rcpts[1].create = true;
	r.l.headers.job =
	    (struct rcpt_options){ .has_priority = true, .priority = 7, .has_expires = true, .expires_ms = 5000 };
	rig_make_text(&r, "x");
	p = r.jobs->all.v;
	ck_assert(p[0].priority == 0 && p[0].delay_ms == 1000 && p[0].within_ms == 0 && p[0].flags == ALL_CREATE);
	ck_assert(p[1].priority == DEFAULT_PRIORITY && p[1].delay_ms == 0 && p[1].flags == 0);
	r.l.headers.job_why = "X-Job-Delay: no";
	rig_make_text(&r, "x"); /* X-Job-* of strangers is like any header */
	ck_assert_uint_eq(r.jobs->all.v[1].priority, DEFAULT_PRIORITY);
	snprintf(r.l.user, sizeof r.l.user, "bob");
	rig_make_text(&r, "x");
	ck_assert_int_eq(r.fault, JOBS_HEADER);
	ck_assert_str_eq(r.why, "X-Job-Delay: no");
	r.l.headers.job_why = NULL;
	rig_make_text(&r, "x");
	p = r.jobs->all.v;
	ck_assert(p[0].priority == 0 && p[0].delay_ms == 1000 && p[0].within_ms == 5000);
	ck_assert(p[1].priority == 7 && p[1].delay_ms == 0 && p[1].within_ms == 5000);
	rig_end(&r);
}
END_TEST

static void set_key(struct rcpt_options *o, const char *key)
{
	o->key_n = (uint32_t)strlen(key);
	memcpy(o->key, key, o->key_n);
}

START_TEST(test_keys_of_their_own)
{
	rig_begin(&r);
	set_key(rig_to(&r, "dedup"), "k1");
	rig_make_text(&r, "x");
	ck_assert_int_eq(r.fault, JOBS_HEADER);
	ck_assert_ptr_nonnull(strstr(r.why, "queue dedup"));
	r.l.peer_address = (struct cidr_address){ 4, { 10, 1, 2, 3 } }; /* of a network that the queue trusts */
	rig_make_text(&r, "x");
	ck_assert(is(r.jobs->all.v[0].key, "k1"));
	rig_end(&r);

	rig_begin(&r);
	set_key(rig_to(&r, "q"), "k2"); /* without dedup, too: it was asked for */
	r.l.peer_address = (struct cidr_address){ 4, { 10, 1, 2, 3 } };
	rig_make_text(&r, "x");
	ck_assert_int_eq(r.fault, JOBS_HEADER);
	r.l.peer_address = (struct cidr_address){ 4, { 127, 0, 0, 1 } };
	rig_make_text(&r, "x");
	ck_assert(is(r.jobs->all.v[0].key, "k2"));
	rig_end(&r);

	rig_begin(&r);
	set_key(rig_to(&r, "dedup"), "k3");
	rig_to(&r, "q");
	snprintf(r.l.user, sizeof r.l.user, "bob");
	set_key(&r.l.headers.job, "k4");
	rig_make_text(&r, "x");
	ck_assert(is(r.jobs->all.v[0].key, "k3"));
	ck_assert(is(r.jobs->all.v[1].key, "k4"));
	rig_end(&r);
}
END_TEST

/* The key of a mail in queue "dedup". */
static const char *key(const char *from, const char *message_id, const char *mail)
{
	static char keys[2][DEDUP_KEY_ROOM];
	static int at;
	char *k = keys[at++ % 2];

	rig_begin(&r);
	rig_to(&r, "dedup");
	snprintf(r.l.from, sizeof r.l.from, "%s", from);
	snprintf(r.l.headers.message_id, sizeof r.l.headers.message_id, "%s", message_id);
	rig_make_text(&r, mail);
	ck_assert_uint_eq(r.jobs->all.v[0].key.n, DEDUP_KEY);
	memcpy(k, r.jobs->all.v[0].key.p, DEDUP_KEY);
	k[DEDUP_KEY] = 0;
	rig_end(&r);
	return k;
}

START_TEST(test_keys_of_the_mail)
{
	static const char mail[] = "A: 1\r\nMessage-ID: <1@x>\r\nB: 2\r\n\r\nReceived: x\r\n";
	static const char again[] =
	    "Return-Path: <a@b>\r\nReceived: from x\r\n\tby y;\r\n z\r\nA: 1\r\nreceived : q\r\n"
	    "Message-ID: <1@x>\r\nB: 2\r\nRETURN-PATH:\r\n\r\nReceived: x\r\n";

	ck_assert_str_eq(key("a@b", "<1@x>", mail), key("a@b", "<1@x>", mail));
	ck_assert_str_eq(key("a@b", "<1@x>", mail), key("a@b", "<1@x>", again));
	ck_assert_str_ne(key("a@b", "<1@x>", mail), key("a@c", "<1@x>", mail));
	ck_assert_str_ne(key("a@b", "<1@x>", mail), key("a@b", "<2@x>", mail));
	ck_assert_str_ne(key("a@b", "<1@x>", mail), key("a@b", "<1@x>", "A: 1\r\nMessage-ID: <1@x>\r\nB: 2\r\n\r\n"));
	ck_assert_str_ne(key("a@b", "<1@x>", mail), key("a@b", "<1@x>", "Message-ID: <1@x>\r\n\r\nother\r\n"));
	ck_assert_str_eq(key("a@b", "", "no head\r\n"), key("a@b", "", "no head\r\n"));
	ck_assert_str_ne(key("a@b", "", "no head\r\n"), key("a@b", "", "no head\r\n."));
	ck_assert_str_ne(key("", "", ""), key("", "", "\r\n"));
	ck_assert_str_eq(key("", "", "Received: x"), key("", "", ""));
	rig_begin(&r); /* another queue */
	rig_to(&r, "dedup");
	rig_to(&r, "plain");
	r.policies[0].dedup = true;
	rig_make_text(&r, mail);
	ck_assert(!span_eq(r.jobs->all.v[0].key, r.jobs->all.v[1].key));
	rig_end(&r);
}
END_TEST

static struct span zeros(size_t n)
{
	static uint8_t *z;

	if (z == NULL)
		z = calloc(1, LIMIT_PAYLOAD + 1);
	ck_assert_ptr_nonnull(z);
	return span_of(z, n);
}

START_TEST(test_what_is_too_large)
{
	rig_begin(&r);
	rig_to(&r, "a");
	rig_to(&r, "b");
	rig_make(&r, zeros(LIMIT_MAIL)); /* one payload for both */
	ck_assert_uint_eq(r.jobs->all.v[1].same, 1);
	rig_to(&r, "plain"); /* and one without the trace */
	rig_make(&r, zeros(LIMIT_MAIL));
	ck_assert_int_eq(r.fault, JOBS_TOO_LARGE);
	ck_assert_ptr_nonnull(strstr(r.why, "16777216"));
	rig_make(&r, zeros(LIMIT_ALL_BYTES / 2 - 1000));
	ck_assert_uint_eq(r.jobs->all.n, 3);
	ck_assert(jobs_slow(&r.l, &r.config));
	rig_end(&r);
	rig_begin(&r);
	rig_to(&r, "a");
	rig_make(&r, zeros(LIMIT_PAYLOAD));
	ck_assert_int_eq(r.fault, JOBS_TOO_LARGE);
	rig_make_broken(&r);
	ck_assert_int_eq(r.fault, JOBS_UNREADABLE);
	rig_make_text(&r, "x");
	ck_assert(!jobs_slow(&r.l, &r.config));
	rig_to(&r, "json");
	ck_assert(jobs_slow(&r.l, &r.config));
	rig_end(&r);
}
END_TEST

START_TEST(test_a_hundred_queues)
{
	rig_begin(&r);
	for (int i = 0; i < LIMIT_MAIL_RCPTS; i++) {
		char name[16];

		snprintf(name, sizeof name, "q%d", i);
		rig_to(&r, name);
	}
	rig_make_text(&r, "x");
	ck_assert_uint_eq(r.jobs->all.n, LIMIT_MAIL_RCPTS);
	for (uint32_t i = 1; i < LIMIT_MAIL_RCPTS; i++)
		ck_assert(r.jobs->all.v[i].same == 1 && r.jobs->part_of[i] == i);
	ck_assert_str_eq(rig_header(&r, 99, "rcpt"), "q99@example.net");
	rig_end(&r);
}
END_TEST

START_TEST(test_times)
{
	char date[TRACE_DATE], stamp[TRACE_STAMP];

	trace_date(0, date);
	ck_assert_str_eq(date, "Thu, 1 Jan 1970 00:00:00 +0000");
	trace_stamp(1709164799999, stamp);
	ck_assert_str_eq(stamp, "2024-02-28T23:59:59.999Z");
	trace_date(1709164800000, date);
	ck_assert_str_eq(date, "Thu, 29 Feb 2024 00:00:00 +0000");
	trace_date(UINT64_MAX, date);
	trace_stamp(UINT64_MAX, stamp);
	ck_assert_uint_lt(strlen(stamp), TRACE_STAMP);
}
END_TEST

SUITE_MAIN("jobs", test_raw, test_queues_share_what_is_the_same, test_how_it_came, test_headers,
           test_headers_have_a_bound, test_options, test_keys_of_their_own, test_keys_of_the_mail,
           test_what_is_too_large, test_a_hundred_queues, test_times)
