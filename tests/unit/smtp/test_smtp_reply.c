/* The table of replies, the lines that are made of it, and the lines of commands. */
#include <stdlib.h>

#include "broker/smtp/command.h"
#include "broker/smtp/reply.h"
#include "tests/unit/base/suite.h"

static const char *text(struct buf *b)
{
	buf_put_u8(b, 0);
	b->n = 0;
	return (const char *)b->p;
}

/* Each has a code; an enhanced code of its class, unless the class has none; and a text to read. */
START_TEST(test_table)
{
	struct smtp_counts counts = { 0 };
	struct buf out = { 0 };

	for (int r = REPLY_NONE + 1; r < REPLIES; r++) {
		size_t n;
		const char *line;

		smtp_reply_put(&out, (enum smtp_reply)r, &counts);
		n = out.n;
		line = text(&out);
		ck_assert_uint_le(n, REPLY_LINE);
		ck_assert_str_eq(line + n - 2, "\r\n");
		ck_assert(line[0] >= '2' && line[0] <= '5' && line[3] == ' ');
		ck_assert(smtp_reply_is_error((enum smtp_reply)r) == (line[0] == '5'));
		if (line[0] == '3')
			continue;
		ck_assert_msg(line[4] == line[0] && line[5] == '.' && line[7] == '.', "%s", line);
		ck_assert_msg(strlen(strchr(line + 4, ' ') + 1) > 3, "%s", line);
	}
	ck_assert_uint_eq(atomic_load(&counts.sessions), 0);
	ck_assert_uint_eq(atomic_load(&counts.refused_full), 1);
	ck_assert_uint_eq(atomic_load(&counts.timeouts), 1);
	buf_fini(&out);
}
END_TEST

START_TEST(test_texts)
{
	struct smtp_counts counts = { 0 };
	struct buf out = { 0 };
	char long_text[1000];

	smtp_reply_put_text(&out, REPLY_MAIL_BAD, span_str("a\r\n250 b\377\t"), &counts);
	ck_assert_str_eq(text(&out), "550 5.6.0 a??250 b??\r\n");
	memset(long_text, 'x', sizeof long_text);
	smtp_reply_put_text(&out, REPLY_MAIL_BAD, span_of(long_text, sizeof long_text), &counts);
	ck_assert_uint_eq(out.n, REPLY_LINE);
	buf_clear(&out);
	smtp_reply_put_drain(&out, "h", NULL);
	ck_assert_str_eq(text(&out), "421 4.3.2 h is going down, try again\r\n");
	ck_assert_uint_eq(atomic_load(&counts.refused_content), 2);
	buf_fini(&out);
}
END_TEST

START_TEST(test_queued)
{
	static const uint64_t ids[] = { 7, 0, 7, UINT64_MAX, 0 };
	struct buf out = { 0 };

	smtp_reply_put_queued(&out, ids, 5);
	ck_assert_str_eq(text(&out), "250 2.0.0 queued as 7 0 18446744073709551615\r\n");
	ck_assert_uint_eq(smtp_distinct(ids, 5), 3);
	smtp_reply_put_queued(&out, ids, 1);
	ck_assert_str_eq(text(&out), "250 2.0.0 queued as 7\r\n");
	buf_fini(&out);
}
END_TEST

START_TEST(test_verbs)
{
	static const struct {
		const char *line, *argument;
		enum smtp_verb verb;
	} rows[] = {
		{ "EHLO x", "x", VERB_EHLO },
		{ "ehlo \t x y\t ", "x y", VERB_EHLO },
		{ "starttls", "", VERB_STARTTLS },
		{ "STARTTLSX", "", VERB_UNKNOWN },
		{ "", "", VERB_UNKNOWN },
		{ " NOOP", "NOOP", VERB_UNKNOWN },
		{ "MAIL FROM:<>", "FROM:<>", VERB_MAIL },
		{ "GET /", "/", VERB_HTTP },
		{ "post", "", VERB_HTTP },
		{ "PROXY TCP4 192.0.2.7 192.0.2.1 4711 25", "TCP4 192.0.2.7 192.0.2.1 4711 25", VERB_PROXY },
		{ "OPTION", "", VERB_UNKNOWN },
		{ "\311HLO", "", VERB_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct span argument;

		ck_assert_int_eq(smtp_verb(span_str(rows[i].line), &argument), rows[i].verb);
		ck_assert(span_eq(argument, span_str(rows[i].argument)));
	}
}
END_TEST

/* Parameters as "name=value,", "!" at a bad one. */
static void parameters(const char *in, const char *want)
{
	struct span rest = span_str(in);
	enum smtp_parameter_kind kind;
	struct smtp_parameter p;
	struct buf out = { 0 };

	while ((kind = smtp_parameter(&rest, &p)) == PARAMETER_THERE) {
		buf_put_span(&out, p.name);
		if (p.value.p != NULL) {
			buf_put_u8(&out, '=');
			buf_put_span(&out, p.value);
		}
		buf_put_u8(&out, ',');
	}
	if (kind == PARAMETER_BAD)
		buf_put_u8(&out, '!');
	ck_assert_str_eq(text(&out), want);
	buf_fini(&out);
}

START_TEST(test_parameters)
{
	uint64_t v;

	parameters("", "");
	parameters("  ", "");
	parameters(" SIZE=1  BODY=8BITMIME\tSMTPUTF8 ", "SIZE=1,BODY=8BITMIME,SMTPUTF8,");
	parameters("SIZE=1", "!");
	parameters(" A=", "!");
	parameters(" =1", "!");
	parameters(" A=b=c", "!");
	parameters(" A-1 -B", "A-1,!");
	parameters(" A\303\244", "!");
	parameters(" A=\303\244", "A=\303\244,");
	parameters(" A=\177", "!");
	ck_assert(smtp_number(span_str("18446744073709551614"), &v) && v == UINT64_MAX - 1);
	ck_assert(smtp_number(span_str("18446744073709551616"), &v) && v == UINT64_MAX);
	ck_assert(smtp_number(span_str("99999999999999999999999"), &v) && v == UINT64_MAX);
	ck_assert(smtp_number(span_str("007"), &v) && v == 7);
	ck_assert(!smtp_number(span_str(""), &v) && !smtp_number(span_str("+1"), &v) &&
	          !smtp_number(span_str("1 "), &v));
	ck_assert(smtp_xtext(span_str("<>")) && smtp_xtext(span_str("a+2B")) && !smtp_xtext(span_str("a+2b")));
	ck_assert(!smtp_xtext(span_str("")) && !smtp_xtext(span_str("+2")) && !smtp_xtext(span_str("a=b")));
}
END_TEST

SUITE_MAIN("smtp_reply", test_table, test_texts, test_queued, test_verbs, test_parameters)
